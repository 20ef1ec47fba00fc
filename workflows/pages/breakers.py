"""The pages of circuit breakers: all of a tenant, the open ones first, and one of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engine import facade
from engine.model.upkeep import BreakerView
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading
from workflows.pages.tags import tag_of

MOST = 500
STATES = ("open", "half_open", "closed")
STATE_WORDS = {
    "open": gettext_lazy("Open"),
    "half_open": gettext_lazy("Half open"),
    "closed": gettext_lazy("Closed"),
}


@dataclass(frozen=True, slots=True)
class BreakerChip:
    """A state as a filter."""

    state: str
    label: str
    count: int
    href: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class BreakersPage:
    """The list. ``is_cut``: there are more than it shows."""

    breakers: list[BreakerView]
    chips: list[BreakerChip]
    total: int
    is_cut: bool
    tag: str


def load_breakers(grant: Grant, state: str) -> BreakersPage:
    """Breakers of one state or of all: what is isolated comes first, then what is being tried."""
    with reading(grant) as connection:
        found = facade.list_breakers(connection, tenant_id=grant.tenant_id, quantity=MOST + 1)
    known = found[:MOST]
    counts = {name: sum(one.state == name for one in known) for name in STATES}
    shown = [one for one in known if state not in STATES or one.state == state]
    shown.sort(key=lambda one: (STATES.index(one.state), one.resource_key, one.workflow_name))
    return BreakersPage(
        breakers=shown,
        chips=[_chip(name, counts[name], state) for name in STATES],
        total=len(known),
        is_cut=len(found) > MOST,
        tag=tag_of([_lasting(one) for one in shown], counts),
    )


def load_breaker(grant: Grant, resource_key: str, workflow_name: str) -> BreakerView:
    """One breaker."""
    with reading(grant) as connection:
        return facade.get_breaker(
            connection, tenant_id=grant.tenant_id, resource_key=resource_key, workflow_name=workflow_name
        )


def breaker_tag(breaker: BreakerView) -> str:
    """What changes when the breaker does."""
    return tag_of(_lasting(breaker))


def _lasting(breaker: BreakerView) -> BreakerView:
    return replace(breaker, seconds_until_half_open=None)


def _chip(state: str, count: int, asked: str) -> BreakerChip:
    is_on = state == asked
    return BreakerChip(state, str(STATE_WORDS[state]), count, "?" if is_on else f"?state={state}", is_on)


def known_resources(grant: Grant) -> list[str]:
    """Names to choose from: a breaker that never failed is not among them."""
    with reading(grant) as connection:
        found = facade.list_breakers(connection, tenant_id=grant.tenant_id, quantity=MOST)
    return sorted({one.resource_key for one in found})


def breaker_url(resource_key: str, workflow_name: str = "", name: str = "breaker") -> str:
    """The address of a breaker's page, or of what can be done to it."""
    query = f"?{urlencode({'workflow': workflow_name})}" if workflow_name else ""
    return reverse(f"workflows:{name}", args=[resource_key]) + query


def scope_of(breaker: BreakerView) -> str:
    """Whose breaker it is."""
    if breaker.workflow_name:
        return _("Workflow %(name)s") % {"name": breaker.workflow_name}
    return _("Whole tenant")
