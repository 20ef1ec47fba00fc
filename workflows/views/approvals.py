"""What runs ask people: the list, one question, and the decision."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from engine.model.approvals import Vote
from highway_platform.kit.edges import screen
from highway_platform.kit.identifiers import uuid7
from highway_platform.kit.requests import Request
from workflows.approvals import services
from workflows.pages.approvals import load_approval, load_approvals
from workflows.views.changing import change_and_tell
from workflows.views.fragments import as_fragment, unchanged

AREA = "approvals"
COMMENT_LENGTH = 2000


@require_safe
@screen(services.READ)
def approval_list(request: Request) -> HttpResponse:
    """What waits for somebody, or with ``show=all`` everything that was asked."""
    context = {"area": AREA, "page": load_approvals(request.grant, request.GET)}
    return render(request, "pages/workflows/approvals.html", context)


@require_safe
@screen(services.READ)
def approval_list_live(request: Request) -> HttpResponse:
    """The changing part of the list."""
    page = load_approvals(request.grant, request.GET)
    return unchanged(request, page.tag) or as_fragment(
        render(request, "pages/workflows/approvals.html#live", {"page": page}), page.tag
    )


@require_safe
@screen(services.READ)
def approval_detail(request: Request, approval_id: UUID) -> HttpResponse:
    """One question: what is asked, about what, what was said, and the buttons for who has a say."""
    page = load_approval(request.grant, approval_id)
    context = {"area": AREA, "page": page, "approval": page.approval, "key": uuid7()}
    return render(request, "pages/workflows/approval.html", context)


@require_POST
@screen(services.DECIDE)
def approval_decide(request: Request, approval_id: UUID) -> HttpResponse:
    """Approve, or reject with a reason. Who comes late is told what became of it."""
    where = reverse("workflows:approval", args=[approval_id])
    comment = request.POST.get("comment", "").replace("\0", "").strip()[:COMMENT_LENGTH]
    vote: Vote = "reject" if request.POST.get("do") == "reject" else "approve"
    if vote == "reject" and not comment:
        messages.error(request, _("Nothing was decided: say why you reject it."))
        return redirect(where)

    def work(connection: Any) -> str:
        decided = services.approval_decide(request.grant, connection, str(approval_id), vote, comment)
        said = {
            "approved": _("Approved. The run goes on."),
            "rejected": _("Rejected. The run goes on with that."),
            "pending": _("Your approval counts; others have to agree, too."),
        }
        return said[decided.state]

    return change_and_tell(request, where, work)
