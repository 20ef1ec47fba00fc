"""Compiled definitions, kept by their immutable hash in a bounded cache."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.interpreter import Program, compile_program
from engine.kit.recent import Recent
from engine.language import read_definition
from engine.model.task import ClaimedTask
from engine.queue.loading import load_definition

CACHE_SIZE = 512


class UnreadableDefinitionError(Exception):
    """The stored definition is gone, or this version of the engine cannot read it."""


class Programs:
    """Programs by (tenant, hash): tenants do not share, so that nothing can be learnt from a cache hit."""

    def __init__(self) -> None:
        self._programs: Recent[tuple[UUID, str], Program] = Recent(CACHE_SIZE)

    def get(self, connection: Connection, task: ClaimedTask) -> Program:
        """The task's own program: the whole definition's, or the branch's or activity's part of it. Raises `UnreadableDefinitionError`."""
        try:
            return self._whole(connection, task).at(task.path)
        except (ValueError, KeyError) as error:
            raise UnreadableDefinitionError(
                f"definition {task.definition_hash[:12]} cannot be read: {error}"
            ) from error

    def _whole(self, connection: Connection, task: ClaimedTask) -> Program:
        place = (task.tenant_id, task.definition_hash)
        program = self._programs.get(place)
        if program is None:
            stored = load_definition(connection, tenant_id=task.tenant_id, definition_hash=task.definition_hash)
            if stored is None:
                raise UnreadableDefinitionError(f"definition {task.definition_hash[:12]} is not stored any more")
            program = compile_program(read_definition(stored))
            self._programs.put(place, program)
        return program
