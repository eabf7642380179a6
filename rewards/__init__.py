"""Code-execution rewards for TRL: completions are run in a sandbox and graded on your side of its wall."""

from .code_reward import CodeReward
from .combination import combine
from .comparison import Comparison
from .errors import CircuitBreakerOpen, ConfigurationError, DatasetError, RewardError, SandboxUnavailable
from .extraction import Extraction
from .grader.breaker import CircuitBreaker
from .grades import BatchGrade, Verdict
from .interpreters import Interpreter, Interpreters
from .records import Limits

__all__ = [
    "BatchGrade",
    "CircuitBreaker",
    "CircuitBreakerOpen",
    "CodeReward",
    "Comparison",
    "ConfigurationError",
    "DatasetError",
    "Extraction",
    "Interpreter",
    "Interpreters",
    "Limits",
    "RewardError",
    "SandboxUnavailable",
    "Verdict",
    "combine",
]
