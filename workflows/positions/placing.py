"""Lines and columns for problems."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from workflows.positions.json_text import first_repeated, json_positions
from workflows.positions.paths import Path, Position, Positions, nearest, parts_of
from workflows.positions.python_text import python_position
from workflows.positions.yaml_text import yaml_positions
from workflows.sources import Problem, SourceFormat

MAX_CHARACTERS = 512 * 1024  # of a larger text no map is made: it would be larger than the text

_TOLD = re.compile(r"^line (\d+), column (\d+): ")


def place(problems: Iterable[Problem], source: str, source_format: SourceFormat) -> list[Problem]:
    """The problems with a line and a column: as their messages tell, or where their path leads to. Without where nothing is known."""
    told = [_as_told(problem) for problem in problems]
    if all(problem.line is not None for problem in told) or len(source) > MAX_CHARACTERS:
        return told
    positions = _map(told, source, source_format)
    return [problem if problem.line else _placed(problem, source, source_format, positions) for problem in told]


def _as_told(problem: Problem) -> Problem:
    told = _TOLD.match(problem.message)
    if problem.line is not None or told is None:
        return problem
    return replace(problem, line=int(told[1]), column=int(told[2]), message=problem.message[told.end() :])


def _map(problems: Iterable[Problem], source: str, source_format: SourceFormat) -> Positions:
    """The positions of a text that could be read, which it could when a problem has a path into it."""
    if source_format == "python" or all(problem.path == "$" for problem in problems):
        return {}
    return json_positions(source) if source_format == "json" else yaml_positions(source)


def _placed(problem: Problem, source: str, source_format: SourceFormat, positions: Positions) -> Problem:
    position = _position(problem, parts_of(problem.path), source, source_format, positions)
    return replace(problem, line=position.line, column=position.column) if position else problem


def _position(
    problem: Problem, path: Path, source: str, source_format: SourceFormat, positions: Positions
) -> Position | None:
    if source_format == "python":
        return python_position(source, path)
    if problem.code == "duplicate_key" and source_format == "json":
        return first_repeated(source)
    return nearest(positions, path)
