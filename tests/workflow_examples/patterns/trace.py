"""Compares what a run did with the trace that its pattern expects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

Steps = Sequence[dict[str, Any]]
FAILED = {"failed", "timedout"}


def differences(expected: dict[str, Any], run: dict[str, Any], steps: Steps) -> list[str]:
    """What is not as expected. ``steps`` stand in the order in which they ended."""
    ends = expected.get("ends", "completed")
    found = [] if run["status"] == ends else [f"the run is {run['status']}, not {ends}: {run['error_details']}"]
    found += _steps(expected, steps)
    found += [
        f"'{before}' did not come before '{after}'"
        for chain in expected.get("order", ())
        for before, after in pairwise(chain)
        if max(_places(steps, before), default=-1) >= min(_places(steps, after), default=-1)
    ]
    found += _overlaps(expected.get("apart", ()), steps)
    for path, value in expected.get("result", {}).items():
        given = _at(run["result"], path)
        if given != value:
            found.append(f"{path} is {given!r}, not {value!r}")
    return found


def named(steps: Steps, name: str, *statuses: str) -> Steps:
    """The executions of a step, in whatever round and branch, in one of these states."""
    return [step for step in steps if name in (step["task_id"], step["step_name"]) and step["status"] in statuses]


def _steps(expected: dict[str, Any], steps: Steps) -> Iterator[str]:
    for name, times in Counter(expected.get("done", ())).items():
        succeeded = len(named(steps, name, "succeeded"))
        if succeeded != times:
            yield f"'{name}' succeeded {succeeded} times, not {times}"
    yield from (f"'{name}' was to be left out" for name in expected.get("never", ()) if named(steps, name, "succeeded"))
    for name in expected.get("skipped", ()):
        if not named(steps, name, "skipped"):
            yield f"'{name}' was not skipped"
    own = [step for step in steps if "." not in step["task_id"]]  # others are what durable code did inside of its step
    failed = {step["task_id"] for step in own if step["status"] in FAILED} - set(expected.get("failed", ()))
    yield from (f"'{name}' failed" for name in sorted(failed))


def with_number(text: str) -> tuple[str, int]:
    """("pack", 2) of "pack 2"; 0 where no number is given."""
    name, _, number = text.rpartition(" ")
    return (name, int(number)) if name and number.isdigit() else (text, 0)


def _places(steps: Steps, text: str) -> list[int]:
    """Where a step succeeded, each time or the time that is named."""
    name, number = with_number(text)
    succeeded = named(steps, name, "succeeded")
    places = [place for place, step in enumerate(steps) if step in succeeded]
    return places[number - 1 : number] if number else places


def _overlaps(pairs: Sequence[Sequence[str]], steps: Steps) -> Iterator[str]:
    spans = []
    for first, last in pairs:
        begins, ends = _places(steps, first), _places(steps, last)
        if len(begins) != 1 or len(ends) != 1:
            yield f"'{first}' and '{last}' did not both happen once"
            return
        spans.append((begins[0], ends[0], first))
    for before, after in pairwise(sorted(spans)):
        if before[1] >= after[0]:
            yield f"'{after[2]}' came before what began with '{before[2]}' was over"


def _at(value: Any, path: str) -> Any:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
