"""A run's YAML file: one mapping from keys to values, or one line that says what is wrong with it.

Nothing here imports what variables of the environment may be meant for.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import yaml

from rewards import ConfigurationError


def read_yaml(path: str) -> dict[str, Any]:
    """Return the mapping in the file; raises `ConfigurationError` with the place of the first mistake."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            found = yaml.load(file, Loader=_Loader)
    except OSError as error:
        raise ConfigurationError(f"the config file {path!r} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"the config file {path!r} is no text in UTF-8: {error.reason}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the config file {path!r} is no YAML: {_place_of(error)}") from None
    if not isinstance(found, dict):
        kind = "empty" if found is None else f"{type(found).__name__} {found!r:.40}"
        raise ConfigurationError(f"the config file {path!r} must be a mapping of keys to values, found {kind}")
    return found


def export_variables(variables: Any) -> None:
    """Set what stands in `env`, if anything does."""
    if not isinstance(variables or {}, Mapping):
        raise ConfigurationError(f"env: expected a mapping of variables to values, found {variables!r:.60}")
    os.environ.update({str(name): str(value) for name, value in (variables or {}).items()})


def separated(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """Return the path of the config file, as `--config x` or `--config=x`, and the other words of a command line."""
    path, words, rest = None, [], iter(arguments)
    for word in rest:
        if word == "--config":
            path = next(rest, "")
        elif word.startswith("--config="):
            path = word.removeprefix("--config=")
        else:
            words.append(word)
    if path == "":
        raise ConfigurationError("--config names no file")
    return path, words


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # yaml is not type-checked here
    """Refuses a key that stands there twice, of which YAML's own loaders take the last without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} stands twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)  # type: ignore[no-any-return]


def _place_of(error: yaml.YAMLError) -> str:
    problem, mark = getattr(error, "problem", None), getattr(error, "problem_mark", None)
    if not problem or mark is None:
        return " ".join(str(error).split())
    hint = " (a tab: indent by spaces)" if "'\\t'" in problem else ""
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}{hint}"
