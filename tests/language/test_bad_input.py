"""Hostile definitions: refused with a reason, in under 100 ms of the processor and 50 MB of memory."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from engine.language import DefinitionError, check, read_definition, read_json, read_yaml
from engine.language.problems import Problem
from tests.language import hostile
from tests.language.hostile import task, workflow
from tests.support.pace import slowness

SECONDS = 0.1
BYTES = 50_000_000


def refusal(read: Callable[[], list[Problem]]) -> list[Problem]:
    """What was said; the processor's time is the best of five, as other tests run beside it, and means the work of a usual machine."""
    for attempt in range(5):
        started = time.thread_time()
        found = read()
        took = time.thread_time() - started
        if took < SECONDS:
            break
        slower = slowness()
        if took < SECONDS * slower:
            break
        assert attempt < 4, f"it took {took:.3f} s on a machine {slower:.1f} times slower than usual"
    tracemalloc.start()
    try:
        assert read() == found
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    return found


def problems_of(text: str, read: Callable[[str], Any]) -> list[Problem]:
    """As the platform goes about a text: read it, then look at what it is."""
    try:
        return errors(read(text))
    except DefinitionError as error:
        return error.problems


def errors(value: Any) -> list[Problem]:
    return [problem for problem in check(value, {"tools.x"}, []) if problem.severity == "error"]


def assert_reasons(found: list[Problem]) -> None:
    assert found
    assert all(problem.path.startswith("$") and 0 < len(problem.message) < 1_000 for problem in found)


@pytest.mark.parametrize("name", hostile.JSON_TEXTS)
def test_hostile_json_is_refused_at_once(name: str) -> None:
    text = hostile.JSON_TEXTS[name]()
    assert_reasons(refusal(lambda: problems_of(text, read_json)))


@pytest.mark.parametrize("name", hostile.YAML_TEXTS)
def test_hostile_yaml_is_refused_at_once(name: str) -> None:
    text = hostile.YAML_TEXTS[name]()
    assert_reasons(refusal(lambda: problems_of(text, read_yaml)))


@pytest.mark.parametrize("name", hostile.VALUES)
def test_hostile_values_are_refused_at_once(name: str) -> None:
    value = hostile.VALUES[name]()
    assert_reasons(refusal(lambda: errors(value)))


def named(name: str) -> dict[str, Any]:
    """A workflow for each thing that has a name others address it by."""
    body = {"tasks": {"x": task()}}
    return {
        "task": workflow({name: task()}),
        "dependency": workflow({"a": task(dependencies=[name])}),
        "result": workflow({"a": task(result_key=name)}),
        "branch": workflow({"a": {"operator_type": "parallel", "branch_workflows": {name: body}}}),
        "child": workflow({"a": {"operator_type": "child_workflow", "children": {name: {"workflow_name": "c"}}}}),
        "event": workflow({"a": {"operator_type": "emit_event", "event_name": name}}),
        "workflow": workflow({"a": task()}, name=name),
    }


@pytest.mark.parametrize("name", hostile.NAMES)
def test_a_name_that_looks_like_another_is_refused(name: str) -> None:
    for what, value in named(hostile.NAMES[name]).items():
        if what == "event" and hostile.NAMES[name] in EVENTS_OF_THEIR_OWN:
            continue
        with pytest.raises(DefinitionError) as caught:
            read_definition(value)
        assert_reasons(caught.value.problems)
        assert all(problem.message.isprintable() for problem in caught.value.problems), what


# Events are named in any language; what is refused is a second way to write the same, and what cannot be seen.
EVENTS_OF_THEIR_OWN = {"p\u0430y", "\u00e9", "pay\ufe0f", "pay\u0661"}


def test_plain_names_are_taken() -> None:
    for name in ("pay", "Pay-2", "_p"):
        for value in named(name).values():
            if not (name == "_p" and value["name"] == name):
                read_definition(value)
    read_definition(named("Zahlung geprüft")["event"])
