"""Lines and columns for problems."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

from workflows.positions.json_text import first_repeated, json_positions
from workflows.positions.paths import Position, nearest, parts_of
from workflows.positions.python_text import PythonSource
from workflows.positions.yaml_text import yaml_positions
from workflows.sources import Problem, SourceFormat

MAX_CHARACTERS = 128 * 1024  # of a larger text no map is made: it would be larger than the text

Find = Callable[[Problem], Position | None]
_TOLD = re.compile(r"^line (\d+), column (\d+): ")


def place(problems: Iterable[Problem], source: str, source_format: SourceFormat) -> list[Problem]:
    """The problems with a line and a column: as their messages tell, or where their path leads to. Without where nothing is known."""
    told = [_as_told(problem) for problem in problems]
    if all(problem.line is not None for problem in told) or len(source) > MAX_CHARACTERS:
        return told
    find = _finder(told, source, source_format)
    return [problem if problem.line else _placed(problem, find(problem)) for problem in told]


def _as_told(problem: Problem) -> Problem:
    told = _TOLD.match(problem.message)
    if problem.line is not None or told is None:
        return problem
    return replace(problem, line=int(told[1]), column=int(told[2]), message=problem.message[told.end() :])


def _placed(problem: Problem, position: Position | None) -> Problem:
    return replace(problem, line=position.line, column=position.column) if position else problem


def _finder(problems: Iterable[Problem], source: str, source_format: SourceFormat) -> Find:
    """How positions are found in this source, which is read once for all problems."""
    if source_format == "python":
        python = PythonSource(source)
        return lambda problem: python.position(parts_of(problem.path))
    if all(problem.path == "$" for problem in problems):  # it may not even be readable
        return lambda problem: first_repeated(source) if problem.code == "duplicate_key" else None
    positions = json_positions(source) if source_format == "json" else yaml_positions(source)
    return lambda problem: nearest(positions, parts_of(problem.path))
