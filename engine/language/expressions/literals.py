"""Literals of expressions: text in either quotes, numbers, true, false, null."""

from __future__ import annotations

import json
import re

from engine.language.expressions.errors import ExpressionSyntaxError
from engine.model.json import Json

TEXT_PATTERN = r""""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'"""
NUMBER_PATTERN = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
WORDS: dict[str, Json] = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_TEXT = re.compile(TEXT_PATTERN, re.DOTALL)
_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r"}
MAX_NUMBER_LENGTH = 40


def parse_literal(text: str, position: int = 0) -> Json:
    """The value of a literal; empty arrays and objects are literals too, so that they can be defaults."""
    if text in WORDS:
        return WORDS[text]
    if _TEXT.fullmatch(text):
        return unquote(text)
    if _NUMBER.fullmatch(text):
        return parse_number(text, position)
    if text in {"[]", "{}"}:
        return [] if text == "[]" else {}
    raise ExpressionSyntaxError(
        f"'{text[:80]}' is not a literal: write text in quotes, a number, true, false or null", position
    )


def parse_number(text: str, position: int = 0) -> int | float:
    """An integer or a finite decimal."""
    if len(text) > MAX_NUMBER_LENGTH:
        raise ExpressionSyntaxError(f"numbers have at most {MAX_NUMBER_LENGTH} characters", position)
    value = json.loads(text) if _is_json_number(text) else float(text)
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        raise ExpressionSyntaxError("the number is too large", position)
    return int(value) if isinstance(value, int) else float(value)


def _is_json_number(text: str) -> bool:
    digits = text.lstrip("-")
    return digits == "0" or not digits.startswith("0") or digits.startswith("0.")


def unquote(text: str) -> str:
    """The content of quoted text; a backslash makes the next character plain, or a line feed, tab, return."""
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match.group(1), match.group(1)), text[1:-1])
