from __future__ import annotations

import textwrap
import threading
import time

import pytest

from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context


def run(code: str, **kwargs: object) -> object:
    return call("tools.code.exec", textwrap.dedent(code), **kwargs)


def failure(code: str, **kwargs: object) -> ToolError:
    with pytest.raises(ToolError) as failed:
        run(code, **kwargs)
    return failed.value


@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("result = 1 + 1", 2),
        ("result = None", None),
        ("result = {'items': [1, 'ü']}", {"items": [1, "ü"]}),
        ("import sys\nresult = 3\nsys.exit(0)", 3),
        ("def f():\n  return g()\ndef g():\n  return 4\nresult = f()", 4),
        ("print('__HIGHWAY_RESULT__:' + '{\"a\": 1}')", {"a": 1}),
        ("print('__HIGHWAY_RESULT__:1')\nprint('__HIGHWAY_RESULT__:2')", 2),
        ("print('__HIGHWAY_RESULT__:1')\nresult = 2", 2),
        ("print('__HIGHWAY_RESULT__:null')", None),
    ],
)
def test_the_value_that_the_code_leaves_is_the_result(code: str, value: object) -> None:
    assert run(code) == value


def test_the_public_drivers_wrapper_gives_the_functions_value() -> None:
    assert run(
        """
        import json

        def get_items():
            return {"item_list": [1, 2, 3]}

        _result = get_items()
        # Output result in Highway-recognized format
        print("__HIGHWAY_RESULT__:" + json.dumps(_result))
    """,
        timeout=300,
    ) == {"item_list": [1, 2, 3]}


def test_inputs_are_variables() -> None:
    assert run("result = f'{a}::{b[0]}'", inputs={"a": "x", "b": [2]}) == "x::2"


def test_code_without_a_value_gives_what_it_printed() -> None:
    assert run("import sys; print('out'); print('err', file=sys.stderr)") == {
        "stdout": "out\n",
        "stderr": "err\n",
        "returncode": 0,
    }


def test_beside_a_value_what_was_printed_goes_to_the_log() -> None:
    ctx = context()
    assert run("import sys; print('out'); print('err', file=sys.stderr); result = 1", ctx=ctx) == 1
    assert [(line.level, line.message) for line in ctx.logs] == [("info", "out"), ("warning", "err")]


@pytest.mark.parametrize(
    ("code", "message", "kind", "retryable"),
    [
        ("x = 1\nraise ValueError('bad')", "ValueError: bad (line 2)", "ValueError", True),
        ("def f():\n  1 / 0\nf()", "ZeroDivisionError: division by zero (line 2)", "ZeroDivisionError", True),
        ("x =", "SyntaxError: invalid syntax (line 1)", "SyntaxError", False),
        ("import sys; sys.exit(3)", "the code ended with exit code 3", "ExitCode", True),
        ("import sys; sys.exit('no luck')", "the code ended with exit code 1: no luck", "ExitCode", True),
        ("import os; os._exit(4)", "the code ended with exit code 4", "ExitCode", True),
        ("result = {1, 2}", "the variable result is not JSON: Object of type set", "InvalidResult", False),
        ("result = float('nan')", "the variable result is not JSON: Out of range float", "InvalidResult", False),
        ("print('__HIGHWAY_RESULT__:{oops')", "the code's result is not JSON", "InvalidResult", False),
        ("print('__HIGHWAY_RESULT__:NaN')", "NaN is not JSON", "InvalidResult", False),
        ("result = 'x' * 3_500_000", "more than 3 MiB of output", "SandboxLimit", True),
        ("import httpx2", "ModuleNotFoundError: No module named 'httpx2' (line 1)", "ModuleNotFoundError", True),
        ("x = bytearray(10**10)", "MemoryError (line 1)", "MemoryError", True),
        ("while True: print('x' * 1000)", "more than 3 MiB of output", "SandboxLimit", True),
    ],
)
def test_what_goes_wrong_is_told_in_one_line(code: str, message: str, kind: str, retryable: bool) -> None:
    failed = failure(code)
    assert message in failed.message
    assert (failed.type, failed.retryable) == (kind, retryable)


def test_a_timeout_of_the_call_or_of_the_attempt_ends_it() -> None:
    with pytest.raises(ToolTimeout, match=r"longer than 0\.5 seconds"):
        run("import time; time.sleep(600)", timeout=0.5)
    with pytest.raises(ToolTimeout):
        run("import time; time.sleep(600)", ctx=context(timeout_seconds=0.5))


def test_a_cancel_ends_it() -> None:
    ctx = context()
    threading.Timer(0.3, ctx.cancelled.set).start()
    begun = time.monotonic()
    with pytest.raises(ToolCancelled):
        run("import time; time.sleep(600)", ctx=ctx)
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("name", ["a b", "class", "__builtins__", ""])
def test_inputs_need_names_of_variables(name: str) -> None:
    with pytest.raises(ToolInputError, match="cannot be the name of a variable"):
        run("result = 1", inputs={name: 1})
