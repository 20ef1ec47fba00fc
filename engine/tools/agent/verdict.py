"""What a verifier's answer says: whether the candidate holds, and if not, what is wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.model.json import Json, JsonObject
from engine.tools.errors import ToolError

_PASSED = ("passed", "ok", "valid", "success", "verified", "approved")
_FEEDBACK = ("feedback", "reason", "message", "errors", "problems", "error", "stderr")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The end of one verification."""

    passed: bool
    feedback: str = ""


def verdict(answer: Json) -> Verdict:
    """Read a verifier's result: true or false; an object with ``passed`` (``ok``, ``valid``, ...) or a ``returncode``, and ``feedback``; a model's ``json``.

    Any other result of a program that ran to its end is a pass. Raises a `ToolError` for a model's answer that says neither.
    """
    if isinstance(answer, bool):
        return Verdict(answer, "" if answer else "it was refused without a reason")
    if not isinstance(answer, dict):
        return Verdict(True)
    of_model = "finish_reason" in answer and "text" in answer
    said = answer.get("json") if of_model else answer
    if isinstance(said, bool):
        return verdict(said)
    if isinstance(said, dict) and (found := _found(said)) is not None:
        return found
    if of_model:
        message = 'the verifying model gave no verdict: ask it for JSON with "passed" and "feedback", by json_schema'
        raise ToolError(message, type="NoVerdict", retryable=False)
    return Verdict(True)


def _found(said: JsonObject) -> Verdict | None:
    for name in _PASSED:
        if isinstance(said.get(name), bool):
            return Verdict(bool(said[name]), _feedback(said))
    if isinstance(said.get("returncode"), int):
        return Verdict(said["returncode"] == 0, _feedback(said))
    return None


def _feedback(said: JsonObject) -> str:
    for name in _FEEDBACK:
        if said.get(name):
            value = said[name]
            return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return ""
