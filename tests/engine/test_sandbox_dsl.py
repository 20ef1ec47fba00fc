"""Compiling the Python DSL: only in the sandbox, and every mistake is told with its place."""

from __future__ import annotations

import textwrap
from dataclasses import replace

import pytest

from engine.ports import Cancelled, SandboxJob, SandboxResult
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import MAX_SOURCE_BYTES, Compiled, Rejected, SourceProblem, compile_python

BUILDER = """
from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder(name="hello")
builder.task("say", "tools.shell.run", args=["echo hello"])
"""


def compiled(source: str) -> Compiled | Rejected:
    return compile_python(textwrap.dedent(source), BubblewrapSandbox())


@pytest.mark.parametrize(
    "ending",
    [
        "workflow = builder",
        "workflow = builder.build()",
        "def get_workflow(): return builder",
        "def get_workflow(): return builder.build()",
        "print(builder.build().to_json())",
        "def get_workflow(): return builder.build()\nif __name__ == '__main__': print(get_workflow().to_json())",
        "print('building')\nworkflow = builder",
        "workflow = builder\nimport sys; sys.exit(0)",
    ],
)
def test_a_workflow_is_found_in_each_form(ending: str) -> None:
    result = compiled(BUILDER + ending)
    assert isinstance(result, Compiled), result
    assert result.definition["name"] == "hello"
    assert result.definition["tasks"]["say"]["args"] == ["echo hello"]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(
    ("source", "line", "column", "message"),
    [
        ("x = 1\ny = (\n", 2, 5, "syntax error: '(' was never closed"),
        ("\nif True:\nx = 1", 3, 1, "syntax error: expected an indented block after 'if' statement on line 2"),
        ("a = 1\nb = a / 0", 2, 5, "ZeroDivisionError: division by zero"),
        ("def f():\n    raise ValueError('bad')\nf()", 2, 5, "ValueError: bad"),
        ("import psycopg", 1, 1, "ModuleNotFoundError: No module named 'psycopg'"),
        ("x = 1", 1, 1, "no workflow found: assign"),
        ("print('[1]')", 1, 1, "no workflow found"),
        ("print('{\"a\":' * 5000)", 1, 1, "no workflow found"),
        ("workflow = {}", 1, 1, "workflow is dict, neither a Workflow nor a WorkflowBuilder"),
        ("def get_workflow(): return 3", 1, 1, "get_workflow() is int, neither"),
        ("import sys\nsys.exit('no')", 2, 1, "the program ended with exit code no"),
        ("import os\nos._exit(4)", 1, 1, "the program ended before its workflow could be read (exit code 4)"),
        ("import os\nos.kill(os.getpid(), 9)", 1, 1, "ended before its workflow could be read (exit code 137)"),
        ("while True: print('x' * 1000)", 1, 13, "prints more than 8,388,608 characters"),
        ("import os\nwhile True: os.write(1, b'x' * 60000)", 1, 1, "printed more than 16 MiB"),
        ("print('{\"a\": NaN}')", 1, 1, "cannot be read as JSON"),
        ("\0", 1, 1, "null bytes"),
        ("\ud800", 1, 1, "not valid Unicode"),
        ("#" * (MAX_SOURCE_BYTES + 1), 1, 1, "the limit is 1,048,576"),
        ("x = bytearray(10**10)", 1, 5, "MemoryError"),
        ("def f(): f()\nf()", 1, 10, "RecursionError"),
    ],
)
def test_a_mistake_is_told_with_its_place(source: str, line: int, column: int, message: str) -> None:
    result = compiled(source)
    assert isinstance(result, Rejected)
    (problem,) = result.problems
    assert (problem.line, problem.column) == (line, column)
    assert message in problem.message


def test_every_wrong_field_of_an_operator_is_told() -> None:
    result = compiled("from highway_dsl import TaskOperator\n\nTaskOperator(task_id=1)")
    assert result == Rejected(
        (
            SourceProblem(3, 1, "task_id: Input should be a valid string"),
            SourceProblem(3, 1, "function: Field required"),
        )
    )


def test_an_endless_source_is_ended() -> None:
    class Short:
        """The real sandbox with a shorter clock."""

        def run(self, job: SandboxJob, cancelled: Cancelled | None = None, note: object = None) -> SandboxResult:
            return BubblewrapSandbox().run(replace(job, limits=replace(job.limits, wall_seconds=1.0)), cancelled)

    result = compile_python("while True: pass", Short())
    assert isinstance(result, Rejected)
    assert "ran longer than" in result.problems[0].message


def test_a_source_cannot_see_this_machine() -> None:
    result = compiled("raise RuntimeError(sorted(__import__('os').environ))")
    assert isinstance(result, Rejected)
    assert result.problems[0].message == "RuntimeError: ['HOME', 'LANG', 'PATH', 'PWD', 'PYTHONPATH']"
