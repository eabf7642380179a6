"use strict";
(() => {
  const PAGE_ROWS = 50;
  const byId = (id) => document.getElementById(id);

  /* Whatever a model wrote becomes text here, and never markup: nothing on this page is assigned to innerHTML. */
  function element(tag, className, ...children) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null));
    return made;
  }

  const verdictClass = (verdict) => (/^[a-z_]+$/.test(verdict) ? `v-${verdict}` : "");
  const words = (verdict) => verdict.replaceAll("_", " ");
  const shownScore = (score) => String(Math.round(score * 1000) / 1000);

  /* ---- charts: what is under the pointer ---- */

  function nearest(points, x) {
    let best = null;
    for (const point of points) if (best === null || Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
    return best;
  }

  function shownNumber(value, isShare) {
    if (isShare) return `${(100 * value).toFixed(1)} %`;
    return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  }

  function follow(plot, hover) {
    const cursor = plot.querySelector(".cursor");
    const tip = plot.querySelector(".tip");
    const [left, top, width, height] = hover.box;
    const hide = () => { cursor.hidden = tip.hidden = true; };
    plot.addEventListener("pointerleave", hide);
    plot.addEventListener("pointermove", (event) => {
      const area = plot.getBoundingClientRect();
      const share = ((event.clientX - area.left) / area.width - left) / width;
      const at = hover.range[0] + share * (hover.range[1] - hover.range[0]);
      const found = hover.series.map((one) => [one, nearest(one.points, at)]).filter(([, point]) => point !== null);
      if (share < 0 || share > 1 || !found.length) return hide();
      const x = found.map(([, point]) => point[0]).reduce((a, b) => (Math.abs(b - at) < Math.abs(a - at) ? b : a));
      const pixels = area.width * (left + (width * (x - hover.range[0])) / (hover.range[1] - hover.range[0]));
      cursor.style.cssText = `left:${pixels}px;top:${area.height * top}px;height:${area.height * height}px`;
      const lines = found.filter(([, point]) => point[0] === x).map(([one, point]) => {
        const swatch = element("i");
        swatch.style.setProperty("--swatch", one.color);
        return element("div", "", swatch, one.name, element("b", "", shownNumber(point[1], hover.share)));
      });
      tip.replaceChildren(element("div", "", element("strong", "", `${hover.x} ${Number(x.toPrecision(6))}`)), ...lines);
      cursor.hidden = tip.hidden = false;
      const room = area.width - tip.offsetWidth - 4;
      tip.style.left = `${Math.max(0, pixels + 14 > room ? pixels - tip.offsetWidth - 14 : pixels + 14)}px`;
      tip.style.top = `${area.height * top + 6}px`;
    });
  }

  JSON.parse(byId("hover-data").textContent).forEach((hover, i) => {
    follow(document.querySelector(`#chart-${i} .plot`), hover);
  });

  /* ---- samples ---- */

  const { prompts, samples } = JSON.parse(byId("sample-data").textContent);
  if (!samples.length) return;
  const state = { verdicts: new Set(), labels: new Map(), found: [], page: 0, current: null };

  function haystack(sample) {
    if (sample.haystack === undefined) {
      const tests = sample.tests.map((test) => `${test[1]}\n${test[2]}\n${test[3]}`);
      const labels = Object.values(sample.labels);
      const parts = [prompts[sample.prompt], sample.completion, sample.program ?? "", sample.detail, ...tests, ...labels];
      sample.haystack = parts.join("\n").toLowerCase();
    }
    return sample.haystack;
  }

  function isWanted(sample, text, first, last) {
    if (state.verdicts.size && !state.verdicts.has(sample.verdict)) return false;
    if (first !== null && (sample.step === null || sample.step < first)) return false;
    if (last !== null && (sample.step === null || sample.step > last)) return false;
    for (const [name, value] of state.labels) if (sample.labels[name] !== value) return false;
    return !text || haystack(sample).includes(text);
  }

  const scoreOr = (sample, none) => (sample.score === null ? none : sample.score);
  const ORDERS = {
    newest: (a, b) => (b.step ?? 0) - (a.step ?? 0),
    oldest: (a, b) => (a.step ?? 0) - (b.step ?? 0),
    worst: (a, b) => scoreOr(a, Infinity) - scoreOr(b, Infinity),
    best: (a, b) => scoreOr(b, -Infinity) - scoreOr(a, -Infinity),
  };

  function numberIn(id) {
    const value = byId(id).valueAsNumber;
    return Number.isFinite(value) ? value : null;
  }

  function search() {
    const text = byId("text").value.trim().toLowerCase();
    const [first, last] = [numberIn("first-step"), numberIn("last-step")];
    state.found = samples.filter((sample) => isWanted(sample, text, first, last)).sort(ORDERS[byId("order").value]);
    const at = state.found.indexOf(state.current);
    select(at < 0 ? 0 : at);
  }

  /* What had the focus is made anew, and gets it back. */
  function select(i) {
    const focused = document.activeElement;
    const inRows = byId("rows").contains(focused);
    state.current = state.found[i] ?? null;
    state.page = Math.max(0, Math.floor(i / PAGE_ROWS));
    showRows();
    showDetail();
    if (inRows) byId("rows").querySelector('[aria-current="true"]')?.focus({ preventScroll: true });
    else if (focused?.id) byId(focused.id)?.focus({ preventScroll: true });
  }

  function turn(pages) {
    const last = Math.max(0, Math.ceil(state.found.length / PAGE_ROWS) - 1);
    const page = Math.min(last, Math.max(0, state.page + pages));
    if (page !== state.page) select(page * PAGE_ROWS);
  }

  function move(by) {
    const i = state.found.indexOf(state.current) + by;
    if (i < 0 || i >= state.found.length) return;
    select(i);
    byId("rows").querySelector('[aria-current="true"]').scrollIntoView({ block: "nearest" });
  }

  function rowOf(sample) {
    const prompt = prompts[sample.prompt].trim();
    const row = element("button", `row ${verdictClass(sample.verdict)}`,
      element("span", "what", prompt.slice(0, 120).replaceAll("\n", " ") || "(empty prompt)"),
      element("span", "score", sample.score === null ? "–" : shownScore(sample.score)),
      element("span", "where", whereabouts(sample).join(" · ")));
    row.type = "button";
    row.setAttribute("aria-current", String(sample === state.current));
    row.addEventListener("click", () => select(state.found.indexOf(sample)));
    return element("li", "", row);
  }

  function whereabouts(sample) {
    const parts = [words(sample.verdict)];
    if (sample.step !== null) parts.push(`step ${sample.step}`);
    if (sample.n_tests) parts.push(`${sample.n_passed}/${sample.n_tests} tests`);
    return parts;
  }

  function showRows() {
    const start = state.page * PAGE_ROWS;
    byId("rows").replaceChildren(...state.found.slice(start, start + PAGE_ROWS).map(rowOf));
    const pages = Math.max(1, Math.ceil(state.found.length / PAGE_ROWS));
    byId("count").textContent = `${state.found.length.toLocaleString("en")} of ${samples.length.toLocaleString("en")} samples`;
    byId("page").textContent = `${state.page + 1} of ${pages}`;
    byId("page-back").disabled = state.page === 0;
    byId("page-on").disabled = state.page >= pages - 1;
  }

  function badge(verdict) {
    return element("span", `badge ${verdictClass(verdict)}`, words(verdict));
  }

  function source(written) {
    const text = written.replace(/\n+$/, "");
    const numbers = Array.from({ length: text.split("\n").length }, (_, i) => i + 1).join("\n");
    const gutter = element("pre", "gutter", numbers);
    gutter.setAttribute("aria-hidden", "true");
    return element("div", "source", gutter, element("pre", "code", text));
  }

  function testRow([verdict, name, detail, stderr, cpu, wall]) {
    const what = element("td", `what ${verdictClass(verdict)}`, detail || (stderr ? "" : "–"));
    if (stderr) what.append(element("pre", "stderr", stderr));
    const time = `${cpu.toFixed(2)} / ${wall.toFixed(2)}`;
    return element("tr", "", element("td", "", name), element("td", "", badge(verdict)), what, element("td", "time", time));
  }

  function testTable(sample) {
    const names = ["Test", "Verdict", "Detail and stderr", "CPU / wall s"];
    const head = element("tr", "", ...names.map((name) => element("th", "", name)));
    const table = element("table", "tests", element("thead", "", head), element("tbody", "", ...sample.tests.map(testRow)));
    const left = sample.n_tests - sample.tests.length;
    const note = left > 0 ? element("p", "note", `${left} more tests are not shown.`) : null;
    return [element("h3", "", `Tests: ${sample.n_passed} of ${sample.n_tests} passed`), element("div", "scroll", table), note];
  }

  function moves() {
    const back = element("button", "", "‹ Previous");
    const on = element("button", "", "Next ›");
    const i = state.found.indexOf(state.current);
    [back.id, on.id] = ["previous", "next"];
    back.type = on.type = "button";
    back.disabled = i <= 0;
    on.disabled = i >= state.found.length - 1;
    back.addEventListener("click", () => move(-1));
    on.addEventListener("click", () => move(1));
    return element("span", "moves", back, on);
  }

  function completionOf(sample) {
    const box = element("details", "", element("summary", "", "Whole completion"), element("pre", "completion", sample.completion));
    box.open = sample.program === null;
    return box;
  }

  function showDetail() {
    const sample = state.current;
    if (sample === null) {
      byId("detail").replaceChildren(element("p", "empty", "No sample is like this. Reset brings all of them back."));
      return;
    }
    const labels = Object.entries(sample.labels).map(([name, value]) => element("span", "label", `${name}: ${value}`));
    const head = element("div", "head", badge(sample.verdict),
      element("span", "", sample.score === null ? "no score" : `score ${shownScore(sample.score)}`),
      sample.step === null ? null : element("span", "", `step ${sample.step}`), ...labels, moves());
    const program = sample.program === null ? [] : [element("h3", "", "Program"), source(sample.program)];
    byId("detail").replaceChildren(...[
      head,
      sample.detail ? element("p", "reason", sample.detail) : null,
      element("h3", "", "Prompt"), element("pre", "prompt", prompts[sample.prompt]),
      ...program,
      ...(sample.tests.length ? testTable(sample) : []),
      completionOf(sample),
    ].filter((part) => part !== null));
  }

  function counted(values) {
    const counts = new Map();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]);
  }

  function makeChips() {
    for (const [verdict, n] of counted(samples.map((sample) => sample.verdict))) {
      const chip = element("button", `chip ${verdictClass(verdict)}`, words(verdict), element("span", "n", n.toLocaleString("en")));
      chip.type = "button";
      chip.dataset.verdict = verdict;
      chip.setAttribute("aria-pressed", "false");
      chip.addEventListener("click", () => {
        const pressed = !state.verdicts.delete(verdict);
        if (pressed) state.verdicts.add(verdict);
        chip.setAttribute("aria-pressed", String(pressed));
        search();
      });
      byId("verdicts").append(chip);
    }
  }

  function makeLabels() {
    for (const name of new Set(samples.flatMap((sample) => Object.keys(sample.labels)))) {
      const values = counted(samples.map((sample) => sample.labels[name]).filter((value) => value !== undefined));
      if (values.length < 2 || values.length > 200) continue;
      const choice = element("select", "", new Option("all", ""), ...values.map(([value, n]) => new Option(`${value} (${n})`, `=${value}`)));
      choice.dataset.label = name;
      choice.addEventListener("change", () => {
        if (choice.value) state.labels.set(name, choice.value.slice(1));
        else state.labels.delete(name);
        search();
      });
      byId("labels").append(element("label", "", element("span", "", name), choice));
    }
  }

  function reset() {
    for (const id of ["text", "first-step", "last-step"]) byId(id).value = "";
    for (const chip of byId("verdicts").children) chip.setAttribute("aria-pressed", "false");
    for (const choice of byId("labels").querySelectorAll("select")) choice.value = "";
    for (const chosen of [state.verdicts, state.labels]) chosen.clear();
    search();
  }

  let waiting;
  function searchSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(search, 120);
  }

  const KEYS = { j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), n: () => turn(1), p: () => turn(-1), "/": () => byId("text").focus() };
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest("input, select");
    if (isTyping && event.key === "Escape") event.target.blur();
    if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS)) return;
    if (event.key.startsWith("Arrow") && !event.target.closest(".browser")) return;
    event.preventDefault();
    KEYS[event.key]();
  });

  const hasSteps = samples.some((sample) => sample.step !== null);
  document.querySelector(".steps").hidden = !hasSteps;
  for (const id of ["text", "first-step", "last-step"]) byId(id).addEventListener("input", searchSoon);
  byId("order").addEventListener("change", search);
  byId("reset").addEventListener("click", reset);
  byId("page-back").addEventListener("click", () => turn(-1));
  byId("page-on").addEventListener("click", () => turn(1));
  makeChips();
  makeLabels();
  if (!hasSteps) byId("order").value = "oldest";
  search();
})();
