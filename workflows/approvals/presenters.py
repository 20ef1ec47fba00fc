"""Approvals as the API tells them."""

from __future__ import annotations

from typing import Any

from engine.model.approvals import ApprovalView, VoteView

from ..presenters import time


def approval(view: ApprovalView) -> dict[str, Any]:
    """A question, who decides it, and what was said. ``stage`` counts from 1."""
    return {
        "approval_id": str(view.approval_id),
        "approval_key": view.key or str(view.approval_id),
        "workflow_run_id": str(view.workflow_run_id),
        "workflow_name": view.workflow_name,
        "step_name": view.step,
        "message": view.message,
        "data": view.data,
        "status": view.state,
        "stage": view.stage + 1,
        "stages": view.stages,
        "votes": [vote(one) for one in view.votes],
        "requested_by": ", ".join(filter(None, view.requested_by)),
        "requested_at": time(view.requested_at),
        "expires_at": time(view.expires_at),
        "on_expiry": view.on_expiry,
        "allow_self": view.allow_self,
        "decided_by": view.decided_by or None,
        "decided_at": time(view.decided_at),
    }


def vote(view: VoteView) -> dict[str, Any]:
    """What somebody said."""
    return {
        "stage": view.stage + 1,
        "by": view.person,
        "vote": view.vote,
        "comment": view.comment,
        "at": time(view.at),
    }
