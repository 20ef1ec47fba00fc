"""The looking half of a client whose truth is in PostgreSQL: the same cheap questions to everybody's own tables."""

from __future__ import annotations

from typing import Any, ClassVar, LiteralString

import psycopg

from bench.client import Ends, Stage


class PostgresObserver:
    """Asks with queries of the system's own tables. Each question is one prepared statement and one transaction."""

    STAGE: ClassVar[LiteralString]  # (run) -> open, waiting or done
    ALL_DONE: ClassVar[LiteralString]  # () -> boolean
    ENDS: ClassVar[LiteralString]  # (since) -> count, early, last
    BEGUN: ClassVar[LiteralString]  # (run) -> seconds
    RESUMED: ClassVar[LiteralString]  # (run) -> seconds

    def __init__(self, dsn: str) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(dsn, autocommit=True, prepare_threshold=0)

    def stage(self, run: str) -> Stage:
        """How far a run is."""
        found: Stage = self._row(self.STAGE, [run])[0]
        return found

    def all_done(self) -> bool:
        """Whether no run is open."""
        return bool(self._row(self.ALL_DONE, [])[0])

    def ends(self, since: float) -> Ends:
        """Of the runs that ended after ``since``."""
        count, early, last = self._row(self.ENDS, [since])
        return Ends(int(count), float(early or 0), float(last or 0))

    def begun_at(self, run: str) -> float | None:
        """When a worker took it."""
        found = self._row(self.BEGUN, [run])[0]
        return None if found is None else float(found)

    def resumed_at(self, run: str) -> float:
        """When the step behind the wait began."""
        return float(self._row(self.RESUMED, [run])[0])

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def _row(self, query: LiteralString, parameters: list[Any]) -> tuple[Any, ...]:
        row: tuple[Any, ...] | None = self.connection.execute(query, parameters).fetchone()
        return row or (None,)
