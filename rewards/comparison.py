"""How an output is compared with the expected one: the rule as data, which `judging` applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .errors import ConfigurationError
from .options import FLAG, check_options, number, one_of, shown

_KINDS = ("tokens", "lines", "exact")
_TOLERANCE = number("a number, 0 or more", lambda value: value >= 0)
_FLAGS = ("ignore_case", "floats_everywhere", "keeps_lines", "absolute")
_COMPARISON = {"kind": one_of(_KINDS), "tolerance": _TOLERANCE, **dict.fromkeys(_FLAGS, FLAG)}


@dataclass(frozen=True)
class Comparison:
    """How an output is compared with the expected one.

    `tokens` splits at white space and wants the same number of tokens; a token that is a non-integer number in the
    expected output may differ by `tolerance` (absolute or relative), every other one must be the same text. `lines`
    compares line by line without trailing white space and trailing empty lines. `exact` compares every character.
    """

    kind: str = "tokens"
    tolerance: float = 1e-6
    ignore_case: bool = False
    floats_everywhere: bool = False
    """`float:<tol>`: integers in the expected output, too, may differ by the tolerance."""
    keeps_lines: bool = False
    """`tokens`: they must stand in the same lines; empty lines at both ends of the output do not count."""
    absolute: bool = False
    """The tolerance is not relative to large numbers."""

    KINDS: ClassVar[tuple[str, ...]] = _KINDS

    def __post_init__(self) -> None:
        check_options(vars(self), _COMPARISON, owner="comparison: ")

    @classmethod
    def parse(cls, text: str) -> Comparison:
        """Read `tokens`, `lines`, `exact`, each with an optional `-nocase`, or `float:<tolerance>`."""
        kind, _, tolerance = text.strip().partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "float":
            try:
                return cls("tokens", tolerance=float(tolerance), floats_everywhere=True)
            except (ValueError, ConfigurationError):
                raise ConfigurationError(f"comparison {text!r}: wanted is a number, such as float:1e-6") from None
        base, nocase, rest = kind.partition("-nocase")
        if base not in cls.KINDS or tolerance or rest:
            known = f"{', '.join(cls.KINDS)} (each with -nocase) or float:<tol>"
            raise ConfigurationError(f"comparison {shown(text)} is unknown: use one of {known}")
        return cls(base, ignore_case=bool(nocase))
