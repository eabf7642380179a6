"""What a user may ask of the E2B sandbox, checked when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...errors import ConfigurationError
from ...options import FLAG, SECONDS, Rule, as_whole, check_options, instance_of, number, one_of, or_none, whole
from ..agent.commands import AgentOptions
from .credentials import ADDRESS, HEADERS, KEY, PROXY

TAG_PREFIX = "code_rewards"
"""Metadata under names that begin so is ours: the reaper and the sweep find our sandboxes by it."""


@dataclass(frozen=True)
class Plan:
    """What E2B allows an account (https://e2b.dev/docs/sandbox/rate-limits, read in August 2026)."""

    creates_per_s: float
    max_sandboxes: int


PLANS = {"hobby": Plan(creates_per_s=1, max_sandboxes=20), "pro": Plan(creates_per_s=5, max_sandboxes=100)}

_TEXT = or_none(instance_of(str, wanted="a text"))
_TEXTS = Rule(
    lambda value: isinstance(value, Mapping) and all(isinstance(text, str) for pair in value.items() for text in pair),
    "a mapping of texts to texts",
)
_NAMED = Rule(
    lambda value: isinstance(value, Mapping) and all(isinstance(name, str) for name in value),
    "a mapping of argument names to values",
)
_LISTED = Rule(
    lambda value: isinstance(value, tuple | list) and all(isinstance(text, str) for text in value), "a list of texts"
)
_NOT_NEGATIVE = number("a number, 0 or more", lambda value: value >= 0)
_POSITIVE = number("a number above 0", lambda value: value > 0)
_RULES = {
    "plan": one_of(PLANS),
    "creates_per_s": or_none(_POSITIVE),
    "max_sandboxes": or_none(whole(1)),
    "max_sandbox_seconds": or_none(_POSITIVE),
    "jobs_per_sandbox": or_none(whole(1, 1024)),
    "cell_jobs_per_sandbox": whole(1, 1024),
    "trip_jobs": whole(1, 1024),
    "keep_warm": whole(0),
    "idle_s": _NOT_NEGATIVE,
    "ttl_s": whole(5, 86_400),
    "retries": whole(0, 100),
    "silence_s": SECONDS,
    "request_timeout_s": SECONDS,
    **dict.fromkeys(("template", "domain", "user", "run"), _TEXT),
    "api_url": ADDRESS,
    "sandbox_url": ADDRESS,
    "metadata": _TEXTS,
    "allow_internet_access": FLAG,
    "allow_unprotected_inside": FLAG,
    "preload": _LISTED,
    "site_packages": Rule(lambda value: isinstance(value, bool) or _LISTED.fits(value), "True, False or directories"),
    "sandbox_class": or_none(instance_of(type, wanted="a class with the methods of e2b.AsyncSandbox")),
    "price_per_s": _NOT_NEGATIVE,
}
_SECRET_RULES = {"api_key": KEY, "headers": HEADERS, "proxy": PROXY, "create_arguments": _NAMED}
"""Of options whose values are not for anybody's eyes, not even where they are wrong."""
_WHOLE = ("max_sandboxes", "jobs_per_sandbox", "cell_jobs_per_sandbox", "trip_jobs", "keep_warm", "ttl_s", "retries")


@dataclass(frozen=True)
class E2BOptions:
    """What the user asked for; what is unset is decided by the SDK's own environment variables, such as E2B_DOMAIN."""

    plan: str = "hobby"
    """`hobby` or `pro`: how fast sandboxes may be created, and how many there may be, for the whole account."""
    creates_per_s: float | None = None
    """Of all ranks together; unset means the plan's."""
    max_sandboxes: int | None = None
    """Of all ranks together; unset means the plan's."""
    max_sandbox_seconds: float | None = None
    """Of all ranks together; a run that would use more of them stops with an error."""
    jobs_per_sandbox: int | None = None
    """Jobs at a time in one sandbox; unset means one a virtual CPU."""
    cell_jobs_per_sandbox: int = 1
    trip_jobs: int = 8
    """Jobs that travel together in one command, at most."""
    keep_warm: int = 4
    """Idle sandboxes that are kept, and paid for, between batches; of all ranks together."""
    idle_s: float = 30.0
    """How long the other ones may be idle before they are killed."""
    ttl_s: int = 300
    """Seconds after which E2B kills a sandbox that nobody renews: what a dead trainer costs at most."""
    retries: int = 3
    silence_s: float = 20.0
    """Seconds without a sign of life from a running command after which its sandbox counts as dead."""
    request_timeout_s: float = 30.0
    api_key: str | None = field(default=None, repr=False)
    template: str | None = None
    domain: str | None = None
    api_url: str | None = None
    sandbox_url: str | None = None
    proxy: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    user: str | None = "root"
    """Who runs our own isolation in the VM, which can do more as root; None leaves it to the template."""
    preload: Sequence[str] = ()
    """Modules that are imported once in each sandbox, before any program."""
    site_packages: Sequence[str] | bool = False
    """Packages of the template that programs may import: those of its Python, or directories."""
    allow_unprotected_inside: bool = False
    """Run programs where the VM's kernel can confine nothing: its own walls are then all there is, and a program can
    reach what runs the others."""
    run: str | None = None
    """A name by which `scripts/e2b_sweep.py --run` finds the sandboxes; unset means that one is made up."""
    metadata: Mapping[str, str] = field(default_factory=dict)
    allow_internet_access: bool = False
    create_arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Further arguments of the SDK's `create`, such as `network` or `envs`."""
    sandbox_class: type | None = None
    """Used instead of the SDK's `AsyncSandbox`, for a backend that comes with a class of its own."""
    price_per_s: float = 0.000037
    """Dollars a second of a sandbox: 2 virtual CPUs and 2 GiB (https://e2b.dev/docs, read in August 2026)."""

    RESERVED: ClassVar[Mapping[str, str]] = {
        "timeout": "ttl_s",
        "request_timeout": "request_timeout_s",
        "api_headers": "headers",
        "idempotency_key": "",
        **{name: name for name in ("template", "metadata", "allow_internet_access", "api_key", "domain", "api_url")},
        **{name: name for name in ("sandbox_url", "proxy", "headers")},
    }
    """Arguments of `create` that are given in another way, and the option for each."""

    def __post_init__(self) -> None:
        for name in _WHOLE:
            object.__setattr__(self, name, as_whole(getattr(self, name)))
        check_options(vars(self), _RULES, owner="e2b: ")
        for name, rule in _SECRET_RULES.items():
            if not rule.fits(value := getattr(self, name)):
                kind = type(value).__name__
                raise ConfigurationError(f"e2b: {name} must be {rule.wanted}, found a {kind} that is not shown")
        for name in ("headers", "metadata", "create_arguments"):  # plain copies: nobody changes them, and they pickle
            object.__setattr__(self, name, dict(getattr(self, name)))
        object.__setattr__(self, "preload", tuple(self.preload))
        if not isinstance(self.site_packages, bool):
            object.__setattr__(self, "site_packages", tuple(self.site_packages))
        _check_names(self.create_arguments, self.metadata)

    @property
    def agent(self) -> AgentOptions:
        """Return how the sandbox inside each of the sandboxes is made."""
        return AgentOptions(
            slots=self.jobs_per_sandbox,
            allow_unprotected_inside=self.allow_unprotected_inside,
            preload=tuple(self.preload),
            site_packages=self.site_packages if isinstance(self.site_packages, bool) else tuple(self.site_packages),
        )

    @property
    def account_creates_per_s(self) -> float:
        """Return how many sandboxes may be created a second, by all ranks together."""
        return PLANS[self.plan].creates_per_s if self.creates_per_s is None else self.creates_per_s

    @property
    def account_max_sandboxes(self) -> int:
        """Return how many sandboxes there may be, of all ranks together."""
        return PLANS[self.plan].max_sandboxes if self.max_sandboxes is None else self.max_sandboxes


def _check_names(create_arguments: Mapping[str, Any], metadata: Mapping[str, str]) -> None:
    for name in create_arguments.keys() & E2BOptions.RESERVED.keys():
        option = E2BOptions.RESERVED[name]
        instead = f"use the option {option}" if option else "every create call has one of its own"
        raise ConfigurationError(f"e2b: create_arguments cannot give {name!r}: {instead}")
    for name in metadata:
        if name.startswith(TAG_PREFIX):
            raise ConfigurationError(
                f"e2b: metadata cannot give {name!r}: names with {TAG_PREFIX!r} mark our sandboxes"
            )
