"""The E2B sandbox; importing this imports no SDK."""

from .options import E2BOptions
from .pool import E2BSandbox

__all__ = ["E2BOptions", "E2BSandbox"]
