"""Compile the templates as the platform compiles what people write, in the sandbox: ``python -m workflows.gallery.build``."""

from __future__ import annotations

import json

from engine.model.json import JsonObject
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Rejected, compile_python
from workflows.gallery.catalog import COMPILED, SOURCES, source


def names() -> list[str]:
    """The templates that there are sources of."""
    return sorted(path.stem for path in SOURCES.glob("*.py"))


def compiled(name: str) -> JsonObject:
    """What the sandbox makes of a template."""
    made = compile_python(source(name), BubblewrapSandbox())
    if isinstance(made, Rejected):
        raise SystemExit("\n".join(f"{name}.py:{each.line}: {each.message}" for each in made.problems))
    return made.definition


def as_text(definitions: dict[str, JsonObject]) -> str:
    """The content of the file: one line a template, so that a change of one is a change of one line."""
    lines = (f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in definitions.items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    COMPILED.write_text(as_text({name: compiled(name) for name in names()}), encoding="utf-8")
