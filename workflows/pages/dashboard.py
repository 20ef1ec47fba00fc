"""The first page of a tenant: what needs somebody, then figures that lead to the runs behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine import facade
from engine.model.upkeep import LetterFilter
from engine.model.views import Health, RunFilter, RunRow
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading
from workflows.pages.runs import Chip, capped, make_chips
from workflows.query import Query

RECENT = 10
DAY = timedelta(hours=24)
FAILURES_READ = 200
BREAKERS_NAMED = 3
APPROVALS_COUNTED = 101  # one more than is told


@dataclass(frozen=True, slots=True)
class Attention:
    """A sentence about something that needs somebody, with the one thing to do about it."""

    state: str
    text: str
    action: str
    href: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """What the first page shows."""

    attention: list[Attention]
    tiles: list[Chip]
    recent: list[RunRow]


def load_dashboard(grant: Grant) -> Dashboard:
    """Read the first page."""
    since = timezone.now() - DAY
    failed = RunFilter(statuses=("failed",), created_from=since)
    with reading(grant) as connection:
        tenant = grant.tenant_id
        counts = facade.count_by_status(connection, tenant_id=tenant, created_from=since)
        failures = facade.list_runs(connection, tenant_id=tenant, chosen=failed, quantity=FAILURES_READ)
        recent = facade.list_runs(connection, tenant_id=tenant, chosen=RunFilter(), quantity=RECENT)
        health = facade.health(connection)
        operations = [*_approvals(connection, grant), *_breakers(connection, grant), *_letters(connection, grant)]
    attention = [*_installation(health, counts), *operations, *_failures(failures)]
    return Dashboard(attention, make_chips(counts, Query(""), "24h"), recent)


def _installation(health: Health, counts: dict[str, int]) -> list[Attention]:
    if health.healthy:
        return []
    queued = counts.get("pending", 0)
    runs = ngettext("%(n)s run is queued", "%(n)s runs are queued", queued) % {"n": capped(queued)}
    text = _("Work is not moving: %(problem)s. %(runs)s.") % {"problem": health.problem, "runs": runs}
    return [Attention("timedout", text, _("Queued runs"), _runs("status:queued"))]


def _breakers(connection: Any, grant: Grant) -> list[Attention]:
    """What nobody calls now. Those who may not see breakers are not told of them."""
    if not grant.permits("workflows.guard:read"):
        return []
    found = facade.list_breakers(connection, tenant_id=grant.tenant_id, states=("open",), quantity=BREAKERS_NAMED + 1)
    if not found:
        return []
    names = ", ".join(breaker.resource_key for breaker in found[:BREAKERS_NAMED])
    names += ", …" if len(found) > BREAKERS_NAMED else ""
    text = _("Nobody calls %(names)s: the circuit breaker is open.") % {"names": names}
    return [Attention("failed", text, _("Circuit breakers"), reverse("workflows:breaker-list"))]


def _approvals(connection: Any, grant: Grant) -> list[Attention]:
    """What waits for somebody to decide."""
    if not grant.permits("workflows.approval:read"):
        return []
    found = facade.list_approvals(connection, tenant_id=grant.tenant_id, pending=True, quantity=APPROVALS_COUNTED)
    if not found:
        return []
    told = ngettext("%(n)s approval is needed", "%(n)s approvals are needed", len(found))
    number = str(len(found)) if len(found) < APPROVALS_COUNTED else f"{APPROVALS_COUNTED - 1}+"
    text = f"{told % {'n': number}}: {found[0].message[:160]}"
    return [Attention("approval", text, _("Approvals"), reverse("workflows:approval-list"))]


def _letters(connection: Any, grant: Grant) -> list[Attention]:
    """What the engine gave up on and nobody has looked after."""
    if not grant.permits("workflows.letter:read"):
        return []
    number = facade.count_dead_letters(connection, tenant_id=grant.tenant_id, chosen=LetterFilter(is_open=True))
    if not number:
        return []
    told = ngettext("The engine gave up on %(n)s thing.", "The engine gave up on %(n)s things.", number)
    text = told % {"n": capped(number)}
    return [Attention("timedout", text, _("Dead letters"), reverse("workflows:letter-list") + "?state=open")]


def _failures(failures: list[RunRow]) -> list[Attention]:
    """One sentence a workflow, the one that failed most first."""
    by_name: dict[str, list[RunRow]] = {}
    for run in failures:
        by_name.setdefault(run.name, []).append(run)
    ranked = sorted(by_name.items(), key=lambda item: -len(item[1]))
    return [_failed_workflow(name, runs) for name, runs in ranked[:5]]


def _failed_workflow(name: str, runs: list[RunRow]) -> Attention:
    message = str((runs[0].error or {}).get("message") or "")
    count = ngettext("failed once", "failed %(n)d times", len(runs)) % {"n": len(runs)}
    text = _("%(name)s %(count)s in 24 hours") % {"name": name, "count": count}
    if message:
        text += ": " + message.splitlines()[0][:160]
    return Attention("failed", text, _("Failed runs"), _runs(f"status:failed workflow:{name}"))


def _runs(query: str) -> str:
    return reverse("workflows:run-list") + "?" + urlencode({"q": query, "t": "24h"})
