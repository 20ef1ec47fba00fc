"""Canonical JSON and the identity of a definition."""

from __future__ import annotations

import hashlib
import json
from typing import cast

from engine.model.json import Json, JsonObject

_OBJECTS = {"retry_policy", "default_retry_policy", "timeout_policy", "circuit_breaker_policy", "compensation"}
_LISTS = {"loop_body", "preconditions", "postconditions", "limits"}
_MAPPINGS = {"tasks", "branch_workflows", "branches", "children"}


def canonical_json(value: Json) -> str:
    """The one text of a value: keys sorted, no spaces, no escapes that are not needed. ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def definition_hash(value: Json) -> str:
    """SHA-256 of the canonical JSON, in lower-case hexadecimal: equal definitions have equal hashes, whatever their order of keys.

    A setting that is null is one that is missing: the builder writes it in JSON and leaves it out in YAML. Null in data is a value.
    """
    return hashlib.sha256(canonical_json(_without_nulls(value)).encode("utf-8", "surrogatepass")).hexdigest()


def _without_nulls(value: Json) -> Json:
    """A workflow, a task or a policy without its settings that are null, and so for those inside of it."""
    if not isinstance(value, dict):
        return value
    found: JsonObject = {name: member for name, member in value.items() if member is not None}
    for name in found.keys() & _OBJECTS:
        found[name] = _without_nulls(found[name])
    for name in found.keys() & _LISTS:
        if isinstance(found[name], list):
            found[name] = [_without_nulls(each) for each in cast(list[Json], found[name])]
    for name in found.keys() & _MAPPINGS:
        if isinstance(found[name], dict):
            found[name] = {key: _without_nulls(each) for key, each in cast(JsonObject, found[name]).items()}
    return found
