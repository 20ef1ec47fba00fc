"""What came of a source, in the form of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from engine import facade

from ..graph.read import read_graph
from ..graph.texts import as_json, as_mermaid
from ..sources import CheckedSource, Problem


def compilation(checked: CheckedSource) -> dict[str, Any]:
    """A sound definition: as JSON, as the one text that its hash is of, and drawn."""
    root = read_graph(checked.definition)
    return {
        "workflow_name": root.label,
        "source_format": checked.source_format,
        "workflow_definition": checked.definition,
        "canonical_json": facade.canonical_json(checked.definition),
        "definition_hash": facade.definition_hash(checked.definition),
        "warnings": problems(checked.warnings),
        "graph": {**as_json(root, {}), "mermaid": as_mermaid(root, {})},
    }


def problems(found: Sequence[Problem]) -> list[dict[str, Any]]:
    """Each with path, code, message and severity, and with line and column where they are known."""
    return [asdict(problem) for problem in found]
