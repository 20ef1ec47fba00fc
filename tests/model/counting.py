"""The counter that steps raise and their undoing lowers: every recorded change counts once."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection, cursor
from tests.model.facts import Facts


def count_problems(connection: Connection, tenant: UUID, family: dict[UUID, Facts]) -> list[str]:
    """Whether the one counter of the tenant is what all its runs together have made of it."""
    done = [
        step
        for facts in family.values()
        for place, step in facts.done.items()
        if step.outcome == "succeeded" and not facts.is_copied(place)
    ]
    added = [
        step
        for step in done
        if isinstance(step.result, dict) and step.result.get("name") == "n" and "value" in step.result
    ]
    expected = sum(-1 if step.key.endswith("@undo") else 1 for step in added)
    row = cursor(connection).execute("SELECT value FROM highway.counter WHERE tenant_id = %s", [tenant]).fetchone()
    counted = row["value"] if row else 0
    return [] if counted == expected else [f"the counter is {counted}, and {expected} is checkpointed"]
