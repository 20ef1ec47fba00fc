"""The commands of people who decide, and what must have become of every question after each command."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from engine import facade
from engine.db.connection import Connection, Row, cursor
from engine.db.errors import NotAllowedError, StateError
from engine.facade.approvals import decide_by_token, issue_token
from engine.services.approvals import expire_approvals
from tests.model.asked import Asked
from tests.model.asking import Answer, Question
from tests.model.commands import Command
from tests.model.panels import PANELS, PEOPLE, allows_self
from tests.model.player import DivergenceError
from tests.model.stages import LONG, places

_QUESTIONS = """
    SELECT a.*, extract(epoch FROM a.expires_at - a.requested_at)::float8 AS seconds, highway.is_open(t.state) AS is_asking,
           t.cancel_requested OR t.phase = 'undoing' AS is_stopping,
           (SELECT coalesce(jsonb_agg(jsonb_build_array(v.stage, v.person, v.vote) ORDER BY v.at), '[]')
              FROM highway.approval_vote AS v WHERE v.tenant_id = a.tenant_id AND v.approval_id = a.approval_id) AS votes
      FROM highway.approval AS a
      JOIN highway.task AS t ON t.tenant_id = a.tenant_id AND t.task_id = a.task_id
     WHERE a.tenant_id = %s ORDER BY a.approval_id
"""


class Deciding:
    """Part of the machine."""

    tenant: UUID
    web: Connection
    worker: Connection
    asked: dict[UUID, Asked]
    questions: dict[UUID, Question]
    runs: Callable[[], list[UUID]]

    def _do_decide(self, command: Command) -> None:
        """Somebody speaks, mostly to a question that is open, of the run that the command means if it asks one, and now and then by a link."""
        self._catch_up()
        runs, standing = self.runs(), list(self.questions.values())
        if command["open"]:
            standing = [one for one in standing if one.is_open] or standing
        standing = [one for one in standing if one.run_id == runs[command["run"] % len(runs)]] or standing
        if not standing:
            return
        question = standing[command["question"] % len(standing)]
        person = list(PEOPLE)[command["person"] % len(PEOPLE)]
        if command["link"]:
            self._speak(question, person, command["vote"], self._by_link)
        else:
            self._speak(question, person, command["vote"], self._in_person)

    def expire(self) -> int:
        """What the service does: those whose time has passed end, the longest overdue first."""
        self._catch_up()
        before = self._now()
        ended = expire_approvals(self.worker, uuid4())
        after = self._now()
        standing = sorted((one for one in self.questions.values() if one.is_open), key=lambda one: one.expires_at)
        least, most = (sum(one.expires_at <= moment for one in standing) for moment in (before, after))
        if not least <= ended <= most:
            raise DivergenceError(f"{ended} questions have expired, of {least} to {most} that were overdue")
        for one in standing[:ended]:
            one.state = "expired"
        return ended

    def decide_the_rest(self) -> bool:
        """Whoever may agrees, as far as there is somebody; whether anybody did. Questions that are open for a short time are left to it."""
        self._catch_up()
        spoke = False
        for question in self.questions.values():
            for person in PEOPLE:
                may = question.is_open and question.asked.seconds == LONG
                if may and question.reply(person, "approve", self._now()) is None:
                    self._speak(question, person, "approve", self._in_person)
                    spoke = True
        return spoke

    def wrong_questions(self) -> list[str]:
        """Every way in which a question is not what it must be by now."""
        return [
            f"the question {row['approval_id']} of {row['step_key']}: {problem}"
            for row in self._learn_questions()
            for problem in self._follow(row)
        ]

    def _speak(self, question: Question, person: str, vote: Any, how: Callable[[Question, str, Any], Answer]) -> None:
        is_asked_by_link = question.is_open or how == self._in_person
        at = self._now()
        answer = how(question, person, vote)
        if answer == "closed":
            at = self._now()  # its time may have passed meanwhile
        expected = question.say(person, vote, at) if is_asked_by_link else "closed"
        if answer != expected:
            raise DivergenceError(
                f"{person} said {vote} to {question}, heard {answer} and should have heard {expected}"
            )

    def _in_person(self, question: Question, person: str, vote: Any) -> Answer:
        which = {"tenant_id": self.tenant, "approval_id": question.approval_id}
        return _heard(lambda: facade.decide(self.web, **which, vote=vote, by=person, names=PEOPLE[person]))

    def _by_link(self, question: Question, person: str, vote: Any) -> Answer:
        """A link is good for one use, whatever came of it."""
        which = {"tenant_id": self.tenant, "approval_id": question.approval_id}
        try:
            token = issue_token(self.web, **which, person=person, names=PEOPLE[person])
        except StateError:
            return "closed"
        answer = _heard(lambda: decide_by_token(self.web, tenant_id=self.tenant, token=token, vote=vote))
        again = _heard(lambda: decide_by_token(self.web, tenant_id=self.tenant, token=token, vote=vote))
        if again != (answer if answer == "no say" else "closed"):
            raise DivergenceError(f"a link was used twice: it gave {answer}, then {again}")
        return answer

    def _catch_up(self) -> None:
        """What has become of the questions until now, withdrawn or not."""
        if wrong := self.wrong_questions():
            raise DivergenceError(str(wrong))

    def _learn_questions(self) -> list[Row]:
        """All questions, as they are asked; new ones get to be known."""
        rows = cursor(self.worker).execute(_QUESTIONS, [self.tenant]).fetchall()
        self.runs()
        for row in rows:
            if row["approval_id"] not in self.questions:
                self.questions[row["approval_id"]] = self._learn_question(row)
        return rows

    def _learn_question(self, row: Row) -> Question:
        asked, place = self.asked[row["workflow_run_id"]], (row["scope"], row["step_key"])
        stages = {(scope, key): stage for scope, key, stage in places(asked.workflow.stages) if stage.kind == "ask"}
        if place not in stages:
            raise DivergenceError(f"the run {row['workflow_run_id']} asks in {place}, where it has nothing to ask")
        stage = stages[place]
        wanted = [{"approvers": list(one.approvers), "quorum": one.quorum} for one in PANELS[stage.panel]]
        right = (wanted, stage.name, stage.seconds, allows_self(stage.panel), list(asked.starters))
        found = (row["stages"], row["on_expiry"], row["seconds"], row["allow_self"], row["requested_by"])
        if found != right:
            raise DivergenceError(f"the question of {place} is {found}, and should be {right}")
        return Question(
            row["approval_id"], row["workflow_run_id"], place, stage, asked.starters, expires_at=row["expires_at"]
        )

    def _follow(self, row: Row) -> Iterator[str]:
        """An open question lives as long as the task that asks it; one that is over stays as it is."""
        question = self.questions[row["approval_id"]]
        if question.is_open and row["state"] == "withdrawn" and (not row["is_asking"] or row["is_stopping"]):
            question.state = "withdrawn"
        if question.is_open and not row["is_asking"]:
            yield "nobody asks it any more, and it is open"
        found = (row["state"], row["stage"], row["decided_by"], [tuple(vote) for vote in row["votes"]])
        right = (question.state, question.stage, question.decided_by, question.votes)
        if found != right:
            yield f"it is {found}, and should be {right}"

    def _now(self) -> datetime:
        row = cursor(self.worker).execute("SELECT highway.now() AS now").fetchone()
        assert row is not None
        now: datetime = row["now"]
        return now


def _heard(speak: Callable[[], Answer]) -> Answer:
    try:
        return speak()
    except StateError:
        return "closed"
    except NotAllowedError:
        return "no say"
