"""What a program's own text says about its file's name and about the class that starts it."""

from __future__ import annotations

from dataclasses import dataclass, field

DEFAULT = "Main"
_LONGEST_FILE = 255
"""What file systems take. A class whose name is longer is the compiler's to refuse."""
_TYPES = ("class", "interface", "enum", "record")
_MODULE_STARTS = ("import ", "import{", "import*", "export ", 'import"', "import'")


def javascript_file(source: str) -> tuple[str, str]:
    """Return the file for a script, or for a module: what says `import` or `export` and never `require` is one."""
    lines = source.splitlines()
    is_module = any(line.startswith(_MODULE_STARTS) for line in lines) and "require(" not in source
    return ("main.mjs" if is_module else "main.js"), ""


def java_entry_point(source: str) -> tuple[str, str]:
    """Return the file, which must bear its public class's name, and the class that has `main`, with its package.

    Text that is no Java gets the usual names: the compiler says what is wrong with it.
    """
    found = _Outline()
    for word in _words(source):
        found.read(word)
    public = found.public or found.main or DEFAULT
    main = found.main or public
    file = f"{public}.java"
    if len(file.encode("utf-8", "replace")) > _LONGEST_FILE:
        file = f"{DEFAULT}.java"
    return file, f"{found.package}.{main}" if found.package else main


@dataclass
class _Outline:
    """What was seen of a Java file so far, word by word."""

    public: str = ""
    main: str = ""
    package: str = ""
    _depth: int = 0
    _type: str = ""
    _is_public: bool = False
    _before: list[str] = field(default_factory=lambda: ["", "", ""])

    def read(self, word: str) -> None:
        """Take the next word."""
        if word in "{}":
            self._depth += 1 if word == "{" else -1
        elif self._depth == 0:
            self._read_outside(word)
        elif word == "main" and self._before[-1] == "void" and self._depth == 1 and not self.main:
            self.main = self._type
        self._before = [*self._before[1:], word]

    def _read_outside(self, word: str) -> None:
        if word == ";":
            self._is_public = False
        elif word == "public":
            self._is_public = True
        elif self._before[-1] == "package":
            self.package = word
        elif self._before[-1] in _TYPES and word.isidentifier():
            self._type = word
            if self._is_public and not self.public:
                self.public = word
            self._is_public = False


def _words(source: str) -> list[str]:
    """Return the words and braces of a Java text, without comments and literals."""
    words, i, n = [], 0, len(source)
    while i < n:
        end = _skipped(source, i)
        if end > i:
            i = end
        elif source[i].isalpha() or source[i] in "_$":
            start = i
            while i < n and (source[i].isalnum() or source[i] in "_$."):
                i += 1
            words.append(source[start:i])
        else:
            if source[i] in "{};":
                words.append(source[i])
            i += 1
    return words


def _skipped(source: str, i: int) -> int:
    """Return where the comment or literal that begins at *i* ends; *i* where none begins."""
    for opening, closing in (("//", "\n"), ("/*", "*/"), ('"""', '"""')):
        if source.startswith(opening, i):
            end = source.find(closing, i + len(opening))
            return len(source) if end < 0 else end + len(closing)
    if source[i] not in "\"'":
        return i
    quote, i = source[i], i + 1
    while i < len(source) and source[i] not in (quote, "\n"):
        i += 2 if source[i] == "\\" else 1
    return i + 1
