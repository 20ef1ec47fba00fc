"""Where in a source a problem stands, for problems that only know their place in the definition that the source makes."""

from __future__ import annotations

import re
from dataclasses import replace

from workflows.sources import Problem

TOLD = re.compile(r"^line (\d+), column (\d+): ")
TASK = re.compile(r"\.(?:tasks|loop_body)(?:\.([A-Za-z0-9_-]+)|\[['\"]([^'\"]+)['\"]\])")


def placed(problem: Problem, source: str) -> Problem:
    """The problem with a line and a column: as its message tells, or where its task is named first; unchanged when nothing is known."""
    if problem.line is not None:
        return problem
    told = TOLD.match(problem.message)
    if told:
        return replace(problem, line=int(told[1]), column=int(told[2]), message=problem.message[told.end() :])
    names = [plain or quoted for plain, quoted in TASK.findall(problem.path)]
    for name in reversed(names):
        found = _first_naming(name, source)
        if found:
            line, column = found
            return replace(problem, line=line, column=column)
    return problem


def _first_naming(name: str, source: str) -> tuple[int, int] | None:
    """Where a task is named: in quotes, as in Python and JSON, or as a key of YAML."""
    word = re.escape(name)
    naming = re.compile(rf"[\"']{word}[\"']|^[ \t-]*(?=\S){word}[ \t]*:", re.MULTILINE)
    match = naming.search(source)
    if match is None:
        return None
    at = source.index(name, match.start())
    return source.count("\n", 0, at) + 1, at - source.rfind("\n", 0, at)
