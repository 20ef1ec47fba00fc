"""What can be wrong with an expression: its form (found at submission) or the values it meets (found at run time)."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

MAX_CANDIDATES = 100
MAX_NAME = 200


class ExpressionError(Exception):
    """Base of all errors of templates and conditions; its text is a sentence for the author."""


class ExpressionSyntaxError(ExpressionError):
    """The text is not an expression of our grammar. ``position`` is the 0-based offset in the text."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.position = position


class EvaluationError(ExpressionError):
    """The expression is well formed but its values do not fit, e.g. text compared with a number by ``<``."""


class UndefinedName(ExpressionError):  # noqa: N818 - the word of the language
    """A path leads nowhere. ``name`` is the path up to the part that is missing, ``suggestions`` the nearest known names."""

    def __init__(self, name: str, suggestions: Iterable[str] = ()) -> None:
        self.name = name
        self.suggestions = list(suggestions)
        super().__init__(f"'{name}' is not defined" + did_you_mean(self.suggestions))


def nearest(name: str, known: Iterable[str]) -> list[str]:
    """Up to three known names that look like ``name``, best first; among very many only those that begin alike are looked at.

    Nothing is near a name of over `MAX_NAME` characters.
    """
    if len(name) > MAX_NAME:
        return []
    candidates = list(dict.fromkeys(known))
    if len(candidates) > MAX_CANDIDATES:
        candidates = list(islice((other for other in candidates if other.startswith(name[:2])), MAX_CANDIDATES))
    return get_close_matches(name, candidates, n=3, cutoff=0.6)


def did_you_mean(suggestions: list[str]) -> str:
    """The end of a sentence that offers the suggestions; nothing when there are none."""
    return f"; did you mean {' or '.join(repr(name) for name in suggestions)}?" if suggestions else ""
