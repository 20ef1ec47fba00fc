"""Runs in the sandbox, in front of `durable`: finds the function that is called, and tells what it raised."""

from __future__ import annotations

import importlib
import json
import linecache
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

from engine.tools.code.inside.blocks import Compensated, StepFailed, VariableConflict

CODE_FILE = "<code>"
ARCHIVE = "/job/archive"


class NoFunction(Exception):  # noqa: N818 - the word that authors read
    """The code has no function of that name."""


def called_function(told: dict[str, Any]) -> Callable[..., Any]:
    """The function of the code, or of the module in the archive. Raises what the code raises, and `NoFunction`."""
    shown = {"StepFailed": StepFailed, "Compensated": Compensated, "VariableConflict": VariableConflict}
    return _of_archive(told["function"], shown) if told["is_archived"] else _of_source(told, shown)


def _of_source(told: dict[str, Any], shown: dict[str, Any]) -> Callable[..., Any]:
    source, function = told["code"], told["function"]
    names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__, **shown}
    linecache.cache[CODE_FILE] = (len(source), None, source.splitlines(keepends=True), CODE_FILE)
    exec(compile(source, CODE_FILE, "exec", dont_inherit=True), names)  # noqa: S102 - this is what the sandbox is for
    if not callable(names.get(function)):
        raise NoFunction(f"the code defines no function {function!r}")
    found: Callable[..., Any] = names[function]
    return found


def _of_archive(path: str, shown: dict[str, Any]) -> Callable[..., Any]:
    """``package.module.function``. What the context raises is importable from `highway_durable`."""
    module_name, _, function = path.rpartition(".")
    durable = types.ModuleType("highway_durable", "What a durable context raises.")
    vars(durable).update(shown)
    sys.modules["highway_durable"] = durable
    sys.path.insert(0, ARCHIVE)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and f"{module_name}.".startswith(f"{error.name}."):
            raise NoFunction(f"the code has no module {error.name!r}") from None
        raise
    if not callable(getattr(module, function, None)):
        raise NoFunction(f"the module {module_name} has no function {function!r}")
    found: Callable[..., Any] = getattr(module, function)
    return found


def stopped(end: SystemExit) -> dict[str, Any]:
    """What it means that the code ended the program: a divergence that the context has found, or its own `sys.exit`."""
    try:
        diverged: dict[str, Any] = json.loads(str(end.code))
        return {**diverged, "line": None}
    except ValueError:
        return {"type": "SystemExit", "message": f"the code ended by sys.exit({end.code!r})", "line": None}


def raised(error: BaseException) -> dict[str, Any]:
    """The last line of the traceback and the line of the code; the rest of it, without our own frames, goes to stderr."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _is_theirs(frame.filename)]
    text = str(error) if isinstance(error, NoFunction) else traceback.format_exception_only(error)[-1].strip()
    if frames:
        sys.stderr.write("Traceback (most recent call last):\n" + "".join(traceback.format_list(frames)) + text + "\n")
    line = frames[-1].lineno if frames else getattr(error, "lineno", None)
    return {"type": type(error).__name__, "message": text, "line": line}


def _is_theirs(file: str) -> bool:
    return file == CODE_FILE or file.startswith(ARCHIVE)
