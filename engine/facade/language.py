"""Checking definitions before they are stored, and telling authors how they are written."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from uuid import UUID

from engine.kit.json_text import NotJsonError, dumps
from engine.kit.recent import Recent
from engine.language import Problem, canonical_json, check, definition_hash
from engine.model.json import Json
from engine.teaching.prompt import dsl_prompt
from engine.tools import registry

SOUND_KEPT = 1_000

__all__ = ["canonical_json", "check_definition", "definition_hash", "dsl_prompt"]


# By tenant, so that nobody can learn from the time of an answer what another has submitted.
_sound: Recent[tuple[UUID, frozenset[str] | None, bytes], list[Problem]] = Recent(SOUND_KEPT)


def check_definition(
    value: Json, inputs: Collection[str] | None = None, *, tenant_id: UUID | None = None
) -> list[Problem]:
    """Everything that is wrong with a definition, each with its JSON path. Without an error among it, `register` may store the value.

    ``inputs`` are the names that a run of it will be given, where they are known: a template that needs another is an error then. What was sound
    is remembered for a ``tenant_id``, as nearly every submission brings what the one before it brought.
    """
    if tenant_id is None:
        return check(value, registry.keys(), inputs)
    try:
        digest = hashlib.sha256(dumps(value).encode()).digest()
    except NotJsonError:
        return check(value, registry.keys(), inputs)
    place = (tenant_id, None if inputs is None else frozenset(inputs), digest)
    found = _sound.get(place)
    if found is None:
        found = check(value, registry.keys(), inputs)
        if not any(problem.severity == "error" for problem in found):
            _sound.put(place, found)
    return [*found]
