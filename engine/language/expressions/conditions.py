"""Parses conditions and the expressions of ``items``: recursive descent with a bounded depth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from engine.language.expressions.errors import ExpressionSyntaxError
from engine.language.expressions.literals import WORDS, parse_number, unquote
from engine.language.expressions.names import Names
from engine.language.expressions.nodes import (
    COMPARISONS,
    AllOf,
    AnyOf,
    Comparison,
    Length,
    ListOf,
    Literal,
    Node,
    Not,
    Range,
    all_roots,
    is_true,
    references_in,
)
from engine.language.expressions.paths import parse_path
from engine.language.expressions.templates import Reference, Template, parse_template, required
from engine.language.expressions.tokens import Token, tokenize
from engine.model.json import Json

MAX_DEPTH = 50
_RESERVED = {"and", "or", "not", "in", "contains"}


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression over names."""

    node: Node

    @property
    def roots(self) -> frozenset[str]:
        return self.node.roots

    @property
    def required_roots(self) -> frozenset[str]:
        """The roots without which the condition cannot be evaluated."""
        return required(self.references)

    @property
    def references(self) -> tuple[Reference, ...]:
        """The paths that it looks up."""
        return tuple(references_in(self.node))

    def evaluate(self, names: Names) -> Json:
        """The native value of the expression."""
        return self.node.evaluate(names)

    def holds(self, names: Names) -> bool:
        """Whether the condition is true; see `is_true` for values that are not booleans."""
        return is_true(self.node.evaluate(names))


@lru_cache(maxsize=4096)
def parse_condition(source: str) -> Condition:
    """Compile a condition; ExpressionSyntaxError says what is wrong where."""
    return Condition(_Parser(tokenize(source)).parse())


def parse_expression(source: str) -> Condition:
    """Compile what may stand in ``items`` or ``switch_on``: the same grammar, used for its value."""
    return parse_condition(source)


class _Parser:
    """One use: `parse` consumes the tokens."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        node = self._either()
        if self._next.kind != "end":
            raise ExpressionSyntaxError(
                f"unexpected '{self._next.text}' at {self._next.position + 1}", self._next.position
            )
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _accept(self, *texts: str) -> bool:
        if self._next.kind in {"sign", "path"} and self._next.text in texts:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            found = self._next.text or "the end"
            raise ExpressionSyntaxError(f"expected '{text}' before {found!r}", self._next.position)

    def _either(self) -> Node:
        items = [self._both()]
        while self._accept("or"):
            items.append(self._both())
        return items[0] if len(items) == 1 else AnyOf(tuple(items), all_roots(items))

    def _both(self) -> Node:
        items = [self._negation()]
        while self._accept("and"):
            items.append(self._negation())
        return items[0] if len(items) == 1 else AllOf(tuple(items), all_roots(items))

    def _negation(self) -> Node:
        if not self._accept("not"):
            return self._comparison()
        self._deeper()
        node = Not(self._negation())
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        left = self._operand()
        sign = self._sign()
        if sign is None:
            return left
        right = self._operand()
        return Comparison(sign, left, right, all_roots((left, right)))

    def _sign(self) -> str | None:
        token = self._next
        if token.kind == "path" and token.text == "not":
            self._take()
            self._expect("in")
            return "not in"
        if token.kind in {"sign", "path"} and token.text in COMPARISONS:
            return self._take().text
        return None

    def _operand(self) -> Node:
        token = self._take()
        if token.kind == "number":
            return Literal(parse_number(token.text, token.position))
        if token.kind == "text":
            return _text_operand(token)
        if token.kind == "template":
            return _template_operand(token)
        if token.kind == "path":
            return self._name_operand(token)
        if token.kind == "sign" and token.text == "(":
            return self._in_parentheses()
        if token.kind == "sign" and token.text == "[":
            return self._list()
        raise ExpressionSyntaxError(f"expected a value before '{token.text or 'the end'}'", token.position)

    def _name_operand(self, token: Token) -> Node:
        if token.text in WORDS:
            return Literal(WORDS[token.text])
        if token.text in _RESERVED:
            raise ExpressionSyntaxError(f"expected a value before '{token.text}'", token.position)
        if self._next.kind == "sign" and self._next.text == "(":
            return self._function(token)
        path = parse_path(token.text, token.position)
        if path.root == "secrets":
            raise ExpressionSyntaxError("secrets can only be given to tools", token.position)
        return path

    def _function(self, token: Token) -> Node:
        if token.text not in {"range", "len"}:
            raise ExpressionSyntaxError(
                f"'{token.text}' cannot be called: only range(n) and len(x) exist", token.position
            )
        self._expect("(")
        inner = self._in_parentheses()
        return Range(inner) if token.text == "range" else Length(inner)

    def _in_parentheses(self) -> Node:
        self._deeper()
        node = self._either()
        self._expect(")")
        self._depth -= 1
        return node

    def _list(self) -> Node:
        self._deeper()
        items: list[Node] = []
        while not self._accept("]"):
            if items:
                self._expect(",")
            items.append(self._either())
        self._depth -= 1
        return ListOf(tuple(items), all_roots(items))

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ExpressionSyntaxError(f"expressions are nested at most {MAX_DEPTH} deep", self._next.position)


def _text_operand(token: Token) -> Node:
    text = unquote(token.text)
    template = parse_template(text)
    return Literal(text) if template.is_constant else _AsText(template)


def _template_operand(token: Token) -> Node:
    template = parse_template(token.text)
    if template.is_constant:
        raise ExpressionSyntaxError(f"'{token.text[:80]}' cannot stand in a condition", token.position)
    return template


@dataclass(frozen=True, slots=True)
class _AsText:
    """Quoted text with templates in it: always text, also when it is one template."""

    template: Template

    @property
    def roots(self) -> frozenset[str]:
        return self.template.roots

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.template.references

    def evaluate(self, names: Names) -> Json:
        return self.template.text(names)
