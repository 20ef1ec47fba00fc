"""Compile a definition without storing anything: what it makes, or everything that is wrong with it and where. The editor and the API share this."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.positions.placing import place
from workflows.sources import (
    CheckedSource,
    Problem,
    SourceFormat,
    SourceRefusedError,
    definition_check,
    source_check,
)


@dataclass(frozen=True, slots=True)
class Compilation:
    """What came of a source. A sound one has its definition in ``checked``, and perhaps warnings among its problems."""

    problems: Sequence[Problem] = ()
    checked: CheckedSource | None = None


def compile_source(source: str, source_format: SourceFormat, inputs: Collection[str] | None = None) -> Compilation:
    """Read, compile and check a source; problems carry a line and a column wherever one can be told.

    Raises `sandbox.errors.SandboxUnavailable` when this server cannot compile Python now.
    """
    try:
        checked = source_check(source, source_format, inputs)
    except SourceRefusedError as refused:
        return Compilation(place(refused.problems, source, source_format))
    return Compilation(place(checked.warnings, source, source_format), checked)


def compile_definition(
    value: Any, inputs: Collection[str] | None = None, tenant_id: uuid.UUID | None = None
) -> Compilation:
    """The same for a definition that is JSON already, which has no lines. One that a tenant brings again is not checked again."""
    try:
        checked = definition_check(value, inputs=inputs, tenant_id=tenant_id)
    except SourceRefusedError as refused:
        return Compilation(refused.problems)
    return Compilation(checked.warnings, checked)
