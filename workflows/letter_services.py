"""Many dead letters at once: each is tried by itself, and one that cannot be moved stops no other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from engine import facade
from highway_platform.kit.permissions import Grant

from . import upkeep

SHOWN_REFUSALS = 3


def letters_requeue(grant: Grant, connection: Any, letter_ids: Sequence[uuid.UUID]) -> str:
    """Requeue these letters; the sentence that tells how many, and why others were not."""
    number, refusals = _each(connection, letter_ids, lambda each: upkeep.letter_requeue(grant, connection, each))
    done = ngettext("%(n)d letter was requeued.", "%(n)d letters were requeued.", number) % {"n": number}
    return _told(done, refusals)


def letters_purge(grant: Grant, connection: Any, letter_ids: Sequence[uuid.UUID]) -> str:
    """Purge these letters; the sentence that tells how many."""
    number, refusals = _each(connection, letter_ids, lambda each: upkeep.letter_purge(grant, connection, each))
    done = ngettext("%(n)d letter was purged.", "%(n)d letters were purged.", number) % {"n": number}
    return _told(done, refusals)


def _each(
    connection: Any, letter_ids: Sequence[uuid.UUID], act: Callable[[uuid.UUID], object]
) -> tuple[int, list[str]]:
    """A refusal takes back its own work alone. Always in the same order, so that two never wait for each other."""
    number, refusals = 0, []
    for letter_id in sorted(set(letter_ids)):
        try:
            with facade.attempt(connection):
                act(letter_id)
            number += 1
        except (facade.NotFoundError, facade.StateError, facade.InvalidError, facade.BacklogFullError) as refusal:
            refusals.append(str(refusal))
    return number, refusals


def _told(done: str, refusals: list[str]) -> str:
    if not refusals:
        return done
    left = ngettext("%(n)d was left: %(why)s", "%(n)d were left: %(why)s", len(refusals))
    why = "; ".join(dict.fromkeys(refusals[:SHOWN_REFUSALS])) + (_(" …") if len(refusals) > SHOWN_REFUSALS else "")
    return f"{done} {left % {'n': len(refusals), 'why': why}}."
