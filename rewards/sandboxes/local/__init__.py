"""The warm local sandbox."""

from .pool import LocalSandbox

__all__ = ["LocalSandbox"]
