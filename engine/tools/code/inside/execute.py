"""Runs in the sandbox: executes the code of a step with its inputs as variables and reports the variable ``result``, or the exception.

The report is the last thing on stdout: a record separator and one JSON object, ``{"value": ...}``, ``{}``, or ``{"error": {...}}``.
"""

from __future__ import annotations

import json
import linecache
import sys
import traceback
from typing import Any

CODE_FILE = "<code>"
REPORT_MARK = "\x1e"


def main() -> None:
    """Execute and report. A program that ends by `sys.exit` with a code other than 0 ends so, and reports nothing."""
    with open("/job/code", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        source = file.read()
    with open("/job/inputs", encoding="utf-8") as file:  # noqa: PTH123
        names: dict[str, Any] = {**json.load(file), "__name__": "__main__", "__builtins__": __builtins__}
    linecache.cache[CODE_FILE] = (len(source), None, source.splitlines(keepends=True), CODE_FILE)
    try:
        _execute(source, names)
        text = _report(names)
    except (SystemExit, KeyboardInterrupt):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever the code raises is its author's to read
        text = json.dumps({"error": _told(error)})
    sys.stdout.flush()
    sys.stdout.write(REPORT_MARK + text)


def _execute(source: str, names: dict[str, Any]) -> None:
    try:
        exec(compile(source, CODE_FILE, "exec", dont_inherit=True), names)  # noqa: S102 - this is what the sandbox is for
    except SystemExit as end:
        if end.code not in (None, 0):
            raise


def _report(names: dict[str, Any]) -> str:
    if "result" not in names:
        return "{}"
    try:
        return json.dumps({"value": names["result"]}, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the variable result is not JSON: {error}"
        return json.dumps({"error": {"type": "InvalidResult", "message": message, "line": None}})


def _told(error: BaseException) -> dict[str, object]:
    """The last line of the traceback and the line of the code; the rest of it, without our own frames, goes to stderr."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CODE_FILE]
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    text = traceback.format_exception_only(error)
    if frames:
        sys.stderr.write("Traceback (most recent call last):\n" + "".join(traceback.format_list(frames)))
    sys.stderr.write("".join(text))
    return {"type": type(error).__name__, "message": text[-1].strip(), "line": line}


if __name__ == "__main__":
    main()
