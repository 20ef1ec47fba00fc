"""Cuts a condition into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.language.expressions.errors import ExpressionSyntaxError
from engine.language.expressions.literals import NUMBER_PATTERN, TEXT_PATTERN
from engine.language.expressions.paths import PATH_PATTERN

MAX_LENGTH = 10_000
MAX_TOKENS = 1_000
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    rf"|(?P<number>{NUMBER_PATTERN})"
    rf"|(?P<text>{TEXT_PATTERN})"
    r"|(?P<template>\{\{.*?\}\}|\$\{[^}]*\})"
    rf"|(?P<path>{PATH_PATTERN})"
    r"|(?P<sign>==|!=|<=|>=|<|>|\(|\)|\[|\]|,)",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a condition. ``kind`` is number, text, template, path, sign or end."""

    kind: str
    text: str
    position: int


def tokenize(source: str) -> list[Token]:
    """All tokens and one of kind ``end``; whatever is none of ours is refused with its place."""
    if len(source) > MAX_LENGTH:
        raise ExpressionSyntaxError(f"an expression has at most {MAX_LENGTH:,} characters")
    tokens: list[Token] = []
    position = 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ExpressionSyntaxError(_unexpected(source, position), position)
        if len(tokens) > MAX_TOKENS:
            raise ExpressionSyntaxError(f"an expression has at most {MAX_TOKENS:,} parts", position)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    tokens.append(Token("end", "", position))
    return tokens


def _unexpected(source: str, position: int) -> str:
    if source[position] == "=":
        return f"'=' at {position + 1}: write '==' to compare"
    return f"unexpected '{source[position]}' at {position + 1}"
