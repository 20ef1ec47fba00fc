"""Dead letters: what the engine gave up on, and what a person makes of it."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import NotFoundError, StateError
from engine.db.queries import load
from engine.facade.submit import retry, submit
from engine.facade.tenancy import tenant_transaction
from engine.kit.json_text import dumps
from engine.model.json import JsonObject
from engine.model.upkeep import DeadLetter, DeadLetterReason, LetterFilter

_sql = load("dead_letter")
COUNT_CAP = 10_000


def list_dead_letters(
    connection: Connection, *, tenant_id: UUID, chosen: LetterFilter, before: UUID | None = None, quantity: int = 50
) -> list[DeadLetter]:
    """Letters, newest first; ``before`` is the id of the last letter of the page before."""
    with tenant_transaction(connection, tenant_id):
        rows = _sql.list.many(
            connection,
            tenant_id=tenant_id,
            reasons=list(chosen.reasons) or None,
            is_open=chosen.is_open,
            workflow_run_id=chosen.workflow_run_id,
            before=before,
            quantity=quantity,
        )
    return [DeadLetter(**row) for row in rows]


def get_dead_letter(connection: Connection, *, tenant_id: UUID, dead_letter_id: UUID) -> DeadLetter:
    """One letter. Raises `NotFoundError`, alike for unknown letters and letters of other tenants."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.get.one(connection, tenant_id=tenant_id, dead_letter_id=dead_letter_id)
    if row is None:
        raise _unknown(dead_letter_id)
    return DeadLetter(**row)


def write_dead_letter(
    connection: Connection, *, tenant_id: UUID, reason: DeadLetterReason, error: JsonObject, request: JsonObject
) -> UUID:
    """Leave a letter about something that was never started, in the transaction that gives it up; its id.

    ``request`` has ``definition_id`` and, where they matter, ``inputs``, ``queue`` and ``priority``: requeueing it starts that.
    """
    with tenant_transaction(connection, tenant_id):
        row = _sql.write.one(connection, tenant_id=tenant_id, reason=reason, error=dumps(error), request=dumps(request))
    assert row is not None  # noqa: S101 - an insert that returns
    letter: UUID = row["dead_letter_id"]
    return letter


def requeue_dead_letter(connection: Connection, *, tenant_id: UUID, dead_letter_id: UUID, by: str = "") -> UUID:
    """Try again: the run as a new run, or what was never started. Its id; a letter that was requeued before gives the same one.

    Raises `StateError` while the letter's run is still open (an activity of it was given up, the run goes on).
    """
    with tenant_transaction(connection, tenant_id):
        letter = _sql.hold.one(connection, tenant_id=tenant_id, dead_letter_id=dead_letter_id)
        if letter is None:
            raise _unknown(dead_letter_id)
        if letter["requeued_run_id"]:
            before: UUID = letter["requeued_run_id"]
            return before
        run_id = _start(connection, tenant_id, letter["workflow_run_id"], letter["request"], by)
        _sql.requeued.run(connection, tenant_id=tenant_id, dead_letter_id=dead_letter_id, by=by, run_id=run_id)
    return run_id


def purge_dead_letter(connection: Connection, *, tenant_id: UUID, dead_letter_id: UUID) -> None:
    """Delete a letter. Its run stays. Raises `NotFoundError`."""
    with tenant_transaction(connection, tenant_id):
        if _sql.purge.one(connection, tenant_id=tenant_id, dead_letter_id=dead_letter_id) is None:
            raise _unknown(dead_letter_id)


def count_dead_letters(connection: Connection, *, tenant_id: UUID, chosen: LetterFilter) -> int:
    """How many letters `purge_dead_letters` would delete, counted up to `COUNT_CAP`."""
    with tenant_transaction(connection, tenant_id):
        row = _sql.count_matching.one(connection, tenant_id=tenant_id, cap=COUNT_CAP, **_which(chosen))
    return int(row["letters"]) if row else 0


def purge_dead_letters(
    connection: Connection, *, tenant_id: UUID, chosen: LetterFilter, quantity: int = COUNT_CAP
) -> int:
    """Delete letters, oldest first, at most ``quantity``; returns how many. One that is being requeued at this moment is left alone."""
    with tenant_transaction(connection, tenant_id):
        return len(_sql.purge_matching.many(connection, tenant_id=tenant_id, quantity=quantity, **_which(chosen)))


def _start(connection: Connection, tenant_id: UUID, run_id: UUID | None, request: JsonObject, by: str) -> UUID:
    if run_id is not None:
        return retry(connection, tenant_id=tenant_id, workflow_run_id=run_id, triggered_by=by).workflow_run_id
    if not request.get("definition_id"):
        raise StateError("the letter does not say what should have been started")
    inputs = request.get("inputs")
    return submit(
        connection,
        tenant_id=tenant_id,
        definition_id=UUID(str(request["definition_id"])),
        inputs=inputs if isinstance(inputs, dict) else {},
        queue=str(request.get("queue") or "default"),
        priority=int(str(request.get("priority") or 0)),
        trigger="dead_letter",
        triggered_by=by,
    ).workflow_run_id


def _which(chosen: LetterFilter) -> dict[str, object]:
    return {"reasons": list(chosen.reasons) or None, "is_open": chosen.is_open, "older_than": chosen.older_than}


def _unknown(dead_letter_id: UUID) -> NotFoundError:
    return NotFoundError(f"no dead letter {dead_letter_id}")
