"""What may be asked of the E2B sandbox."""

from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from rewards import ConfigurationError
from rewards.options import shown
from rewards.sandboxes.e2b_cloud.options import E2BOptions
from rewards.sandboxes.e2b_cloud.pool import E2BSandbox

REFUSED = {
    "plan": ["team", None, 1],
    "creates_per_s": [0, -1, "1", True, math.nan, math.inf],
    "max_sandboxes": [0, 2.5, "20", True],
    "max_sandbox_seconds": [0, "a", math.nan],
    "jobs_per_sandbox": [0, 1.5, "2"],
    "cell_jobs_per_sandbox": [0, None],
    "trip_jobs": [0, None, 10**6],
    "keep_warm": [-1, None],
    "idle_s": [-1, None, math.inf],
    "ttl_s": [0, 1, 10**6, 30.5, None],
    "retries": [-1, None],
    "silence_s": [0, None],
    "request_timeout_s": [0, None],
    "api_key": [7, b"key", "key\n", " key", "a key", "k\0y", "cl\u00e9"],
    "api_url": ["localhost:3000", "ftp://localhost", 1],
    "sandbox_url": ["localhost:3000", "http://", "http://localhost:port"],
    "template": [1],
    "proxy": [["http://localhost"], "nonsense", "ftp://x:1", "http://x:99999", "http://x:1\n"],
    "headers": [{"a": 1}, ["a"], None, {"a": "b\nc"}, {"a": "b\n"}, {"a": "\u00e9"}, {"a b": "c"}, {"": "c"}],
    "metadata": [{1: "a"}, "a=b"],
    "create_arguments": [{1: 2}, None],
    "allow_internet_access": [1, "no", None],
    "preload": ["json", None, [1]],
    "site_packages": ["/usr/lib", None, [1]],
    "allow_unprotected_inside": [1, "no", None],
    "sandbox_class": ["AsyncSandbox", 1],
    "price_per_s": [-1, None],
}


@pytest.mark.parametrize(
    ("name", "value"),
    [pytest.param(name, value, id=f"{name}={shown(value)[:20]}") for name in REFUSED for value in REFUSED[name]],
)
def test_what_does_not_fit_is_refused_and_named(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        E2BOptions(**{name: value})
    assert f"e2b: {name} must be" in str(caught.value)


@pytest.mark.parametrize(("plan", "rate", "cap"), [("hobby", 1, 20), ("pro", 5, 100)])
def test_a_plan_is_a_rate_and_a_cap(plan: str, rate: float, cap: int) -> None:
    options = E2BOptions(plan=plan)
    assert (options.account_creates_per_s, options.account_max_sandboxes) == (rate, cap)
    options = E2BOptions(plan=plan, creates_per_s=2.5, max_sandboxes=1100)
    assert (options.account_creates_per_s, options.account_max_sandboxes) == (2.5, 1100)


@pytest.mark.parametrize("key", ["", "e2b_0", "br_not_hex", "a:b/c+d="])
def test_any_text_that_can_be_sent_may_be_a_key(key: str) -> None:
    """Other vendors' backends have keys of their own form."""
    assert E2BOptions(api_key=key).api_key == key


def test_a_secret_is_not_shown() -> None:
    options = E2BOptions(
        api_key="s3cret",
        headers={"Authorization": "Bearer s3cret"},
        proxy="http://me:s3cret@proxy",
        create_arguments={"envs": {"TOKEN": "s3cret"}},
    )
    assert "s3cret" not in repr(options)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_key", b"s3cret"),
        ("api_key", "s3cret\n"),
        ("headers", {"Authorization": "s3cret", "a": 5}),
        ("headers", {"Authorization": "s3cret\n"}),
        ("proxy", ["http://me:s3cret@proxy"]),
        ("proxy", "me:s3cret@proxy"),
        ("create_arguments", ["s3cret"]),
    ],
)
def test_a_secret_that_is_refused_is_not_shown_either(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be .* a {type(value).__name__} that") as caught:
        E2BOptions(**{name: value})
    assert "s3cret" not in str(caught.value)


def test_an_option_that_is_misspelt_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown options: api_kye; known are .*api_key") as caught:
        E2BSandbox(api_kye="s3cret")
    assert "s3cret" not in str(caught.value)
    assert "RESERVED" not in str(caught.value)


def test_options_travel_to_other_processes() -> None:
    options = E2BOptions(headers={"a": "b"}, create_arguments={"network": {"deny_out": ["0.0.0.0/0"]}}, keep_warm=2.0)
    assert pickle.loads(pickle.dumps(options)) == options


def test_options_keep_what_they_were_given() -> None:
    headers = {"a": "b"}
    options = E2BOptions(headers=headers)
    headers["a"] = "c"
    assert options.headers == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "instead"),
    [("timeout", "ttl_s"), ("metadata", "metadata"), ("api_key", "api_key"), ("idempotency_key", "has one of its own")],
)
def test_an_argument_that_is_an_option_is_given_as_that(name: str, instead: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}.*{instead}"):
        E2BOptions(create_arguments={name: 1})


def test_nobody_can_pass_a_sandbox_off_as_one_of_ours() -> None:
    with pytest.raises(ConfigurationError, match="code_rewards_owner"):
        E2BOptions(metadata={"code_rewards_owner": "somebody"})
