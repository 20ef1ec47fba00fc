"""The texts that are compiled as expressions, each with its own JSON path."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.checks.sources import Source
from engine.language.expressions import Condition, Template, parse_condition, parse_template
from engine.language.problems import join_path
from engine.model.json import Json


def texts(source: Source) -> Iterator[tuple[str, str]]:
    """Every text inside a source's value, with its path."""
    pending: list[tuple[str, Json]] = [(source.path, source.value)]
    while pending:
        at, each = pending.pop()
        if isinstance(each, str):
            yield at, each
        elif isinstance(each, list):
            pending.extend((join_path(at, index), item) for index, item in enumerate(each))
        elif isinstance(each, dict):
            pending.extend((join_path(at, key), member) for key, member in each.items())


def parse(source: Source, text: str) -> Template | Condition:
    """One of its texts, compiled; raises `ExpressionSyntaxError`."""
    if source.kind == "condition" or (source.kind == "items" and "{{" not in text and "${" not in text):
        return parse_condition(text)
    return parse_template(text)
