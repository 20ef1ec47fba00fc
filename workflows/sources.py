"""From what an author wrote to a checked definition. Python is compiled in the sandbox, never in this process."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Literal, cast

from django.apps import apps

from engine import facade
from engine.model.json import JsonObject
from sandbox.dsl import Compiled, Rejected, compile_python

from .apps import WorkflowsConfig

SourceFormat = Literal["python", "json", "yaml"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a source. ``path`` is a JSON path in the definition; line and column count from 1 in the source."""

    path: str
    code: str
    message: str
    line: int | None = None
    column: int | None = None
    severity: str = "error"

    @property
    def told(self) -> str:
        """The problem in one sentence, with its place."""
        at = f"line {self.line}, column {self.column}: " if self.line else ""
        return at + (f"{self.path}: " if self.path != "$" else "") + self.message


class SourceRefusedError(Exception):
    """The source makes no valid definition. ``problems`` lists everything that was found, errors first."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems[:3]))
        self.problems = sorted(problems, key=lambda problem: problem.severity != "error")


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A definition that may be stored, the source it came from, and what a careful author would still look at."""

    definition: JsonObject
    source: str
    source_format: SourceFormat
    warnings: tuple[Problem, ...] = ()


def source_check(source: str, source_format: SourceFormat, inputs: Collection[str] | None = None) -> CheckedSource:
    """Read, compile and check a source text. Raises `SourceRefusedError`. Takes no database connection: compiling may take seconds.

    ``inputs`` are the names a run will be given, where they are known: a template that needs another is refused then.
    """
    value = _READERS[source_format](source)
    return definition_check(value, source=source, source_format=source_format, inputs=inputs)


def definition_check(
    value: Any,
    *,
    source: str = "",
    source_format: SourceFormat = "json",
    inputs: Collection[str] | None = None,
    tenant_id: uuid.UUID | None = None,
) -> CheckedSource:
    """Check a definition that is JSON already. Raises `SourceRefusedError`. One that a tenant brings again is not checked again."""
    problems = [
        Problem(path=found.path, code=found.code, message=found.message, severity=found.severity)
        for found in facade.check_definition(value, inputs, tenant_id=tenant_id)
    ]
    if any(problem.severity == "error" for problem in problems):
        raise SourceRefusedError(problems)
    return CheckedSource(cast(JsonObject, value), source, source_format, tuple(problems))


def _compile(source: str) -> Any:
    config = cast(WorkflowsConfig, apps.get_app_config("workflows"))
    match compile_python(source, config.sandbox):
        case Compiled(definition):
            return definition
        case Rejected(problems):
            raise SourceRefusedError(
                [
                    Problem("$", "bad_source", found.message, found.line or None, found.column or None)
                    for found in problems
                ]
            )


def _parse(read: Callable[[str], Any]) -> Callable[[str], Any]:
    def parse(source: str) -> Any:
        try:
            return read(source)
        except facade.DefinitionError as error:
            raise SourceRefusedError(
                [Problem(found.path, found.code, found.message) for found in error.problems]
            ) from error

    return parse


_READERS: dict[SourceFormat, Callable[[str], Any]] = {
    "python": _compile,
    "json": _parse(facade.read_json),
    "yaml": _parse(facade.read_yaml),
}
