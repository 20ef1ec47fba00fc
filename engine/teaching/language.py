"""The reference parts of docs/language.md: ``python -m engine.teaching.language`` writes them anew between their markers.

What people wrote around them stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import BaseModel

from engine.language import shape, texts
from engine.language.definition import BaseOperator, Definition
from engine.language.expressions import conditions
from engine.teaching.fields import fields_of
from engine.teaching.model import OPERATORS, PARTS, promise, told
from engine.tools import registry

DOCUMENT = Path(__file__).parents[2] / "docs" / "language.md"
_MARKED = re.compile(r"(<!-- made: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(document: str) -> str:
    """The document with its marked parts made anew."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{_MAKERS[found[2]]()}\n\n{found[3]}", document)


def _workflow() -> str:
    return _table(Definition)


def _operators() -> str:
    common = f"### Fields of every operator\n\n{_table(BaseOperator)}"
    return "\n\n".join([common, *(_operator(name, model) for name, model in OPERATORS.items())])


def _operator(name: str, model: type[BaseOperator]) -> str:
    return f"### `{name}`\n\n{promise(model)}\n\n{_table(model, without=BaseOperator)}"


def _parts() -> str:
    return "\n\n".join(f"### {model.__name__}\n\n{promise(model)}\n\n{_table(model)}" for model in PARTS)


def _bounds() -> str:
    rows = {
        "text of a definition": f"{shape.MAX_TEXT_BYTES // 1024 // 1024} MB",
        "text of a definition as YAML": f"{texts.MAX_YAML_CHARACTERS // 1024 // 1024} MB",
        "tasks": f"{shape.MAX_TASKS:,}",
        "values": f"{shape.MAX_VALUES:,}",
        "nesting of a definition": f"{shape.MAX_DEPTH}",
        "nesting of a condition": f"{conditions.MAX_DEPTH}",
    }
    return "\n".join(["| what | at most |", "| --- | --- |", *(f"| {what} | {most} |" for what, most in rows.items())])


def _tools() -> str:
    rows = [f"| `{name}` | {told(spec).replace('|', '&#124;')} |" for name, spec in sorted(registry.items())]
    return "\n".join(["| tool | what it does |", "| --- | --- |", *rows])


def _table(model: type[BaseModel], *, without: type[BaseModel] | None = None) -> str:
    rows = ["| field | type | default |", "| --- | --- | --- |"]
    for field in fields_of(model, without=without):
        kind = f"{field.kind}, {field.bounds}" if field.bounds else field.kind
        rows.append(f"| `{field.name}` | {kind} | {field.default} |")
    return "\n".join(rows)


_MAKERS: Mapping[str, Callable[[], str]] = {
    "workflow": _workflow,
    "operators": _operators,
    "parts": _parts,
    "bounds": _bounds,
    "tools": _tools,
}

if __name__ == "__main__":
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
