"""Payloads on their way into rows and out of them: what is too large for its row stands apart, and the row holds a reference.

A reference is ``{"$blob": {"sha256", "bytes"}}``, as a value or as a member of one. A value of a user's that looks so is itself stored apart,
so that whatever looks like a reference in a row is one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

from engine.db.connection import Connection
from engine.kit.json_text import NotJsonError, dumps, loads
from engine.model.json import Json, JsonObject
from engine.ports import Blob
from engine.queue.blobs import DatabaseBlobs, refer

REFERENCE = "$blob"
APART_BYTES = 256 * 1024  # larger values do not stand in rows
MAX_BYTES = 16 * 1024 * 1024  # of one value

Contents = Mapping[tuple[UUID, str], Json]


class Payloads:
    """Makes the texts of rows and remembers what has to be stored apart for them. Used for one commit."""

    def __init__(self) -> None:
        self._blobs: dict[tuple[UUID, str], bytes] = {}
        self._references: set[tuple[UUID, UUID, str]] = set()

    def text(self, tenant_id: UUID, run_id: UUID | None, value: Json) -> str:
        """The value as a row holds it. Raises `NotJsonError` for what is no JSON or larger than 16 MiB. ``run_id`` is who refers to it.

        None: the row itself tells the database (the inputs of a run that is being started).
        """
        text = dumps(value)
        if len(text) * 4 <= APART_BYTES and not _looks_like_reference(value):
            return text
        content = text.encode()
        if len(content) <= APART_BYTES and not _looks_like_reference(value):
            return text
        if len(content) > MAX_BYTES:
            raise NotJsonError(f"{len(content):,} bytes as JSON; the limit of one value is {MAX_BYTES:,}")
        digest = hashlib.sha256(content).hexdigest()
        self._blobs[tenant_id, digest] = content
        if run_id is not None:
            self._references.add((tenant_id, run_id, digest))
        return dumps({REFERENCE: {"sha256": digest, "bytes": len(content)}})

    def text_or_none(self, tenant_id: UUID, run_id: UUID, value: Json) -> str | None:
        """The same, with Python's None as SQL's NULL."""
        return None if value is None else self.text(tenant_id, run_id, value)

    def members(self, tenant_id: UUID, run_id: UUID, values: JsonObject) -> str:
        """An object whose members are stored one by one: as variables, or as the names that a branch may see."""
        inner = ",".join(f"{dumps(name)}:{self.text(tenant_id, run_id, value)}" for name, value in values.items())
        return "{" + inner + "}"

    @property
    def stands_apart(self) -> bool:
        """Whether there is something for `store` to do."""
        return bool(self._blobs)

    def store(self, connection: Connection) -> None:
        """Store what stands apart; before the rows that refer to it, in their transaction. Nothing to store costs nothing."""
        if self._blobs:
            blobs = [Blob(tenant_id, digest, content) for (tenant_id, digest), content in self._blobs.items()]
            DatabaseBlobs(connection).put(blobs)
        if self._references:
            refer(connection, self._references)


def references(value: Json) -> Iterator[str]:
    """The hashes that a stored value refers to: itself, or by its members."""
    if isinstance(value, dict):
        for each in (value, *value.values()):
            if digest := _digest(each):
                yield digest


def fetch(connection: Connection, wanted: Iterable[tuple[UUID, str]]) -> Contents:
    """The contents of references; no round trip when there are none."""
    keys = set(wanted)
    if not keys:
        return {}
    return {key: loads(content) for key, content in DatabaseBlobs(connection).get(keys).items()}


def unpack(tenant_id: UUID, value: Json, contents: Contents) -> Json:
    """The value whole again. Raises `LookupError` when a payload is gone."""
    if not isinstance(value, dict) or not contents:
        return value
    if digest := _digest(value):
        return contents[tenant_id, digest]
    if not any(_digest(member) for member in value.values()):
        return value
    return {name: contents[tenant_id, d] if (d := _digest(member)) else member for name, member in value.items()}


def _digest(value: Json) -> str | None:
    if isinstance(value, dict) and len(value) == 1:
        inner = value.get(REFERENCE)
        if isinstance(inner, dict):
            return str(inner["sha256"])
    return None


def _looks_like_reference(value: Json) -> bool:
    if not isinstance(value, dict):
        return False
    return REFERENCE in value or any(isinstance(member, dict) and REFERENCE in member for member in value.values())
