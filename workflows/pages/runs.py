"""The runs list: filters from the address, one page by keyset, counts as filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from engine import facade
from engine.model.views import RunRow
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading
from workflows.query import Query, parse_query
from workflows.words import run_state, state_word

PAGE_SIZE = 50
COUNT_CAP = 10_000  # the engine counts no further
SPANS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
SPAN_LABELS = [
    ("", _("All time")),
    ("1h", _("Last hour")),
    ("24h", _("Last 24 hours")),
    ("7d", _("Last 7 days")),
    ("30d", _("Last 30 days")),
]
CHIPS = ("running", "pending", "sleeping", "paused", "failed", "cancelled", "compensated", "completed")


@dataclass(frozen=True, slots=True)
class Chip:
    """A status as a filter: how many runs are in it, and where a press leads."""

    state: str
    label: str
    count: str
    href: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class RunsPage:
    """One page of the list."""

    query: Query
    span: str
    runs: list[RunRow]
    chips: list[Chip]
    total: int
    next_href: str
    newest: UUID | None

    walk: ClassVar[int] = facade.FIND_WALK

    @property
    def is_filtered(self) -> bool:
        return bool(self.query.text.strip() or self.span)


def load_runs_page(grant: Grant, asked: QueryDict) -> RunsPage:
    """The list that an address asks for. A page that continues another (``before``) needs no counts and has none."""
    now = timezone.now()
    query = parse_query(asked.get("q", ""), now=now)
    span = asked.get("t", "") if asked.get("t") in SPANS else ""
    since = now - SPANS[span] if span else None
    chosen = query.chosen if query.chosen.created_from else replace(query.chosen, created_from=since)
    before = _uuid(asked.get("before", ""))
    with reading(grant) as connection:
        runs = facade.find_runs(
            connection, tenant_id=grant.tenant_id, chosen=chosen, before=before, quantity=PAGE_SIZE + 1
        )
        counts = {} if before else facade.count_by_status(connection, tenant_id=grant.tenant_id, created_from=since)
    more, runs = len(runs) > PAGE_SIZE, runs[:PAGE_SIZE]
    return RunsPage(
        query=query,
        span=span,
        runs=runs,
        chips=make_chips(counts, query, span),
        total=sum(counts.values()),
        next_href=_href(query.text, span, before=runs[-1].workflow_run_id) if more else "",
        newest=runs[0].workflow_run_id if runs and not before else None,
    )


def count_newer(grant: Grant, after: UUID) -> int:
    """How many runs were started since the newest one that a page shows."""
    with reading(grant) as connection:
        return facade.count_newer(connection, tenant_id=grant.tenant_id, after=after)


def make_chips(counts: dict[str, int], query: Query, span: str) -> list[Chip]:
    """A chip for every status of interest; pressing the one that is on takes it off again."""
    chips = []
    for status in CHIPS:
        is_on = query.chosen.statuses == (status,)
        others = " ".join(word for word in query.text.split() if not word.startswith("status:"))
        text = others if is_on else f"status:{run_state(status)} {others}".strip()
        count = capped(counts.get(status, 0))
        chips.append(Chip(run_state(status), state_word(run_state(status)), count, _href(text, span), is_on))
    return chips


def capped(count: int) -> str:
    """A count as it is shown: counting stops at a bound, and a plus says so."""
    return f"{count:,}+" if count >= COUNT_CAP else f"{count:,}"


def _href(text: str, span: str, before: UUID | None = None) -> str:
    asked = {"q": text, "t": span, "before": str(before) if before else ""}
    return "?" + urlencode({name: value for name, value in asked.items() if value})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
