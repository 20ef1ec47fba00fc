"""Compile workflows written with the Python DSL. The source runs in the sandbox; only JSON comes back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, cast

from engine.model.json import JsonObject
from engine.ports import Sandbox, SandboxJob, SandboxLimits, SandboxResult
from sandbox.inside.compile_dsl import REPORT_MARK

MAX_SOURCE_BYTES = 1024 * 1024
_PROGRAM = Path(__file__).with_name("inside") / "compile_dsl.py"
_LIMITS = SandboxLimits(wall_seconds=15, cpu_seconds=10, output_bytes=16 * 1024 * 1024, processes=8)
# highway_dsl and what it needs.
_MODULES = (
    "highway_dsl",
    "pydantic",
    "pydantic_core",
    "annotated_types",
    "typing_extensions",
    "typing_inspection",
    "yaml",
    "_yaml",
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """The definition that the source makes, as the DSL writes it. Not validated: that is the language's part."""

    definition: JsonObject


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """Something wrong with the source; line and column count from 1."""

    line: int
    column: int
    message: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The source makes no definition, and why."""

    problems: tuple[SourceProblem, ...]


def compile_python(source: str, sandbox: Sandbox) -> Compiled | Rejected:
    """Run DSL source and take the workflow it makes: the module's ``workflow``, or what ``get_workflow()`` returns, or JSON on stdout.

    Raises what the sandbox raises when this machine cannot sandbox; everything the source does wrong is a `Rejected`.
    """
    try:
        content = source.encode()
    except UnicodeEncodeError:
        return _rejected("the source is not valid Unicode text")
    if len(content) > MAX_SOURCE_BYTES:
        return _rejected(f"the source is {len(content):,} bytes; the limit is {MAX_SOURCE_BYTES:,}")
    job = SandboxJob(_PROGRAM.read_text(), files={"source": content}, modules=_MODULES, limits=_LIMITS)
    return _read(sandbox.run(job))


def _read(result: SandboxResult) -> Compiled | Rejected:
    if result.killed:
        return _rejected(_KILLED[result.killed])
    _, mark, report = result.stdout.rpartition(REPORT_MARK)
    if not mark:
        return _rejected(f"the program ended before its workflow could be read (exit code {result.returncode})")
    try:
        return _read_report(json.loads(report, parse_constant=_refuse_constant))
    except (ValueError, KeyError, TypeError, RecursionError):
        return _rejected("the workflow cannot be read as JSON (NaN, Infinity, and very deep nesting are not JSON)")


def _read_report(report: JsonObject) -> Compiled | Rejected:
    if "problems" in report:
        problems = cast(list[JsonObject], report["problems"])
        return Rejected(tuple(_problem(problem) for problem in problems))
    definition = report["definition"]
    if not isinstance(definition, dict):
        return _rejected("the workflow is not a JSON object")
    return Compiled(definition)


def _problem(told: JsonObject) -> SourceProblem:
    return SourceProblem(int(cast(int, told["line"])), int(cast(int, told["column"])), str(told["message"]))


def _rejected(message: str) -> Rejected:
    return Rejected((SourceProblem(1, 1, message),))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


_KILLED = {
    "wall": f"the program ran longer than {_LIMITS.wall_seconds:g} seconds",
    "cpu": f"the program used more than {_LIMITS.cpu_seconds} seconds of processor time",
    "memory": f"the program used more than {_LIMITS.memory_bytes // 1024**2} MiB of memory",
    "output": f"the program printed more than {_LIMITS.output_bytes // 1024**2} MiB",
    "cancelled": "the compilation was cancelled",
}
