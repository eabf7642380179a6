"""The exceptions that mean that the user, or this library, has made a mistake.

    RewardError
    |-- ConfigurationError      an option, a limit, a schema or a sandbox name that does not exist or does not fit
    |-- DatasetError            a row that nobody can read, or that cannot be graded
    |-- SandboxUnavailable      nothing here can run untrusted programs safely
    |   `-- BudgetExceeded      the sandboxes have used up what they were allowed to cost
    `-- CircuitBreakerOpen      batch after batch came back unjudged: training on would be training on nothing

A program's fault is a `Verdict` and a sandbox's fault a `SandboxFailure`: neither is an exception.
"""


class RewardError(Exception):
    """Base of every exception that this library raises on purpose."""


class ConfigurationError(RewardError):
    """An option that does not exist or does not fit; says what was found and what is known."""


class DatasetError(RewardError):
    """A dataset row that cannot be graded; names the row, what was found and what would be understood."""


class SandboxUnavailable(RewardError):
    """No sandbox here protects enough to run untrusted programs; says what is missing and what to do."""


class BudgetExceeded(SandboxUnavailable):
    """The sandboxes have used up what they were allowed to cost; says how much that was."""


class CircuitBreakerOpen(RewardError):
    """Too many batches in a row came back mostly unjudged."""
