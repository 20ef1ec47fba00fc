"""Suggestions in problems: the first get them, the hundredth gets none, since looking for near names is the slowest part of a check."""

from __future__ import annotations

from collections.abc import Iterable

from engine.language.expressions.errors import did_you_mean, nearest

MAX_HINTS = 20


class Hints:
    """The suggestions of one check: `offer` has words for the first `MAX_HINTS` names that it is asked about."""

    def __init__(self) -> None:
        self._left = MAX_HINTS

    def offer(self, name: str, known: Iterable[str]) -> str:
        """The end of a sentence that offers the names of ``known`` that look like ``name``; nothing when there are none."""
        if not self._left:
            return ""
        self._left -= 1
        return did_you_mean(nearest(name, known))
