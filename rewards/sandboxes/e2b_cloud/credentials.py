"""What a user proves who they are with: what may be sent of it, and that none of it is ever shown."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from urllib.parse import unquote, urlsplit

from ...options import Rule, or_none

LEAST_HIDDEN = 6
"""Characters of a text that is worth hiding: a shorter one would be found in every other word."""
HIDDEN = "[hidden]"
_PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_known: set[str] = set()
"""Of all pools of this process, because an exception does not say whose request has failed."""


def is_key(value: object) -> bool:
    """Say whether *value* can be sent as a key; an empty one is none, and whatever else is printed may be right."""
    return isinstance(value, str) and all("!" <= letter <= "~" for letter in value)


def is_address(value: object, *, schemes: tuple[str, ...] = ("http", "https")) -> bool:
    """Say whether *value* is a URL with a host; an empty one is none, which is fine, too."""
    if not is_key(value):
        return False
    try:
        parts = urlsplit(str(value))
        return not value or (parts.scheme in schemes and bool(parts.hostname) and parts.port != 0)
    except ValueError:  # the port is no number, or too large
        return False


def _are_headers(value: object) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _NAME.match(name) is not None and _is_header(text) for name, text in value.items()
    )


def _is_header(value: object) -> bool:
    return isinstance(value, str) and value == value.strip() and all(" " <= letter <= "~" for letter in value)


KEY = or_none(Rule(is_key, "a text of printable ASCII characters without spaces or line ends"))
ADDRESS = or_none(Rule(is_address, "a URL that begins with http:// or https://"))
PROXY = or_none(
    Rule(lambda value: is_address(value, schemes=_PROXY_SCHEMES), "a URL such as http://user:password@host:3128")
)
HEADERS = Rule(_are_headers, "a mapping of header names to texts of printable ASCII without spaces or line ends around")


def remember(*, api_key: str | None, headers: Mapping[str, str], proxy: str | None) -> None:
    """Hide these, and the keys of the environment, in everything that `scrub` is given from now on."""
    keys = (api_key, os.environ.get("E2B_API_KEY"), os.environ.get("E2B_ACCESS_TOKEN"))
    texts = [key for key in keys if key]
    for value in headers.values():
        texts += (value, *value.split())  # the scheme of `Bearer ...` may be cut off
    texts += _of_proxy(proxy)
    _known.update(text for text in texts if len(text) >= LEAST_HIDDEN)


def _of_proxy(proxy: str | None) -> Iterator[str]:
    if not proxy:
        return
    yield proxy
    parts = urlsplit(proxy)
    yield parts.netloc.rpartition("@")[0]
    for text in (parts.username, parts.password):
        if text:
            yield from (text, unquote(text))


def scrub(text: str) -> str:
    """Return *text* without any of what is remembered."""
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text
