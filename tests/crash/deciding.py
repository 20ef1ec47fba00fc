"""The oracle of approvals: what was decided, by whom, and what the step was told of it."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from tests.crash.arena import Arena

_QUESTIONS = """
    SELECT a.approval_id, a.state, a.stages, a.stage, r.status,
           (SELECT count(*) FROM highway.journal AS j
             WHERE j.workflow_run_id = a.workflow_run_id AND j.data ->> 'approval_id' = a.approval_id::text),
           (SELECT coalesce(jsonb_object_agg(v.stage || v.vote, v.votes), '{}')
              FROM (SELECT v.stage, v.vote, count(*) AS votes FROM highway.approval_vote AS v WHERE v.approval_id = a.approval_id GROUP BY 1, 2) AS v),
           (SELECT k.result ->> 'status' FROM highway.checkpoint AS k
             WHERE k.workflow_run_id = a.workflow_run_id AND k.scope = a.scope AND k.step_key = a.step_key
               AND k.result ->> 'approval_id' = a.approval_id::text),
           (SELECT count(*) FROM highway.approval_token AS k
             WHERE k.approval_id = a.approval_id AND k.used_at IS NOT NULL
               AND NOT EXISTS (SELECT FROM highway.approval_vote AS v WHERE v.approval_id = k.approval_id AND v.person = k.person))
      FROM highway.approval AS a
      JOIN highway.workflow_run AS r USING (workflow_run_id)
"""


class _Question(NamedTuple):
    """A row of `_QUESTIONS`. ``ends``: how often it was ended; ``votes`` by stage and vote; ``told``: what its step has recorded."""

    approval_id: UUID
    state: str
    stages: list[dict[str, Any]]
    stage: int
    run_status: str
    ends: int
    votes: dict[str, int]
    told: str | None
    idle_links: int


def i12_approvals_are_decided_once(arena: Arena) -> list[str]:
    """I12: a decision is the only one, by exactly as many as it takes; its step was told of it; no link was used up by nothing."""
    asked = [_Question(*row) for row in arena.query(_QUESTIONS)]
    return [
        f"I12 {one}"
        for one in asked
        if not (_is_decided_rightly(one) and _stages_in_order(one) and one.idle_links == 0)
    ]


def _is_decided_rightly(asked: _Question) -> bool:
    full = _agreed(asked) == _enough(asked)
    rejections = sum(number for name, number in asked.votes.items() if name.endswith("reject"))
    decided = asked.ends == 1 and (asked.told is not None or asked.run_status != "completed")
    match asked.state:
        case "approved" | "rejected":
            votes = (full, rejections) == (True, 0) if asked.state == "approved" else (full, rejections) == (False, 1)
            return decided and votes and asked.told in (None, asked.state)
        case "expired":
            return decided and not full and rejections == 0
        case _:
            return asked.ends == 0 and not full and rejections == 0 and asked.told is None


def _stages_in_order(asked: _Question) -> bool:
    agreed, enough, now = _agreed(asked), _enough(asked), asked.stage
    return agreed[:now] == enough[:now] and agreed[now] <= enough[now] and not any(agreed[now + 1 :])


def _agreed(asked: _Question) -> list[int]:
    return [asked.votes.get(f"{number}approve", 0) for number in range(len(asked.stages))]


def _enough(asked: _Question) -> list[int]:
    return [int(one["quorum"]) for one in asked.stages]
