"""All hacks, by what they go for."""

from __future__ import annotations

from ..hack import Hack
from .appended import APPENDED
from .breaking import BREAKING
from .burdens import BURDENS
from .burying import BURYING
from .cells import CELLS_THAT_LIE
from .cells_breaking import CELLS_THAT_BREAK
from .checkers import CHECKERS
from .conditions import CONDITIONS
from .files import FILES
from .guessing import GUESSING
from .leaving import LEAVING
from .looking import LOOKING
from .lying import LYING
from .objects import OBJECTS
from .poisoning import POISONING
from .script_breaking import SCRIPTS_THAT_BREAK
from .script_guessing import SCRIPTS_THAT_GUESS
from .script_lying import SCRIPTS_THAT_LIE
from .script_poisoning import SCRIPTS_THAT_POISON
from .script_searching import SCRIPTS_THAT_SEARCH
from .situations import SITUATIONS
from .suites import SUITES
from .texts import TEXTS

_SCRIPTS = (SCRIPTS_THAT_LIE, SCRIPTS_THAT_GUESS, SCRIPTS_THAT_SEARCH, SCRIPTS_THAT_BREAK, SCRIPTS_THAT_POISON)
_FUNCTIONS = (LEAVING, LYING, LOOKING, GUESSING, BREAKING, POISONING, BURYING)
_TESTS = (CONDITIONS, SITUATIONS, OBJECTS, BURDENS, SUITES)
_OTHERS = (TEXTS, FILES, CELLS_THAT_LIE, CELLS_THAT_BREAK, CHECKERS, APPENDED)
HACKS: tuple[Hack, ...] = (
    *(hack for hacks in (*_SCRIPTS, *_TESTS, *_OTHERS) for hack in hacks),
    *(row for hacks in _FUNCTIONS for hack in hacks for row in hack.rows()),
)
BY_ID = {hack.id: hack for hack in HACKS}
assert len(BY_ID) == len(HACKS), "two hacks have one name"
