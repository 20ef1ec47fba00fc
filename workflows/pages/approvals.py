"""The pages of approvals: what waits for somebody, and one question with what was said about it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext as _

from engine import facade
from engine.facade.approvals import why_no_say
from engine.model.approvals import ApprovalView
from highway_platform.kit.permissions import Grant
from tenants.identity import identity_of
from workflows.approvals.services import DECIDE
from workflows.pages.reading import reading
from workflows.pages.tags import tag_of

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class ApprovalsPage:
    """One page of the list, newest first: what waits for somebody, or with ``is_all`` everything."""

    approvals: list[ApprovalView]
    is_all: bool
    next_before: str

    @property
    def tag(self) -> str:
        """Changes with everything that the page shows."""
        return tag_of([(one.approval_id, one.state, one.stage, len(one.votes)) for one in self.approvals])


@dataclass(frozen=True, slots=True)
class ApprovalPage:
    """One question. ``refusal`` is why the reader cannot decide it; '' when they can."""

    approval: ApprovalView
    refusal: str

    @property
    def may_decide(self) -> bool:
        return self.approval.is_open and not self.refusal


def load_approvals(grant: Grant, asked: QueryDict) -> ApprovalsPage:
    """The list that an address asks for."""
    is_all = asked.get("show") == "all"
    with reading(grant) as connection:
        found = facade.list_approvals(
            connection,
            tenant_id=grant.tenant_id,
            pending=not is_all,
            before=_uuid(asked.get("before", "")),
            quantity=PAGE_SIZE + 1,
        )
    more = str(found[PAGE_SIZE - 1].approval_id) if len(found) > PAGE_SIZE else ""
    return ApprovalsPage(found[:PAGE_SIZE], is_all, more)


def load_approval(grant: Grant, approval_id: UUID) -> ApprovalPage:
    """One question, as this reader may decide it."""
    with reading(grant) as connection:
        approval = facade.get_approval(connection, tenant_id=grant.tenant_id, name=str(approval_id))
        if not grant.permits(DECIDE):
            return ApprovalPage(approval, _("This needs the permission %(name)s.") % {"name": DECIDE})
        who = identity_of(grant)
        why = why_no_say(connection, tenant_id=grant.tenant_id, approval_id=approval_id, by=who.person, names=who.names)
        if any(vote.person == who.person for vote in approval.votes):
            why = why or _("You have spoken already.")
    return ApprovalPage(approval, f"{why[:1].upper()}{why[1:]}" if why else "")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
