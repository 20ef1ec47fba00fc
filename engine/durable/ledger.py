"""What durable code may make durable while it runs, as the tool sees it; the worker fills it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from engine.model.facts import Recorded
from engine.model.json import Json
from engine.model.notes import Note
from engine.ports import Transaction


class Ledger(Protocol):
    """The notes of one attempt. Every method but `noted` blocks, and raises `ToolCancelled` when the call is not wanted any more."""

    @property
    def noted(self) -> Mapping[str, Recorded]:
        """What need not be done again, by name, as it was when the call began."""

    def note(self, note: Note) -> None:
        """Come back when the note, with all that takes effect with it, is committed."""

    def transact(self, name: str, work: Callable[[Transaction], Json]) -> Json:
        """Do ``work`` and note its result under ``name`` in one transaction of the database."""

    def variable(self, name: str) -> tuple[Json, int] | None:
        """A variable as it is now, with its version; None when it was never set."""

    def set_variable(self, name: str, variable: str, value: Json, expected: int) -> int:
        """Set a variable that stands at version ``expected`` (0: was never set) and note that under ``name``; its new version.

        Raises `VersionConflictError` when it stands at another.
        """

    def now(self) -> datetime:
        """The database's time."""
