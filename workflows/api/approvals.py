"""What runs ask people, and what people say."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from ninja import Query

from engine.model.approvals import Vote
from highway_platform.kit.requests import Request
from highway_platform.kit.rest.answers import Outcome, answer_once, success
from highway_platform.kit.rest.router import requires

from ..approvals import services
from ..approvals.presenters import approval
from ..approvals.schemas import ApprovalQuery, DecisionBody
from .router import router

TAGS = ["approvals"]


@router.get("/approvals", url_name="approval-list", tags=TAGS)
@requires(services.READ)
def list_approvals(request: Request, query: Query[ApprovalQuery]) -> dict[str, Any]:
    """Questions, newest first; ``cursor`` is the ``next_cursor`` of the page before. Of one run all are on one page."""
    if query.workflow_run_id:
        found, more = services.approvals_of_run(request.grant, query.workflow_run_id), False
        page = [one for one in found if one.is_open or query.status == "all"]
    else:
        found = services.approval_list(
            request.grant, pending=query.status == "pending", before=query.cursor, quantity=query.page_size + 1
        )
        page, more = found[: query.page_size], len(found) > query.page_size
    return success(
        {
            "approvals": [approval(one) for one in page],
            "count": len(page),
            "next_cursor": str(page[-1].approval_id) if more else None,
        }
    )


@router.get("/approvals/{approval_key}", url_name="approval-detail", tags=TAGS)
@requires(services.READ)
def show_approval(request: Request, approval_key: str) -> dict[str, Any]:
    """One question, by its id or by the key that its author gave: of several of one key the newest that is open, else the newest."""
    return success(approval(services.approval_get(request.grant, approval_key)))


@router.post("/approvals/{approval_key}/approve", url_name="approval-approve", tags=TAGS)
@requires(services.DECIDE)
def approve(request: Request, approval_key: str, body: DecisionBody | None = None) -> HttpResponse:
    """Agree. The status in the answer is pending while others have to agree; 409 when it was decided before, 403 for who has no say in it."""
    return _decide(request, approval_key, "approve", body)


@router.post("/approvals/{approval_key}/reject", url_name="approval-reject", tags=TAGS)
@requires(services.DECIDE)
def reject(request: Request, approval_key: str, body: DecisionBody | None = None) -> HttpResponse:
    """Reject: one is enough. 409 when it was decided before, 403 for who has no say in it."""
    return _decide(request, approval_key, "reject", body)


def _decide(request: Request, approval_key: str, vote: Vote, body: DecisionBody | None) -> HttpResponse:
    def work(connection: Any) -> Outcome:
        comment = body.comment if body else ""
        decided = services.approval_decide(request.grant, connection, approval_key, vote, comment)
        return Outcome(approval(decided), run_id=decided.workflow_run_id)

    return answer_once(request, work)
