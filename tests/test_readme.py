"""What the README shows is run as it stands there."""

import contextlib
import io
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

README = (Path(__file__).resolve().parents[1] / "README.md").read_text()
BLOCKS = [token for token in MarkdownIt().parse(README) if token.type == "fence"]
PYTHON = [block.content for block in BLOCKS if block.info == "python"]


@pytest.mark.parametrize("source", PYTHON, ids=range(len(PYTHON)))
def test_python_in_the_readme_prints_what_its_comments_say(source: str) -> None:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(source, "README.md", "exec"), {"__name__": "__main__"})
    promised = [line.rsplit("# ", 1)[1] for line in source.splitlines() if "print(" in line and "# [" in line]
    assert promised
    for text in promised:
        assert text in printed.getvalue().splitlines()


def test_commands_are_single_lines() -> None:
    commands = [block.content for block in BLOCKS if block.info == "bash"]
    assert len(commands) >= 3
    assert all(command.count("\n") == 1 for command in commands)
    assert README.index("```bash") < 1000, "the commands belong on the first screen"


def test_the_json_of_the_readme_can_be_read() -> None:
    from rewards.problems import read_problem

    shown = [block.content for block in BLOCKS if block.info == "json"]
    assert [len(read_problem({"tests": text}).tests) for text in shown] == [4]


def test_the_table_of_languages_is_the_one_that_is_used() -> None:
    from rewards.toolchains import TOOLCHAINS

    for language, toolchain in TOOLCHAINS.items():
        tools = ", ".join(" or ".join(f"`{name}`" for name in tool.split("|")) for tool in toolchain.tools)
        assert f"| {language} | {tools} | `{toolchain.install}` |" in README.splitlines()
    compiled = [language for language, toolchain in TOOLCHAINS.items() if toolchain.compile]
    assert f"({', '.join(compiled)})" in README
