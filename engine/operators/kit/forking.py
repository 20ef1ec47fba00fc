"""Branches: their identity, what they may see, and the data by which others wait for them."""

from __future__ import annotations

from collections.abc import Iterable

from engine.model.commands import Fork, NewTask
from engine.model.json import Json, JsonObject
from engine.operators.kit.base import At, Site


def fork_branches(at: At, site: Site, names: Iterable[str]) -> tuple[JsonObject, Fork]:
    """The fork data, and the command that starts the branches: each sees what its templates name, and a copy of the variables."""
    keys = {name: f"{at.qualified_key}.{name}" for name in names}
    tasks = [
        NewTask(
            key=key,
            kind="branch",
            path=[*site.path, name],
            context=at.names.closure(site.branch_roots[name]),
            variables={**at.variables, **site.branch_variables.get(name, {})},
        )
        for name, key in keys.items()
    ]
    branches: JsonObject = dict(keys)
    return {"fork": at.qualified_key, "branches": branches}, Fork(at.key, tasks)


def forked_keys(result: Json) -> tuple[str, ...]:
    """The task keys in fork data."""
    branches = result.get("branches") if isinstance(result, dict) else None
    return tuple(key for key in branches.values() if isinstance(key, str)) if isinstance(branches, dict) else ()
