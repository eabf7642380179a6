"""A run up to its first step, without its weights: what would be trained on, graded and done, and whether it works."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median_low
from typing import Any

import datasets

from rewards import CodeReward, ConfigurationError, DatasetError, RewardError, SandboxUnavailable, Verdict

from .arguments import RunArguments
from .datasets import KNOWN_SOLUTION, load_rows
from .environments.building import refuse_template, refuse_tools
from .gold import known_solution
from .ingredients import Ingredients
from .methods import method_called
from .packages import refuse_missing_packages
from .plan import Plan, plan_of, worst_grading_s
from .policy_preview import PolicyPreview, preview_policy
from .reward import open_reward, reward_functions
from .tokens import prompt_ids, rendered
from .training import checkpoint_of, warn_of_idle_rows

_RENDERED = 200
"""Prompts whose tokens are counted."""
_SHOWN_CHARS = 600
Say = Callable[[str], Any]


@dataclass(frozen=True)
class Material:
    """What a run that makes its own rows and tokenizer has in their place."""

    rows: datasets.Dataset
    """With a right program in `known_solution`, as `load_rows` gives them."""
    tokenizer: Any
    n_rows: int
    """How many there will be."""


def dry_run(run: RunArguments, *, say: Say, material: Material | None = None) -> None:
    """Load all but the weights, grade a known solution, and say what would run.

    Raises a `RewardError` for whatever would have ended the run at its start, and for a known solution that fails.
    """
    refuse_missing_packages(run)
    refuse_tools(run)
    checkpoint_of(run.training)
    rows, eval_rows = (material.rows, None) if material is not None else _load(run)
    with open_reward(run) as reward:
        functions = reward_functions(run, reward)
        checked = reward.check(_without_solutions(rows))
        n_eval = 0 if eval_rows is None else reward.check(_without_solutions(eval_rows)).rows
        fewest, middle, most = checked.tests_of_a_row
        say(f"rows: {run.data.dataset}: {checked}; {n_eval} held out")
        say(f"tests a row: {fewest} at least, {middle} at the median, {most} at most")
        policy = preview_policy(run, None if material is None else material.tokenizer)
        refuse_template(run, policy.tokenizer)
        check = method_called(run.method).check
        if check is not None and (material is None or run.agent.tools):  # a demo's rows are only a few here
            check(Ingredients(run, reward, rows, eval_rows), functions)
        _show_policy(run, policy, rows, say=say)
        names = ", ".join(getattr(function, "__name__", type(function).__name__) for function in functions)
        say(f"rewards: {names}; {_limits(run)}")
        say(f"sandbox: {reward.describe().splitlines()[0]}; it runs {reward.capacity} programs at once")
        _grade_known_solution(reward, rows, run, say=say)
        _try_others([function for function in functions if function is not reward], rows, run, say=say)
        plan = plan_of(run.training, len(rows) if material is None else material.n_rows)
        _show_plan(run, plan, say=say)
        _show_times(run, plan, reward, most_tests=most, say=say)


def _load(run: RunArguments) -> tuple[datasets.Dataset, datasets.Dataset | None]:
    finder = partial(known_solution, language=run.reward.language)
    rows, eval_rows = load_rows(run.data, seed=run.training.seed, solutions=finder)
    warn_of_idle_rows(run, eval_rows)
    return rows, eval_rows


def _show_policy(run: RunArguments, policy: PolicyPreview, rows: datasets.Dataset, *, say: Say) -> None:
    say(f"model: {policy.model}")
    for line in policy.options:
        say(line)
    if policy.tokenizer is None:
        return
    options = getattr(run.training, "chat_template_kwargs", None) or {}
    prompts = rows.select(range(min(_RENDERED, len(rows))))["prompt"]
    counts = [len(prompt_ids(prompt, policy.tokenizer, options=options)) for prompt in prompts]
    spread = (
        f"{min(counts)} at least, {median_low(counts)} at the median, {max(counts)} at most of the first {len(counts)}"
    )
    text = rendered(prompts[0], policy.tokenizer, options=options)
    say(f"the first prompt, {counts[0]} tokens ({spread}):\n{_indented(_cut(text))}")
    wanted = max(counts) + (run.training.max_completion_length or 0)
    if policy.max_length is not None and wanted > policy.max_length:
        say(f"WARNING: a prompt and max_completion_length come to {wanted} tokens, the model holds {policy.max_length}")


def _grade_known_solution(reward: CodeReward, rows: datasets.Dataset, run: RunArguments, *, say: Say) -> None:
    """Grade the first known solution; without one a program that does nothing shows that the sandbox starts."""
    i = next((i for i, source in enumerate(rows[KNOWN_SOLUTION]) if source), None)
    row = rows[i or 0]
    source = row.pop(KNOWN_SOLUTION)
    prompt, completion = row.pop("prompt"), _completion(source or "pass", run)
    began = time.monotonic()
    grade = reward.grade([prompt], [completion], **{name: [value] for name, value in row.items()}).grades[0]
    took = f"{time.monotonic() - began:.1f} s with the start of the sandbox"
    if grade.verdict is Verdict.UNJUDGED:
        raise SandboxUnavailable(f"the sandbox could not judge a program: {grade.detail}")
    if i is None:
        say(f"known solution: none in these rows (solution_column names a column); a program ran, {took}")
        return
    if grade.verdict is not Verdict.ACCEPTED:
        told = reward.explain(completion, prompt=prompt, **row)
        raise DatasetError(f"the known solution of row {i} does not pass its own tests:\n{_indented(_cut(told))}")
    say(f"known solution: row {i} passes, score {grade.score:g}, {took}")


def _try_others(
    functions: Sequence[Callable[..., Any]], rows: datasets.Dataset, run: RunArguments, *, say: Say
) -> None:
    """Call the rewards beside ours once, as TRL does: a mistake in one would end the run after its first generation."""
    if run.agent.tools:
        return  # they may want the environments of a turn
    for function in functions:
        row = rows[0]
        completion = _completion(row.pop(KNOWN_SOLUTION) or "pass", run)
        given = {name: [value] for name, value in row.items() if name != "prompt"}
        name = getattr(function, "__name__", type(function).__name__)
        try:
            scores = function(prompts=[row["prompt"]], completions=[completion], completion_ids=[[]], **given)
            scores = list(asyncio.run(scores) if inspect.iscoroutine(scores) else scores)
            told = [None if score is None else float(score) for score in scores]
        except RewardError:
            raise
        except Exception as error:  # the boundary to a function of the user's: which it is must be said
            raise ConfigurationError(f"the reward {name!r} fails for row 0: {type(error).__name__}: {error}") from error
        if len(told) != 1:
            raise ConfigurationError(f"the reward {name!r} returned {len(told)} scores for one completion")
        say(f"reward {name}: scores {told[0]} for the first row's known solution")


def _show_plan(run: RunArguments, plan: Plan, *, say: Say) -> None:
    training, ranks = run.training, f"{plan.ranks} rank{'s' * (plan.ranks > 1)}"
    say(
        f"{run.method.upper()}: {plan.steps} steps, {plan.epochs:.2f} epochs, {ranks}; "
        f"a step learns from {plan.completions_per_step:g} completions of {plan.prompts_per_step:g} prompts; "
        f"a rank grades {plan.completions_per_call} at once"
    )
    if run.agent.tools:
        say(f"tools: {', '.join(run.agent.tools)}, {run.agent.tool_turns} turns")
    saved = "never" if training.save_strategy == "no" else f"every {training.save_steps:g} steps"
    say(
        f"output: {training.output_dir}; checkpoints {saved}; logs to {', '.join(training.report_to) or 'nothing else'}"
    )


def _show_times(run: RunArguments, plan: Plan, reward: CodeReward, *, most_tests: int, say: Say) -> None:
    arguments, timeout_s = run.reward, run.training.ddp_timeout
    deadline_s = arguments.batch_deadline_s or timeout_s / 2
    tests = most_tests if arguments.max_tests is None else min(most_tests, arguments.max_tests)
    program_s = min(tests * arguments.cpu_s, arguments.job_cpu_s)
    worst_s = worst_grading_s(plan, cpu_s_per_program=program_s, capacity=reward.capacity)
    say(f"deadline of a batch: {deadline_s:g} s; ranks wait {timeout_s:g} s for each other (ddp_timeout)")
    say(f"grading a batch, if every program used all its CPU seconds: {worst_s:.0f} s")
    if worst_s > deadline_s:
        say("WARNING: that is beyond the deadline: programs that were not run by then would score None")


def _limits(run: RunArguments) -> str:
    reward = run.reward
    tests = "all tests" if reward.max_tests is None else f"at most {reward.max_tests} tests"
    return (
        f"{reward.scoring}, {tests}; a test may use {reward.cpu_s:g} s of CPU and {reward.memory_mb} MB, a program "
        f"{reward.job_cpu_s:g} s (where the row says nothing else)"
    )


def _completion(source: str, run: RunArguments) -> Any:
    opening = "" if run.reward.opened_by_prompt else "```\n"
    text = f"{opening}{source}\n```"
    return [{"role": "assistant", "content": text}] if run.data.conversational else text


def _without_solutions(rows: datasets.Dataset) -> datasets.Dataset:
    return rows.remove_columns(KNOWN_SOLUTION) if KNOWN_SOLUTION in rows.column_names else rows


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]} ..."


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines())
