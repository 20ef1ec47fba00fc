"""Runs in the sandbox: executes a workflow's Python source and reports the definition it makes, or what is wrong and where.

The report is the last thing on stdout: a record separator and one JSON object. A source that forges it has only written its own report.
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from typing import Any

SOURCE_FILE = "workflow.py"
SOURCE_PATH = "/job/source"
REPORT_MARK = "\x1e"
MAX_PRINTED = 8 * 1024 * 1024


class NoWorkflow(Exception):  # noqa: N818 - a finding, not a fault
    """The source ran and left nothing that is a workflow."""


class _Printed(io.StringIO):
    """What the source prints, up to a bound."""

    def write(self, text: str) -> int:
        if self.tell() + len(text) > MAX_PRINTED:
            raise NoWorkflow(f"the program prints more than {MAX_PRINTED:,} characters")
        return super().write(text)


def main() -> None:
    """Run the source and report."""
    real_stdout, printed = sys.stdout, _Printed()
    sys.stdout = printed
    try:
        report = {"definition": _definition(printed)}
    except BaseException as error:  # noqa: BLE001 - whatever the source raises is its author's to read
        report = {"problems": _problems(error)}
    finally:
        sys.stdout = real_stdout
    sys.stdout.write(REPORT_MARK + json.dumps(report))


def _definition(printed: io.StringIO) -> object:
    with open(SOURCE_PATH, encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        code = compile(file.read(), SOURCE_FILE, "exec", dont_inherit=True)
    names: dict[str, Any] = {"__name__": "__main__", "__file__": SOURCE_FILE, "__builtins__": __builtins__}
    try:
        exec(code, names)  # noqa: S102 - this is what the sandbox is for
    except SystemExit as end:
        if end.code not in (None, 0):
            raise
    if "workflow" in names:
        return _as_json(names["workflow"], "workflow")
    if callable(names.get("get_workflow")):
        return _as_json(names["get_workflow"](), "get_workflow()")
    return _printed_json(printed.getvalue())


def _as_json(found: Any, name: str) -> object:
    if hasattr(found, "build"):
        found = found.build()
    if not hasattr(found, "to_json"):
        raise NoWorkflow(f"{name} is {type(found).__name__}, neither a Workflow nor a WorkflowBuilder")
    return json.loads(found.to_json())


def _printed_json(text: str) -> object:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise NoWorkflow(
            "no workflow found: assign a Workflow or WorkflowBuilder to `workflow`, define `get_workflow()`, or print the JSON"
        )
    return found


def _problems(error: BaseException) -> list[dict[str, object]]:
    if isinstance(error, SyntaxError) and error.filename == SOURCE_FILE:
        return [{"line": error.lineno or 1, "column": error.offset or 1, "message": f"syntax error: {error.msg}"}]
    line, column = _place(error)
    return [{"line": line, "column": column, "message": message} for message in _messages(error)]


def _place(error: BaseException) -> tuple[int, int]:
    """The deepest frame of the source in the traceback, counted from 1; the first character when there is none."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == SOURCE_FILE]
    if not frames:
        return 1, 1
    return frames[-1].lineno or 1, (frames[-1].colno or 0) + 1


def _messages(error: BaseException) -> list[str]:
    if isinstance(error, NoWorkflow):
        return [str(error)]
    if isinstance(error, SystemExit):
        return [f"the program ended with exit code {error.code}"]
    details = getattr(error, "errors", None)
    if callable(details):  # pydantic, which reports every field at once
        return [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in details()]
    return ["".join(traceback.format_exception_only(error)).strip()]


if __name__ == "__main__":
    main()
