"""Test code in the program's own language, with a last line that only a run to its end prints.

Test code as MultiPL-E and HumanEval-X have it stands behind the program, in one file and one process with it. Neither
exit code 0 nor silence shows that it ran: `process.exit(0)` ends a program before its tests, and a failed
`console.assert` ends nothing. So a token is printed behind the last test, and must be the last line of the output. It
is a secret of this process, the same for the same content, so that equal rows stay equal. A program that reads its
own file finds it all the same: `AppendedTest` is for those who trust their programs that far (`trust="shared"`).

Where a language has no statements outside functions, the token is printed at the end of the last function of the test
code, which has to be its `main`.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from ..cases import AppendedTest
from ..errors import DatasetError
from ..languages import canonical_language
from .fields import text_of

_SECRET = secrets.token_bytes(32)
_RETURN = re.compile(r"return\b[^;{}]*;\s*$")
_CLOSINGS = re.compile(r"(?:\s*\})+")
_CONSOLE_ASSERT = re.compile(r"\bconsole\s*\.\s*assert\b")
_LUA_EXIT = re.compile(r"^os\.exit\((?P<code>.*)\)\s*\Z", re.MULTILINE)

_ASSERT = f"assert_{secrets.token_hex(12)}"
"""`console.assert` ends nothing where it fails, and a program can switch it off for good: tests get one of their own,
by a name that a program finds in its file or nowhere."""
_ASSERT_JS = (
    f"const {_ASSERT} = (holds, ...words) => "
    "{ if (!holds) throw new Error(['Assertion failed', ...words].join(' ')); };"
)
_ASSERT_TS = (
    f"const {_ASSERT} = (holds: any, ...words: any[]) => "
    "{ if (!holds) throw new Error(['Assertion failed', ...words].join(' ')); };"
)
_NODE = 'globalThis.process.once("beforeExit", () => globalThis.process.stdout.write("\\n{token}\\n"));'
_NODE_TS = (
    '(globalThis as any).process.once("beforeExit", () => (globalThis as any).process.stdout.write("\\n{token}\\n"));'
)
"""When nothing is left to do, tests that wait for something included; `process.exit()` leaves it out."""
_RUBY = (
    "if defined?(Test::Unit::AutoRunner) then Test::Unit::AutoRunner.need_auto_run = false; "
    "exit(1) unless Test::Unit::AutoRunner.run end\n"
    'puts "\\n{token}"'
)
_CSHARP = 'System.Console.WriteLine("\\n{token}");'
_C = 'printf("\\n%s\\n", "{token}"); fflush(stdout);'


@dataclass(frozen=True)
class _Ending:
    """How a language prints the token last."""

    statement: str
    braces: int = 0
    """How many blocks are open where the statement has to stand."""
    enclosing: int = 0
    """How many blocks of a program are open around its functions."""
    prelude: str = ""
    """Stands before the test code, so that an assertion in it is one, whatever the program has switched off."""
    rewrite: Callable[[str], str] = str
    """Makes test code go on to the statement where it would end the process, and stop where it would go on."""


def _without_lua_exit(source: str) -> str:
    return _LUA_EXIT.sub(r"local _code = \g<code>; if _code ~= 0 and _code ~= true then os.exit(1) end", source)


def _with_own_assert(source: str) -> str:
    return _CONSOLE_ASSERT.sub(_ASSERT, source)


_ENDINGS = {
    "python": _Ending('__import__("sys").stdout.write("\\n{token}\\n")'),
    "javascript": _Ending(_NODE, prelude=_ASSERT_JS, rewrite=_with_own_assert),
    "typescript": _Ending(_NODE_TS, prelude=_ASSERT_TS, rewrite=_with_own_assert),
    "bash": _Ending("printf '\\n%s\\n' '{token}'"),
    "r": _Ending('cat("\\n{token}\\n")'),
    "ruby": _Ending(_RUBY),
    "perl": _Ending('print STDOUT "\\n{token}\\n";'),
    "php": _Ending('echo "\\n{token}\\n";'),
    "lua": _Ending('print("\\n{token}")', rewrite=_without_lua_exit),
    "julia": _Ending('println("\\n{token}")'),
    "swift": _Ending('print("\\n{token}")'),
    "java": _Ending('System.out.println("\\n{token}");', braces=2, enclosing=1),
    "csharp": _Ending(_CSHARP, braces=2, enclosing=1),
    "scala": _Ending('println("\\n{token}")', braces=2, enclosing=1),
    "cpp": _Ending(
        f"std::cout.flush(); {_C}",
        braces=1,
        prelude="#undef NDEBUG\n#include <cassert>\n#include <cstdio>\n#include <iostream>",
    ),
    "c": _Ending(_C, braces=1, prelude="#undef NDEBUG\n#include <assert.h>\n#include <stdio.h>"),
    "rust": _Ending('println!("\\n{token}");', braces=1),
    "kotlin": _Ending('println("\\n{token}")', braces=1),
    "d": _Ending('import std.stdio : writeln; writeln("\\n{token}");', braces=1),
}


def appended_test(source: str, language: str, *, whole: bool = True) -> AppendedTest:
    """Return the test that runs *source* behind the program; raises DatasetError where its end cannot be told.

    Some of MultiPL-E's test code begins with the brace that closes the function in its prompt: a *whole* program, which
    is no continuation of that prompt, has closed it.
    """
    language = canonical_language(language)
    ending = _ENDINGS.get(language)
    if ending is None:
        raise DatasetError(f"test code behind programs in {language[:40]!r} is not known; known: {', '.join(_ENDINGS)}")
    if not text_of(source, "test code").strip():
        raise DatasetError("empty test code would accept every program")
    token = hashlib.blake2b(f"{language}\n{source}".encode(), key=_SECRET, digest_size=16).hexdigest()
    closings = _CLOSINGS.match(source) if whole else None
    if closings:
        source = source[closings.end() :]
    head, tail = _split_at_braces(ending.rewrite(source), ending.braces, language)
    statement = ending.statement.format(token=token)
    before = f"{ending.prelude}\n{head}" if _stands_free(head, ending) else _after_closing_brace(head, ending.prelude)
    epilogue = f"{statement}\n{tail}" if tail else statement
    return AppendedTest(before, epilogue, token, closes=ending.enclosing if closings else 0)


def _stands_free(source: str, ending: _Ending) -> bool:
    """Say whether the prelude may stand before *source*, which may begin inside of the program's last function."""
    return bool(ending.prelude) and not source.lstrip().startswith("}")


def _after_closing_brace(source: str, prelude: str) -> str:
    if not prelude:
        return source
    brace = source.index("}") + 1
    return f"{source[:brace]}\n{prelude}\n{source[brace:]}"


def _split_at_braces(source: str, count: int, language: str) -> tuple[str, str]:
    """Return *source* up to the end of its last function, and what stands behind that."""
    at = len(source)
    for _ in range(count):
        at = source.rfind("}", 0, at)
        if at < 0:
            raise DatasetError(f"test code in {language} must end with the function `main`, found no end of one")
    head, tail = source[:at], source[at:]
    left = _RETURN.search(head) if count else None
    return (head[: left.start()], left.group() + tail) if left else (head, tail)
