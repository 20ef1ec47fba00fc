"""What stands on a node, in words taken from its definition."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from highway_platform.kit.durations import duration

DURATION = re.compile(
    r"^P(?:(?P<weeks>\d+)W)?(?:(?P<days>[\d.]+)D)?(?:T(?:(?P<hours>[\d.]+)H)?(?:(?P<minutes>[\d.]+)M)?(?:(?P<seconds>[\d.]+)S)?)?$"
)
TEMPLATE = re.compile(r"\{\{\s*(.*?)\s*\}\}")


def node_label(key: str, kind: str, task: Mapping[str, Any]) -> str:
    """The one line that names a node: a choice is named by what it asks, everything else by its id."""
    asked = {"condition": "condition", "switch": "switch_on"}.get(kind)
    return _bare(task.get(asked)) + "?" if asked and task.get(asked) else key


def node_note(kind: str, task: Mapping[str, Any]) -> str:
    """What a node does, in a few words: shown while it has no state to show."""
    if kind in {"task", "activity"}:
        return str(task.get("function", ""))
    if kind == "wait":
        return _("wait %(time)s") % {"time": _time(_bare(task.get("wait_for")))}
    if kind == "wait_for_event":
        return _("waits for %(event)s") % {"event": _bare(task.get("event_name"))}
    if kind == "emit_event":
        return _("emits %(event)s") % {"event": _bare(task.get("event_name"))}
    return kind.replace("_", " ")


def container_label(kind: str, task: Mapping[str, Any]) -> str:
    """The title of a frame around steps."""
    if kind == "foreach":
        needed = task.get("needed") or (task.get("metadata") or {}).get("needed")
        said = _("for each item of %(items)s, %(needed)s needed") if needed else _("for each item of %(items)s")
        return said % {"items": _bare(task.get("items")), "needed": needed}
    if kind == "while":
        return _("while %(condition)s") % {"condition": _bare(task.get("condition"))}
    count = len(task.get("branch_workflows") or ())
    if kind == "multi_choice":
        return ngettext("%(count)d possible branch", "%(count)d possible branches", count) % {"count": count}
    return ngettext("parallel, %(count)d branch", "parallel, %(count)d branches", count) % {"count": count}


def _time(text: str) -> str:
    """A duration of the definition in words; anything else (a template, a moment) as it stands."""
    match = DURATION.match(text)
    if match is None or not any(match.groups()):
        return text
    parts = {unit: float(count) for unit, count in match.groupdict().items() if count}
    return duration(timedelta(**parts).total_seconds() * 1000)


def _bare(value: object) -> str:
    """An expression without the braces of its templates."""
    return TEMPLATE.sub(r"\1", str(value or "")).strip()
