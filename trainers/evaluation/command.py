"""The command line of evaluations: run one, compare two, validate a data set."""

from __future__ import annotations

import argparse
import errno
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rewards import CodeReward, ConfigurationError, Extraction, Limits, RewardError

from ..reward import imported
from .comparison import compare_evaluations
from .completions import Source
from .console import comparison_lines, summary_lines
from .dataset import EvaluationOptions, evaluate_dataset
from .rows import Rows
from .validation import validate_dataset

EPILOG = """\
The same folder again goes on where it was interrupted. Without --reward completions are graded by a CodeReward with
the options below, which are called as in the YAML files of training runs.
"""

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR)


def main(arguments: Sequence[str] | None = None) -> None:
    """Do what the command line asks for; an error of the user's is one line."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in ("run", "compare", "validate", "-h", "--help"):
        given = ["run", *given]
    chosen = make_parser().parse_args(given)
    try:
        chosen.call(chosen)
    except RewardError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (*NO_ROOM, *NOT_WRITABLE):
            raise
        what = "make room" if error.errno in NO_ROOM else "name a folder that can be written to"
        sys.exit(f"error: {error}: {what}; results that are written are kept, and the same command goes on from there")
    except KeyboardInterrupt:
        sys.exit("interrupted: the same command goes on from here")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all three commands."""
    parser = argparse.ArgumentParser(prog="evaluate.py", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="run|compare|validate")
    run = _command(commands, "run", _run, "grade completions and write what each one got")
    _add_dataset(run)
    _add_completions(run)
    _add_reward(run)
    _add_outcome(run)
    compare = _command(commands, "compare", _compare, "compare two evaluations, problem by problem")
    compare.add_argument("first", type=Path)
    compare.add_argument("second", type=Path)
    validate = _command(commands, "validate", _validate, "try a data set: known solutions, and programs without a clue")
    _add_dataset(validate)
    _add_reward(validate)
    validate.add_argument("--repeats", type=int, default=3, help="runs of each known solution, to find flaky tests")
    validate.add_argument("--solution_column", help="where known solutions stand; unset: as public data sets have it")
    validate.add_argument("--need_gold", action="store_true", help="a row without a known solution is not clean")
    return parser


def _command(commands: Any, name: str, call: Any, words: str) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=words, description=words, epilog=EPILOG, allow_abbrev=False
    )
    made.set_defaults(call=call, parser=made)
    return made


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    part = parser.add_argument_group("data set")
    part.add_argument("dataset", help="a .jsonl, .json, .parquet or .csv file, a saved folder, or a name on the Hub")
    part.add_argument("--split", help="of a data set on the Hub: test, where it is not said")
    part.add_argument("--configuration", help="of a data set on the Hub")
    part.add_argument("--max_rows", type=int)
    part.add_argument("--output_dir", type=Path, required=True)
    part.add_argument("--batch_size", type=int, default=256, help="samples that are graded at once")
    part.add_argument("--no_progress", action="store_true")
    part.add_argument("--retry_unjudged", action="store_true", help="grade again what could not be judged before")


def _add_completions(parser: argparse.ArgumentParser) -> None:
    part = parser.add_argument_group("completions, by one of these ways")
    part.add_argument("--completions", help="the column that holds them; unset: completion, response, messages, ...")
    part.add_argument("--samples", type=Path, help="a file of samples: human-eval's, EvalPlus's, LiveCodeBench's")
    part.add_argument("--model", help="a model of transformers; with --base_url the name that the server knows")
    part.add_argument("--base_url", help="a server that speaks OpenAI's protocol, such as http://localhost:8000/v1")
    part.add_argument("--id_column", help="what a problem is called; unset: task_id, question_id, id, ...")
    part.add_argument(
        "--labels", nargs="+", default=[], help="columns by which figures are told apart: difficulty, ..."
    )
    part = parser.add_argument_group("sampling")
    part.add_argument("--n", type=int, default=1, help="completions for each problem")
    part.add_argument("--temperature", type=float, default=0.0)
    part.add_argument("--top_p", type=float, default=1.0)
    part.add_argument("--max_new_tokens", type=int, default=1024)
    part.add_argument("--seed", type=int, default=0)
    part.add_argument(
        "--chat_template_kwargs", type=_mapping, default={}, help="such as '{\"enable_thinking\": false}'"
    )
    part.add_argument("--stop", nargs="*", help="texts that end a completion, \\n for a line; unset: as the row says")
    part.add_argument("--concurrency", type=int, default=32, help="requests at once")
    part.add_argument("--timeout_s", type=float, help="for one answer of a server; unset: 600 or more")
    part.add_argument("--generation_batch_size", type=int, default=16)
    part.add_argument("--prompt_template", default="{prompt}", help="{prompt} is the statement, {name} any column")
    part.add_argument("--prompt_column", default="prompt")
    part.add_argument("--system_prompt")
    part.add_argument("--plain_text", action="store_true", help="continue the text instead of answering a message")


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{text!r} is no object in JSON")
    return found


def _add_reward(parser: argparse.ArgumentParser) -> None:
    part = parser.add_argument_group("grading")
    part.add_argument("--reward", help="another reward, as package.module.name")
    part.add_argument("--sandbox", default="auto", choices=["auto", "local", "e2b"])
    part.add_argument("--schema")
    part.add_argument("--language")
    part.add_argument("--comparison")
    part.add_argument("--scoring", default="all_passed")
    part.add_argument("--trust", default="split", choices=["split", "shared"])
    part.add_argument("--block_choice", default="auto")
    part.add_argument("--cpu_s", type=float, default=10.0)
    part.add_argument("--wall_s", type=float)
    part.add_argument("--job_cpu_s", type=float, default=120.0)
    part.add_argument("--memory_mb", type=int, default=1024)
    part.add_argument("--max_tests", type=int)


def _add_outcome(parser: argparse.ArgumentParser) -> None:
    part = parser.add_argument_group("what is left")
    part.add_argument("--additional_fields", nargs="+", help="columns that --reward is handed; unset: all")
    part.add_argument("--pass_score", type=float, default=1.0, help="score from which a completion counts as right")
    part.add_argument("--no_report", action="store_true")
    part.add_argument("--push_to_hub", help="a repository on the Hub to push the results to")
    part.add_argument("--hub_private_repo", action="store_true", help="make it a private one")


_SAMPLING = (
    "n",
    "temperature",
    "top_p",
    "max_new_tokens",
    "stop",
    "chat_template_kwargs",
    "concurrency",
    "timeout_s",
    "generation_batch_size",
    "prompt_template",
    "prompt_column",
    "system_prompt",
    "plain_text",
)
_GRADING = (
    *("sandbox", "schema", "language", "comparison", "scoring", "trust", "block_choice"),
    *("cpu_s", "wall_s", "job_cpu_s", "memory_mb", "max_tests"),
)


def _refuse_idle(chosen: argparse.Namespace, names: Sequence[str], hint: str) -> None:
    """Raise `ConfigurationError` for options that would be passed over without a word."""
    default = chosen.parser.get_default
    said = [f"--{name}" for name in names if getattr(chosen, name) != default(name)]
    if said:
        raise ConfigurationError(f"{', '.join(said)}: {hint}")


def _reward(chosen: argparse.Namespace) -> Any:
    if chosen.reward is not None:
        _refuse_idle(chosen, _GRADING, "an option of the reward that --reward takes the place of")
        return imported(chosen.reward, "reward")
    if chosen.call is _run:
        _refuse_idle(chosen, ("pass_score", "additional_fields"), "for a --reward; what passes all tests is right here")
    return CodeReward(
        sandbox=chosen.sandbox,
        schema=chosen.schema,
        language=chosen.language,
        comparison=chosen.comparison,
        scoring=imported(chosen.scoring, "scoring") if "." in chosen.scoring else chosen.scoring,
        trust=chosen.trust,
        extraction=Extraction(choice=chosen.block_choice),
        limits=Limits(cpu_s=chosen.cpu_s, wall_s=chosen.wall_s, job_cpu_s=chosen.job_cpu_s, memory_mb=chosen.memory_mb),
        max_tests=chosen.max_tests,
        on_bad_row="none",
    )


def _source(chosen: argparse.Namespace) -> str | Source | None:
    if chosen.model is None:
        if chosen.base_url is not None:
            raise ConfigurationError("--base_url needs --model: the name that the server knows the model by")
        _refuse_idle(chosen, _SAMPLING, "for completions that are made here; name a --model")
        return chosen.completions  # type: ignore[no-any-return]  # text
    if chosen.completions is not None or chosen.samples is not None:
        raise ConfigurationError("--model makes the completions: leave out --completions and --samples")
    from .asking import source_for  # torch is imported when a model is asked

    return source_for(
        chosen, Rows(chosen.dataset, chosen.split, chosen.configuration, chosen.max_rows, chosen.id_column)
    )


def _options(chosen: argparse.Namespace, **more: Any) -> EvaluationOptions:
    return EvaluationOptions(
        batch_size=chosen.batch_size,
        retry_unjudged=chosen.retry_unjudged,
        progress=False if chosen.no_progress else None,
        **more,
    )


def _run(chosen: argparse.Namespace) -> None:
    options = _options(
        chosen,
        pass_score=chosen.pass_score,
        report=not chosen.no_report,
        push_to_hub=chosen.push_to_hub,
        hub_private_repo=chosen.hub_private_repo,
        seed=chosen.seed,
    )
    found = evaluate_dataset(
        _reward(chosen),
        chosen.dataset,
        output_dir=chosen.output_dir,
        split=chosen.split,
        configuration=chosen.configuration,
        completions=_source(chosen),
        samples=chosen.samples,
        labels=chosen.labels,
        id_column=chosen.id_column,
        max_rows=chosen.max_rows,
        options=options,
        additional_fields=chosen.additional_fields,
    )
    print("\n".join(summary_lines(found)))  # noqa: T201 - what a command is for


def _compare(chosen: argparse.Namespace) -> None:
    print("\n".join(comparison_lines(compare_evaluations(chosen.first, chosen.second))))  # noqa: T201 - a command's


def _validate(chosen: argparse.Namespace) -> None:
    reward = _reward(chosen)
    if not isinstance(reward, CodeReward):
        raise ConfigurationError("validate reads rows as a CodeReward does: leave out --reward")
    found = validate_dataset(
        reward,
        chosen.dataset,
        output_dir=chosen.output_dir,
        split=chosen.split,
        configuration=chosen.configuration,
        repeats=chosen.repeats,
        solution_column=chosen.solution_column,
        need_gold=chosen.need_gold,
        max_rows=chosen.max_rows,
        options=_options(chosen, report=False),
    )
    lines = [f"{found.clean} of {found.rows} rows are clean; {found.known} have a known solution that was tried"]
    lines += [f"{count:7}  {reason}" for reason, count in found.counts.items()]
    print("\n".join([*lines, f"clean.jsonl and reasons.csv in {found.folder}"]))  # noqa: T201 - what a command is for
