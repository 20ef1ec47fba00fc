"""The language of the runs list: ``status:failed workflow:order_* tag:eu attr:customer=acme id:0198 started:<24h some words``.

The server parses it, so the same address means the same list with and without scripts, and an error points at the word it is about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

from django.utils.translation import gettext as _

from engine.model.views import RunFilter

WORD = re.compile(r'(?P<name>[A-Za-z_]+):(?P<value>"[^"]*"|\S*)|(?P<quoted>"[^"]*")|(?P<plain>\S+)')
AGE = re.compile(r"^(?P<how>[<>]?)(?P<count>\d{1,6})(?P<unit>[smhdw])$")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
STATUSES = ("pending", "running", "sleeping", "paused", "completed", "failed", "cancelled", "compensated")
OTHER_WORDS = {"queued": "pending", "succeeded": "completed", "waiting": "sleeping"}


@dataclass(frozen=True, slots=True)
class Problem:
    """A word of the query that could not be understood."""

    word: str
    message: str


@dataclass(frozen=True, slots=True)
class Query:
    """What a query text asks for. With ``problems`` the words they are about do not filter."""

    text: str
    chosen: RunFilter = field(default_factory=RunFilter)
    problems: tuple[Problem, ...] = ()


class _BadWordError(Exception):
    """A value that its qualifier does not know; the message says what would do."""


def parse_query(text: str, *, now: datetime) -> Query:
    """Read a query. Ages such as ``<24h`` count from ``now``."""
    chosen, problems, words = RunFilter(), [], []
    for match in WORD.finditer(text):
        if match["name"] is None:
            words.append((match["quoted"] or match["plain"]).strip('"'))
            continue
        try:
            chosen = _apply(chosen, match["name"].lower(), match["value"].strip('"'), now)
        except _BadWordError as bad:
            problems.append(Problem(match[0], str(bad)))
    if words:
        chosen = replace(chosen, text=" ".join(filter(None, (chosen.text, *words))))
    return Query(text, chosen, tuple(problems))


def _apply(chosen: RunFilter, name: str, value: str, now: datetime) -> RunFilter:
    qualifier = _QUALIFIERS.get(name)
    if qualifier is None:
        near = get_close_matches(name, _QUALIFIERS, 1)
        hint = _("Did you mean %(name)s: ?") % {"name": near[0]} if near else _known()
        raise _BadWordError(_("There is no filter %(name)s. %(hint)s") % {"name": f"{name}:", "hint": hint})
    if not value:
        raise _BadWordError(_("A value is missing after the colon."))
    return qualifier(chosen, value, now)


def _known() -> str:
    return _("There are: %(names)s.") % {"names": ", ".join(f"{name}:" for name in _QUALIFIERS)}


def _status(chosen: RunFilter, value: str, _now: datetime) -> RunFilter:
    names = [OTHER_WORDS.get(name, name) for name in value.lower().split(",") if name]
    unknown = [name for name in names if name not in STATUSES]
    if unknown:
        near = get_close_matches(unknown[0], (*STATUSES, *OTHER_WORDS), 1) or [", ".join(STATUSES)]
        raise _BadWordError(_("There is no state %(name)s. Try %(near)s.") % {"name": unknown[0], "near": near[0]})
    return replace(chosen, statuses=(*chosen.statuses, *names))


def _workflow(chosen: RunFilter, value: str, _now: datetime) -> RunFilter:
    return replace(chosen, names=(*chosen.names, *filter(None, value.split(","))))


def _tag(chosen: RunFilter, value: str, _now: datetime) -> RunFilter:
    return replace(chosen, tags=(*chosen.tags, *filter(None, value.split(","))))


def _attribute(chosen: RunFilter, value: str, _now: datetime) -> RunFilter:
    """``customer=acme``: a search attribute and its value, as text."""
    name, equals, wanted = value.partition("=")
    if not (name and equals and wanted):
        raise _BadWordError(_("Write a name and a value, such as attr:customer=acme."))
    return replace(chosen, attributes=(*chosen.attributes, (name, wanted.strip('"'))))


def _id(chosen: RunFilter, value: str, _now: datetime) -> RunFilter:
    return replace(chosen, text=value.lower())


def _started(chosen: RunFilter, value: str, now: datetime) -> RunFilter:
    """``<24h``: less than a day ago. ``>2026-11-01``: after that day began."""
    age = AGE.match(value)
    if age:
        moment = now - timedelta(**{UNITS[age["unit"]]: int(age["count"])})
        return replace(chosen, created_to=moment) if age["how"] == ">" else replace(chosen, created_from=moment)
    try:
        day = datetime.fromisoformat(value.lstrip("<>"))
    except ValueError:
        raise _BadWordError(_("Write an age such as <24h or >7d, or a date such as >2026-11-01.")) from None
    moment = day if day.tzinfo else day.replace(tzinfo=UTC)
    return replace(chosen, created_to=moment) if value.startswith("<") else replace(chosen, created_from=moment)


_QUALIFIERS: dict[str, Callable[[RunFilter, str, datetime], RunFilter]] = {
    "status": _status,
    "workflow": _workflow,
    "tag": _tag,
    "attr": _attribute,
    "id": _id,
    "started": _started,
}
