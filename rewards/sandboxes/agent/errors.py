"""The one error of what travels between the host and an agent."""

from __future__ import annotations


class WireError(ValueError):
    """The bytes are nothing that an agent of this version sends: whoever wrote them is in doubt."""
