"""The second line of a node: what its state means here, in a few words and without the clock.

No text depends on the time of rendering, so an unchanged run gives an unchanged page and polls are answered with 304.
"""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine.model.views import StepView
from highway_platform.kit.durations import duration
from workflows.graph.model import Node
from workflows.graph.states import NodeState
from workflows.words import state_word

SKIP_REASONS = {
    "branch_not_taken": _("branch not taken"),
    "upstream_failed": _("a step before it failed"),
    "handler_not_needed": _("not needed"),
    "terminated": _("the run was ended"),
}


def node_detail(node: Node, state: NodeState) -> str:
    """A few words under the name of a node."""
    if len(state.executions) > 1:
        return _counted(state)
    if state.executions:
        return step_detail(state.executions[0], state.state)
    if state.state == "pending":
        return node.note or state_word("pending")
    return state_word(state.state)


def step_detail(step: StepView, state: str) -> str:
    """What a single execution is doing, or how it ended."""
    if state == "skipped":
        return skip_reason(step.reason)
    if step.wait and state in {"sleeping", "waiting", "retrying"}:
        return _waiting(step)
    if state == "running":
        return state_word(state) if step.attempt < 2 else _("running, attempt %(n)d") % {"n": step.attempt}
    words = [] if state == "succeeded" else [state_word(state)]
    words += _decided(step)
    if step.duration_ms is not None and state == "succeeded":
        words.append(duration(step.duration_ms))
    if step.attempt > 1:
        words.append(ngettext("%(n)d attempt", "%(n)d attempts", step.attempt) % {"n": step.attempt})
    return " · ".join(words)


def skip_reason(reason: str) -> str:
    """Why a step was skipped, in words."""
    return SKIP_REASONS.get(reason, reason.replace("_", " ")) or state_word("skipped")


def _waiting(step: StepView) -> str:
    wait = step.wait
    if wait is None:
        return state_word(step.status)
    if wait.kind == "event":
        return _("waits for %(event)s") % {"event": wait.event_name}
    if wait.kind == "tasks":
        return _("waits for branches")
    due = f"{wait.due_at:%H:%M:%S} UTC" if wait.due_at else ""
    if wait.kind == "retry":
        return _("attempt %(n)d at %(due)s") % {"n": step.attempt + 1, "due": due}
    return _("wakes %(due)s") % {"due": due}


def _decided(step: StepView) -> list[str]:
    """What a condition or a switch decided."""
    if not isinstance(step.result, dict) or step.operator not in {"condition", "switch"}:
        return []
    value = step.result.get("value")
    if isinstance(value, bool):
        return [_("yes") if value else _("no")]
    return [str(value)]


def _counted(state: NodeState) -> str:
    words = [_("%(done)d/%(total)d done") % {"done": state.done, "total": len(state.executions)}]
    words += [
        f"{state.counts[name]} {state_word(name).lower()}"
        for name in ("failed", "timedout", "skipped")
        if state.counts.get(name)
    ]
    return " · ".join(words)
