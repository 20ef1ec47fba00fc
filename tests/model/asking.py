"""Questions that people decide, as they must go: plain Python, no SQL, no engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from tests.model.panels import PANELS, PEOPLE, Round, allows_self
from tests.model.stages import Stage

Answer = Literal["pending", "approved", "rejected", "closed", "no say"]  # the last two are refusals


@dataclass
class Question:
    """One question, and what was said to it. ``starters``: who started what asks; ``votes``: (stage, person, vote) in order."""

    approval_id: UUID
    run_id: UUID
    place: tuple[str, str]
    asked: Stage
    starters: tuple[str, ...]
    expires_at: datetime
    state: str = "pending"
    stage: int = 0
    decided_by: str = ""
    votes: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it can still be decided, if its time allows it."""
        return self.state == "pending"

    def reply(self, person: str, vote: str, now: datetime) -> Answer | None:
        """What a person hears who changes nothing; None: the vote counts."""
        said = {who: what for _, who, what in self.votes}.get(person)
        if said == vote and self.state in ("pending", "approved", "rejected"):
            return self.state  # type: ignore[return-value]
        if not self.is_open or self.expires_at <= now or said is not None:
            return "closed"
        approvers = self._round.approvers
        if person in self.starters and not allows_self(self.asked.panel):
            return "no say"
        return None if not approvers or {person, *PEOPLE[person]} & set(approvers) else "no say"

    def say(self, person: str, vote: str, now: datetime) -> Answer:
        """A person speaks; what they hear."""
        if (reply := self.reply(person, vote, now)) is not None:
            return reply
        self.votes.append((self.stage, person, vote))
        if vote == "reject":
            return self._decide("rejected", person)
        if sum(stage == self.stage for stage, _, _ in self.votes) < self._round.quorum:
            return "pending"
        if self.stage + 1 < len(PANELS[self.asked.panel]):
            self.stage += 1
            return "pending"
        return self._decide("approved", person)

    def told(self) -> tuple[str, Any]:
        """How the step that asked must end, once the question was decided or its time is over: outcome and result."""
        status = self.state
        if status == "expired":
            status = {"approve": "approved", "reject": "rejected", "fail": "expired"}[self.asked.name]
        if status == "expired":
            return "failed", "approval_expired"
        return "succeeded", {
            "approval_id": str(self.approval_id),
            "status": status,
            "approved": status == "approved",
            "approver": self.decided_by,
            "expired": self.state == "expired",
            "votes": [{"stage": stage, "by": who, "vote": vote} for stage, who, vote in self.votes],
        }

    @property
    def _round(self) -> Round:
        return PANELS[self.asked.panel][self.stage]

    def _decide(self, state: Literal["approved", "rejected"], person: str) -> Answer:
        self.state, self.decided_by = state, person
        return state
