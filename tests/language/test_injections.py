"""Over a thousand injections, as templates and as conditions: refused with a sentence or inert, at once, and without any effect."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import pytest

from engine.language.expressions import (
    EvaluationError,
    ExpressionError,
    MapNames,
    UndefinedName,
    compile_value,
    parse_condition,
    parse_template,
)
from engine.model.json import Json
from tests.language.payloads import payloads

PAYLOADS = payloads()
KINDS = sorted({name.partition("-")[0] for name in PAYLOADS})
VALUES: dict[str, Json] = {"x": "TEXT", "y": 3, "o": {"a": 1}, "l": [7], "nothing_of_this_name": None}
SECONDS = 0.01
TOO_SLOW = "it took too long"


class Effects:
    """What the interpreter says of files, processes, sockets, imports and code while it is watched."""

    NAMES = ("open", "os.", "subprocess.", "socket.", "import", "exec", "compile", "ctypes.", "shutil.")

    def __init__(self) -> None:
        self.watched = False
        self.seen: list[str] = []
        sys.addaudithook(self._hear)  # it cannot be taken away again; it is deaf unless watched

    def _hear(self, event: str, _details: tuple[Any, ...]) -> None:
        if self.watched and event.startswith(self.NAMES):
            self.seen.append(event)

    def watch(self, evaluate: Callable[[], Json]) -> Json:
        """The value; what is done for it on the way is seen."""
        self.watched = True
        try:
            return evaluate()
        finally:
            self.watched = False


EFFECTS = Effects()


@pytest.fixture
def no_effects() -> Iterator[None]:
    """Fails the test whose expressions open, start, load or change anything."""
    before = copy.deepcopy(VALUES)
    EFFECTS.seen.clear()
    yield
    assert EFFECTS.seen == []
    assert before == VALUES


def outcome(evaluate: Callable[[], Json]) -> tuple[bool, Json]:
    """(refused, the value or what was said). `TOO_SLOW` when it takes over `SECONDS` of the processor: the median of three, and that three times."""
    for _ in range(3):
        measured = [_timed(evaluate) for _ in range(3)]
        if median(took for took, _, _ in measured) < SECONDS:
            return measured[-1][1:]
    return False, TOO_SLOW


def _timed(evaluate: Callable[[], Json]) -> tuple[float, bool, Json]:
    parse_template.cache_clear()
    parse_condition.cache_clear()
    started = time.thread_time()
    try:
        refused, value = False, EFFECTS.watch(evaluate)
    except ExpressionError as error:
        refused, value = True, str(error)
    return time.thread_time() - started, refused, value


def pieces(value: Json) -> list[str]:
    """What a text holds beside the values that a template may write."""
    text = value if isinstance(value, str) else json.dumps(value)
    for known in ("TEXT", '{"a": 1}', "[7]"):
        text = text.replace(known, "\0")
    return [piece for piece in text.split("\0") if piece]


def of_kind(kind: str) -> list[tuple[str, str]]:
    return [(name, payload) for name, payload in PAYLOADS.items() if name.startswith(f"{kind}-")]


def is_literal(value: Json, payload: str) -> bool:
    """Whether a value is one that the payload itself writes: a text in quotes, a number, an empty array or object."""
    if isinstance(value, int | float):
        return any(digit in payload for digit in "0123456789")
    return value in ([], {}) or (isinstance(value, str) and value.replace("\\", "") in payload.replace("\\", ""))


def test_there_are_enough_of_them_and_each_is_another() -> None:
    assert len(PAYLOADS) >= 1_000
    assert len(set(PAYLOADS.values())) == len(PAYLOADS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("no_effects")
def test_templates_refuse_them_or_leave_them_as_they_are(kind: str) -> None:
    for name, payload in of_kind(kind):
        refused, value = outcome(lambda text=payload: compile_value([text]).render(MapNames(VALUES)))  # type: ignore[misc]
        assert value != TOO_SLOW, f"{name}: {payload[:80]!r}"
        if refused:
            assert value, name
            continue
        assert isinstance(value, list)
        (found,) = value
        if isinstance(found, str):
            assert all(piece in payload for piece in pieces(found)), f"{name} was evaluated: {payload!r} is {found!r}"
        else:
            assert found in [*VALUES.values(), 1, 7, None] or is_literal(found, payload), (
                f"{name}: {payload!r} is {found!r}"
            )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("no_effects")
def test_conditions_refuse_them_or_compare_plain_values(kind: str) -> None:
    for name, payload in of_kind(kind):
        refused, value = outcome(lambda text=payload: parse_condition(text).evaluate(MapNames(VALUES)))  # type: ignore[misc]
        assert value != TOO_SLOW, f"{name}: {payload[:80]!r}"
        if refused:
            assert value, name
            continue
        assert type(value) in {bool, int, float, str, list, dict, type(None)}, f"{name}: {payload!r} is {value!r}"
        plain = isinstance(value, bool | list) or value in VALUES.values() or is_literal(value, payload)
        assert plain, f"{name} was evaluated: {payload!r} is {value!r}"


@pytest.mark.parametrize("template", ["{{ adress.street }}", "${adress.street}", "to {{ adress.street }}!"])
def test_a_name_that_nobody_knows_comes_with_the_near_ones(template: str) -> None:
    names = MapNames({"address": {"street": "Main", "stress": 1}, "dress": 1, "unlike": 2})
    with pytest.raises(UndefinedName, match="'adress' is not defined; did you mean 'address' or 'dress'"):
        parse_template(template).evaluate(names)
    with pytest.raises(UndefinedName, match=r"'address\.stret' is not defined; did you mean 'street' or 'stress'"):
        parse_template("{{ address.stret }}").evaluate(names)
    with pytest.raises(UndefinedName, match="did you mean 'address'"):
        parse_condition("len(adress) == 1").evaluate(names)


def test_a_name_like_no_other_comes_without_suggestions() -> None:
    with pytest.raises(UndefinedName, match=r"'zzz' is not defined$"):
        parse_template("{{ zzz }}").evaluate(MapNames({"address": 1}))


def test_near_names_are_found_at_once_among_very_many() -> None:
    names = MapNames(dict.fromkeys((f"name_{number}" for number in range(100_000)), 1))
    refused, value = outcome_of(lambda: parse_template("{{ name_x }}").evaluate(names), seconds=0.1)
    assert refused
    assert "did you mean" in str(value)


def outcome_of(evaluate: Callable[[], Json], *, seconds: float) -> tuple[bool, Json]:
    started = time.thread_time()
    try:
        found: tuple[bool, Json] = (False, evaluate())
    except ExpressionError as error:
        found = (True, str(error))
    assert time.thread_time() - started < seconds
    return found


@pytest.mark.parametrize(
    "condition", ["'a' < 1", "1 in 2", "len(1) == 1", "range(10000000000)", "null < null", "o > o"]
)
def test_values_that_do_not_fit_are_an_error_and_not_an_answer(condition: str) -> None:
    with pytest.raises(EvaluationError):
        parse_condition(condition).evaluate(MapNames(VALUES))
