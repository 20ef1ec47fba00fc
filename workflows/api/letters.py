"""Dead letters: what the engine gave up on."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query

from engine.model.upkeep import LetterFilter
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from .. import upkeep
from ..upkeep_shapes import LetterQuery, PurgeBody, dead_letter
from .router import router

TAGS = ["dead_letters"]


@router.get("/dead-letters", url_name="letter-list", tags=TAGS)
@requires("workflows.letter:read")
def list_letters(request: Request, query: Query[LetterQuery]) -> dict[str, Any]:
    """Letters, newest first; ``cursor`` is the ``next_cursor`` of the page before."""
    chosen = LetterFilter(reasons=(query.reason,) if query.reason else (), is_open=query.open)
    found = upkeep.letter_list(request.grant, chosen, before=query.cursor, quantity=query.page_size + 1)
    page, more = found[: query.page_size], len(found) > query.page_size
    return success(
        {
            "dead_letters": [dead_letter(one) for one in page],
            "count": len(page),
            "next_cursor": str(page[-1].dead_letter_id) if more else None,
        }
    )


@router.post("/dead-letters/purge", url_name="letter-purge-many", tags=TAGS)
@requires("workflows.letter:manage")
def purge_letters(request: Request, body: PurgeBody) -> HttpResponse:
    """Delete letters by reason and age. A dry run, which is what happens unless ``dry_run`` is false, tells how many that would be."""
    older_than = timezone.now() - timedelta(days=body.older_than_days) if body.older_than_days else None
    chosen = LetterFilter(reasons=tuple(body.reasons), is_open=body.open, older_than=older_than)

    def work(connection: Any) -> Outcome:
        number = upkeep.letter_purge_many(request.grant, connection, chosen, dry_run=body.dry_run)
        return Outcome({"dry_run": body.dry_run, "count": number})

    return answer_once(request, work)


@router.get("/dead-letters/{uuid:dead_letter_id}", url_name="letter-detail", tags=TAGS)
@requires("workflows.letter:read")
def show_letter(request: Request, dead_letter_id: uuid.UUID) -> dict[str, Any]:
    """One letter with its error."""
    return success(dead_letter(upkeep.letter_get(request.grant, dead_letter_id)))


@router.post("/dead-letters/{uuid:dead_letter_id}/requeue", url_name="letter-requeue", tags=TAGS)
@requires("workflows.letter:manage")
def requeue_letter(request: Request, dead_letter_id: uuid.UUID) -> HttpResponse:
    """Try again, as a new run. A letter that was requeued before gives the same run; 409 while the letter's own run is open."""

    def work(connection: Any) -> Outcome:
        run_id = upkeep.letter_requeue(request.grant, connection, dead_letter_id)
        return Outcome({"dead_letter_id": str(dead_letter_id), "workflow_run_id": str(run_id)}, run_id=run_id)

    return answer_once(request, work)


@router.delete("/dead-letters/{uuid:dead_letter_id}", url_name="letter-purge", tags=TAGS)
@requires("workflows.letter:manage")
def purge_letter(request: Request, dead_letter_id: uuid.UUID) -> HttpResponse:
    """Delete a letter. Its run stays."""

    def work(connection: Any) -> Outcome:
        upkeep.letter_purge(request.grant, connection, dead_letter_id)
        return Outcome({"dead_letter_id": str(dead_letter_id), "purged": True})

    return answer_once(request, work)
