"""Laying what a row says over what its group gives, as plain values."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from scenarios.tables import model

if TYPE_CHECKING:
    from collections.abc import Mapping


def merge_tokens(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay descriptions of a token over each other; claims and header by member, all else whole."""
    made: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            if name in ("claims", "header") and isinstance(value, dict):
                made[name] = {**made.get(name, {}), **value}
            else:
                made[name] = value
    return made


def over(
    base: model.IntegrationSpec, changed: model.IntegrationSpec, raw: Mapping[str, Any]
) -> model.IntegrationSpec:
    """Return an integration with the members that were written anew."""
    fields = {name: getattr(changed if name in raw else base, name) for name in base.__struct_fields__}
    return model.IntegrationSpec(**fields)


def with_value(raw: Mapping[str, Any], vary: str | None) -> dict[str, Any]:
    """Return a row with its `value` in the column that `vary` names."""
    if vary is None or "value" not in raw:
        return dict(raw)
    rest = {key: value for key, value in raw.items() if key != "value"}
    return put(rest, vary.split("."), raw["value"])


def put(row: Mapping[str, Any], path: list[str], value: Any, *, keep: bool = False) -> dict[str, Any]:
    """Return the row with a value at a path; with `keep`, what the row itself says there stays."""
    made = copy.copy(dict(row))
    here = made
    for step in path[:-1]:
        below = here.get(step)
        here[step] = dict(below) if isinstance(below, dict) else {}
        here = here[step]
    if not (keep and path[-1] in here):
        here[path[-1]] = value
    return made
