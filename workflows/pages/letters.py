"""The pages of dead letters: the list by cause, and one letter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from engine import facade
from engine.model.upkeep import DeadLetter, DeadLetterReason, LetterFilter
from highway_platform.kit.permissions import Grant
from workflows.pages.reading import reading

PAGE_SIZE = 50
OPEN, REQUEUED = "open", "requeued"
STATES = [("", _("All")), (OPEN, _("Open")), (REQUEUED, _("Requeued"))]
REASONS: dict[DeadLetterReason, object] = {
    "poison": _("Killed its workers"),
    "definition": _("Definition cannot be read"),
    "storage": _("Could not be stored"),
    "divergence": _("Code does not fit the history"),
    "internal": _("Internal error"),
    "activity": _("Activity failed for good"),
    "schedule": _("Schedule could not start it"),
}


@dataclass(frozen=True, slots=True)
class LettersPage:
    """One page of the list, newest first. ``query`` is its filter as an address has it."""

    letters: list[DeadLetter]
    state: str
    reason: str
    query: str
    next_before: str

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.reason)


def filter_of(asked: QueryDict) -> LetterFilter:
    """What an address asks for; what it misspells does not filter."""
    state, reason = asked.get("state", ""), asked.get("reason", "")
    return LetterFilter(
        reasons=(reason,) if reason in get_args(DeadLetterReason) else (),
        is_open={OPEN: True, REQUEUED: False}.get(state),
    )


def load_letters(grant: Grant, asked: QueryDict) -> LettersPage:
    """The list that an address asks for."""
    chosen = filter_of(asked)
    with reading(grant) as connection:
        found = facade.list_dead_letters(
            connection,
            tenant_id=grant.tenant_id,
            chosen=chosen,
            before=_uuid(asked.get("before", "")),
            quantity=PAGE_SIZE + 1,
        )
    state = "" if chosen.is_open is None else OPEN if chosen.is_open else REQUEUED
    reason = chosen.reasons[0] if chosen.reasons else ""
    query = urlencode({name: value for name, value in (("state", state), ("reason", reason)) if value})
    return LettersPage(
        letters=found[:PAGE_SIZE],
        state=state,
        reason=reason,
        query=query,
        next_before=str(found[PAGE_SIZE - 1].dead_letter_id) if len(found) > PAGE_SIZE else "",
    )


def load_letter(grant: Grant, letter_id: UUID) -> DeadLetter:
    """One letter."""
    with reading(grant) as connection:
        return facade.get_dead_letter(connection, tenant_id=grant.tenant_id, dead_letter_id=letter_id)


def load_chosen(grant: Grant, chosen: LetterFilter, letter_ids: Sequence[UUID]) -> list[DeadLetter]:
    """The letters of these that are still there. They were ticked on one page of a filter: one page from the newest of them holds them all."""
    behind = UUID(int=max(letter_ids).int + 1)
    with reading(grant) as connection:
        found = facade.list_dead_letters(
            connection, tenant_id=grant.tenant_id, chosen=chosen, before=behind, quantity=PAGE_SIZE
        )
    return [letter for letter in found if letter.dead_letter_id in set(letter_ids)]


def count_letters(grant: Grant, chosen: LetterFilter) -> int:
    """How many letters a filter finds, counted up to 10,000."""
    with reading(grant) as connection:
        return facade.count_dead_letters(connection, tenant_id=grant.tenant_id, chosen=chosen)


def cause_of(letter: DeadLetter) -> str:
    """What went wrong, in the words of the error."""
    return str(letter.error.get("message") or letter.error.get("type") or letter.error.get("kind") or letter.reason)


def reason_word(reason: str) -> str:
    """Why the engine gave up."""
    return str(REASONS.get(cast(DeadLetterReason, reason), reason))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
