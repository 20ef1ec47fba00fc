"""Text with ``{{ path }}`` or ``${path}`` in it, compiled once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from engine.language.expressions.errors import EvaluationError, ExpressionSyntaxError, UndefinedName
from engine.language.expressions.literals import parse_literal
from engine.language.expressions.names import Names
from engine.language.expressions.paths import PATH_PATTERN, Path, parse_path
from engine.model.json import Json

MAX_TEXT = 10_000_000
MAX_TEMPLATES = 1_000
_TO_JSON = json.JSONEncoder(ensure_ascii=False).encode
_OPENING = re.compile(r"\{\{|\$\{")
_DOLLAR = re.compile(r"\$\{\s*(" + PATH_PATTERN + r")\s*\}", re.ASCII)
_DEFAULT = re.compile(r"\s*\|\s*default\(\s*(.*?)\s*\)\s*", re.ASCII | re.DOTALL)
_LEADING_PATH = re.compile(r"\s*(" + PATH_PATTERN + r")", re.ASCII)


@dataclass(frozen=True, slots=True)
class Reference:
    """One template: a path, and what it is when the path leads nowhere."""

    path: Path
    has_default: bool = False
    default: Json = None

    @property
    def roots(self) -> frozenset[str]:
        return self.path.roots

    def evaluate(self, names: Names) -> Json:
        if not self.has_default:
            return self.path.evaluate(names)
        try:
            return self.path.evaluate(names)
        except UndefinedName:
            return self.default


Part: TypeAlias = str | Reference


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. ``roots`` are the names it needs, those with a default included."""

    parts: tuple[Part, ...]
    roots: frozenset[str]

    @property
    def is_constant(self) -> bool:
        return not self.roots

    @property
    def references(self) -> tuple[Reference, ...]:
        """Its templates, in order."""
        return tuple(part for part in self.parts if isinstance(part, Reference))

    @property
    def required_roots(self) -> frozenset[str]:
        """The roots without which the text cannot be resolved."""
        return required(self.references)

    def evaluate(self, names: Names) -> Json:
        """The native value when the text is one template, else the text with the values written into it."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Reference):
            return self.parts[0].evaluate(names)
        return self.text(names)

    def text(self, names: Names) -> str:
        """The text with the values written into it; EvaluationError when it gets longer than `MAX_TEXT` characters."""
        written: list[str] = []
        length = 0
        for part in self.parts:
            piece = part if isinstance(part, str) else as_text(part.evaluate(names))
            length += len(piece)
            if length > MAX_TEXT:
                raise EvaluationError(f"the text grows over {MAX_TEXT:,} characters")
            written.append(piece)
        return "".join(written)


def required(references: Iterable[Reference]) -> frozenset[str]:
    """The roots of those that have no default."""
    return frozenset(each.path.root for each in references if not each.has_default)


def as_text(value: Json) -> str:
    """How a value looks inside a text: text as it is, null as nothing, booleans in lower case, objects and arrays as JSON."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return _TO_JSON(value)


@lru_cache(maxsize=4096)
def parse_template(text: str) -> Template:
    """Compile a text. Braces that open a template and hold no path are an error; ``${...}`` that is no path is left to the shell.

    ``{{secrets.<id>}}`` stays as it is written: secrets are put in by the tool call and never stored.
    """
    if "{" not in text:
        return Template((text,), frozenset())
    if text.count("{{") + text.count("${") > MAX_TEMPLATES:
        raise ExpressionSyntaxError(f"a text holds at most {MAX_TEMPLATES:,} templates")
    parts: list[Part] = []
    start = 0
    while opening := _OPENING.search(text, start):
        end, reference = _read_reference(text, opening)
        if reference is None or reference.path.root == "secrets":
            _append_text(parts, text[start:end])
        else:
            _append_text(parts, text[start : opening.start()])
            parts.append(reference)
        start = end
    _append_text(parts, text[start:])
    roots = frozenset(part.path.root for part in parts if isinstance(part, Reference))
    return Template(tuple(parts) or ("",), roots)


def _append_text(parts: list[Part], text: str) -> None:
    if not text:
        return
    if parts and isinstance(parts[-1], str):
        parts[-1] += text
    else:
        parts.append(text)


def _read_reference(text: str, opening: re.Match[str]) -> tuple[int, Reference | None]:
    """Where the template that begins at ``opening`` ends, and what it is; None is a ``${`` of the shell's own."""
    if opening.group() == "${":
        match = _DOLLAR.match(text, opening.start())
        return (match.end(), Reference(parse_path(match.group(1), match.start(1)))) if match else (opening.end(), None)
    closing = text.find("}}", opening.end())
    if closing < 0:
        raise ExpressionSyntaxError("'{{' is never closed by '}}'", opening.start())
    return closing + 2, parse_reference(text[opening.end() : closing], opening.start())


def parse_reference(text: str, position: int = 0) -> Reference:
    """Compile what stands between the braces: a path, optionally with ``| default(literal)``."""
    leading = _LEADING_PATH.match(text)
    if leading is None:
        raise ExpressionSyntaxError(f"'{text.strip()[:80]}' is not a path such as name.field or name[0]", position)
    path = parse_path(leading.group(1), position)
    rest = text[leading.end() :]
    if not rest.strip():
        return Reference(path)
    default = _DEFAULT.fullmatch(rest)
    if default is None:
        raise ExpressionSyntaxError(f"after '{path.text}' only '| default(...)' may follow", position)
    return Reference(path, has_default=True, default=parse_literal(default.group(1), position))
