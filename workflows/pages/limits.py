"""The pages of limits: which keys are in use, who holds their slots, who waits for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from engine import facade
from engine.model.flow import LimitView
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading
from workflows.pages.tags import tag_of

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class LimitsPage:
    """One page of the list, by kind and key; ``after`` is where the next one begins, None when there is none."""

    limits: list[LimitView]
    after: LimitView | None
    tag: str


def load_limits(grant: Grant, asked: QueryDict) -> LimitsPage:
    """The list that an address asks for."""
    after = (asked.get("kind", ""), asked.get("key", ""))
    with reading(grant) as connection:
        found = facade.list_limits(connection, tenant_id=grant.tenant_id, after=after, quantity=PAGE_SIZE + 1)
    shown = found[:PAGE_SIZE]
    return LimitsPage(shown, shown[-1] if len(found) > PAGE_SIZE else None, tag_of(shown))


def load_limit(grant: Grant, kind: str, key: str) -> LimitView:
    """One limit."""
    with reading(grant) as connection:
        return facade.get_limit(connection, tenant_id=grant.tenant_id, kind=kind, key=key)


def limit_tag(limit: LimitView) -> str:
    """What changes when the limit does."""
    return tag_of(limit)


def meter_of(used: int, capacity: int) -> dict[str, Any]:
    """How much of something is in use, as a bar shows it: a share from 0 to 100, and whether all of it is."""
    share = 100.0 if capacity <= 0 else min(100.0, 100.0 * used / capacity)
    return {"used": used, "capacity": capacity, "share": f"{share:.1f}%", "is_full": used >= capacity}
