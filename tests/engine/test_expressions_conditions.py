"""Conditions: comparisons of JSON values, and nothing that is true by accident."""

from __future__ import annotations

from typing import Any

import pytest

from engine.language.expressions import EvaluationError, ExpressionSyntaxError, MapNames, UndefinedName, parse_condition

NAMES = MapNames(
    {
        "n": 3,
        "s": "ok",
        "f": 2.5,
        "empty": "",
        "none": None,
        "no": False,
        "list": [1, "two", None],
        "object": {"key": "value"},
        "said": {"stdout": "ok"},
        "origin": "x",
    }
)


def evaluate(condition: str) -> Any:
    return parse_condition(condition).evaluate(NAMES)


@pytest.mark.parametrize(
    "condition",
    [
        "n == 3",
        "n == 3.0",
        "{{n}} == 3",
        "${n} == 3",
        "n != 4",
        "n < 4 and n > 2",
        "n <= 3 and n >= 3",
        "f > 2",
        "s == 'ok'",
        's == "ok"',
        "'{{s}}' == 'ok'",
        "'{{s}}-{{n}}' == 'ok-3'",
        "{{said.stdout}} == 'ok'",
        "s > 'oj'",
        "not (n == 4)",
        "not n == 4",
        "not not n",
        "n == 4 or s == 'ok'",
        "n == 4 or n == 5 or n == 3",
        "1 in list",
        "'two' in list",
        "null in list",
        "3 not in list",
        "list contains 'two'",
        "s contains 'k'",
        "'k' in s",
        "object contains 'key'",
        "n in [1, 2, 3]",
        "len(list) == 3",
        "len({{s}}) == 2",
        "len(object) == 1",
        "range(3) == [0, 1, 2]",
        "2 in range(n)",
        "none == null",
        "no == false",
        "True and not False",
        "-1 < 0",
        "{{ missing | default(0) }} == 0",
        "origin == 'x'",
    ],
)
def test_these_hold(condition: str) -> None:
    assert parse_condition(condition).holds(NAMES)


@pytest.mark.parametrize(
    "condition",
    [
        "n == '3'",
        "no == 0",
        "1 == true",
        "true in list",
        "s == 'OK'",
        "none",
        "no",
        "empty",
        "'false'",
        "0",
        "[]",
        "n == 3 and s == 'no'",
        "not n",
        "none == 0",
    ],
)
def test_these_do_not(condition: str) -> None:
    assert not parse_condition(condition).holds(NAMES)


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ("", "value"),
        ("n =", "=="),
        ("n = 3", "=="),
        ("n ==", "value"),
        ("== 3", "value"),
        ("n == 3 n", "unexpected"),
        ("(n == 3", "expected"),
        ("n == 3)", "unexpected"),
        ("n < 3 < 4", "unexpected"),
        ("n && s", "unexpected"),
        ("n + 1 == 4", "unexpected"),
        ("n not 3", "expected"),
        ("open('x')", "called"),
        ("s.upper()", "called"),
        ("len(s", "expected"),
        ("lambda: 1", "unexpected"),
        ("{{secrets.a}} == 'x'", "condition"),
        ("secrets.a == 'x'", "secrets"),
        ("[1, 2", "expected"),
        ("n is 3", "unexpected"),
        ("'open", "unexpected"),
        ("and", "value"),
    ],
)
def test_anything_else_is_refused_with_the_reason(condition: str, word: str) -> None:
    with pytest.raises(ExpressionSyntaxError, match=word):
        parse_condition(condition)


@pytest.mark.parametrize(
    "condition", ["n < 'x'", "none > 1", "list < list", "1 in n", "n contains 1", "no < 1", "len(n) == 1"]
)
def test_values_that_do_not_fit_are_an_error_and_never_false(condition: str) -> None:
    with pytest.raises(EvaluationError):
        evaluate(condition)


@pytest.mark.parametrize("condition", ["range(s)", "range(-1)", "range(true)", "range(100001)", "range(2.5)"])
def test_range_takes_small_whole_numbers_only(condition: str) -> None:
    with pytest.raises(EvaluationError, match="range"):
        evaluate(condition)


def test_an_unknown_name_is_an_error_and_never_false() -> None:
    with pytest.raises(UndefinedName, match="'orign' is not defined; did you mean 'origin'"):
        evaluate("orign == 'x'")


def test_and_or_do_not_look_at_what_cannot_matter() -> None:
    assert parse_condition("n == 3 or missing == 1").holds(NAMES)
    assert not parse_condition("n == 4 and missing == 1").holds(NAMES)


def test_a_condition_knows_the_names_it_needs() -> None:
    condition = parse_condition("a.b == {{c}} or len(d) > range(e) or '{{f}}' in [g] or {{ h | default(1) }} == 1")
    assert condition.roots == {"a", "c", "d", "e", "f", "g", "h"}
    assert condition.required_roots == {"a", "c", "d", "e", "f", "g"}


def test_nesting_has_a_limit() -> None:
    parse_condition("(" * 49 + "n" + ")" * 49)
    for source in ("(" * 51 + "n" + ")" * 51, "not " * 60 + "n", "[" * 60 + "]" * 60):
        with pytest.raises(ExpressionSyntaxError, match="nested"):
            parse_condition(source)
