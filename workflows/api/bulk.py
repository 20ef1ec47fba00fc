"""The same change to many runs."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from engine.model.views import RunFilter
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once
from highway_platform.kit.rest.router import requires

from .. import control
from ..control_schemas import BulkBody, BulkFilter
from .router import router

TAGS = ["workflows"]


@router.post("/workflows/bulk", url_name="workflow-bulk", tags=TAGS)
@requires("workflows.run:bulk")
def bulk(request: Request, body: BulkBody) -> HttpResponse:
    """Cancel, pause, resume, retry or purge the runs that a filter finds. A dry run, the default, counts them and changes nothing.

    One request changes up to ``limit`` runs, newest first; send it again with ``cursor`` = ``next_cursor`` until that is null. Runs that
    have changed meanwhile are ``skipped``. Needs the right to the action itself, too.
    """
    chosen = _filter(body.filter)

    def work(connection: Any) -> Outcome:
        if body.dry_run:
            count = control.bulk_count(request.grant, connection, body.action, chosen)
            return Outcome({"action": body.action, "dry_run": True, "count": count})
        made = control.bulk_step(
            request.grant, connection, body.action, chosen, before=body.cursor, quantity=body.limit
        )
        data = {
            "action": body.action,
            "dry_run": False,
            "count": len(made.done),
            "workflow_run_ids": [str(run_id) for run_id in made.done],
            "skipped": [str(run_id) for run_id in made.skipped],
            "next_cursor": str(made.next_cursor) if made.next_cursor else None,
        }
        return Outcome(data)

    return answer_once(request, work)


def _filter(asked: BulkFilter) -> RunFilter:
    return RunFilter(
        statuses=tuple(asked.statuses),
        names=tuple(asked.workflow_names),
        tags=tuple(asked.tags),
        text=asked.text,
        created_from=asked.created_from,
        created_to=asked.created_to,
    )
