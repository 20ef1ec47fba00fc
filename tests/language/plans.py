"""What an author might write with the public builder, as data: drawn by hypothesis, typed into the builder, and compared with what we read.

A plan is a list of `Item`: one call of the builder each, in the author's order. Ids are unique in a whole plan.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import strategies as st

CHOICES = {"condition", "switch"}
LOOPS = {"foreach", "while_loop"}
FORKS = {"parallel", "parallel_with_join", "multi_choice"}
SIMPLE = [
    "task",
    "task",
    "task",
    "activity",
    "wait",
    "emit_event",
    "wait_for_event",
    "reflexive",
    "child_workflow",
    "terminate",
]
RULES = ["all_success", "all_done", "one_success", "one_done", "none_failed"]
TEXTS = st.sampled_from(
    [
        "",
        "a",
        "yes",
        "null",
        "1:30",
        "2026-01-31",
        "1e3",
        "0o7",
        "=",
        "<<",
        "~",
        "- x",
        "# x",
        "a: b",
        " x ",
        "\n",
        "\t\r",
    ]
) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0{$"), max_size=8)
NUMBERS = st.sampled_from([0, -1, 2**53 + 1, -(10**39), 0.1, -0.0, 1e-7, 5e-324, 1.7e308, 1e22, 100.0])
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
DATA = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=2), max_size=2)
)
OBJECTS = st.dictionaries(TEXTS, DATA, max_size=2)
DURATIONS = st.timedeltas(timedelta(0), timedelta(days=3_000))
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)


@dataclass
class Item:
    """One call of the builder. ``after`` are its explicit dependencies, None when the author leaves them to the builder."""

    kind: str
    id: str
    after: list[str] | None = None
    options: dict[str, Any] = field(default_factory=dict)
    inner: dict[str, list[Item]] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)  # of the calls behind it: retry, timeout, handlers, guards


def everywhere(items: list[Item]) -> Iterator[Item]:
    """All items, those inside others included."""
    for item in items:
        yield item
        for inner in item.inner.values():
            yield from everywhere(inner)


@st.composite
def plans(draw: st.DrawFn) -> list[Item]:
    """A whole program."""
    return draw(_items(count(1), 2))


@st.composite
def _items(draw: st.DrawFn, numbers: count[int], depth: int) -> list[Item]:
    items: list[Item] = []
    expected: list[str] = []  # handlers and targets that earlier items name and that are still to be written
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(_kinds(items, depth)))
        item = Item(
            kind, expected.pop(0) if expected and kind in {"task", "activity", "wait"} else f"{kind[0]}{next(numbers)}"
        )
        _depend(draw, item, items, expected)
        _fill(draw, item, items, numbers, depth)
        items.append(item)
        expected += _named_ahead(draw, item, numbers)
    items += [Item("task", name, None, {"function": "tools.x", "args": [], "kwargs": {}}) for name in expected]
    return items


def _kinds(items: list[Item], depth: int) -> list[str]:
    nested = ["condition", *LOOPS, *FORKS, "switch"] if depth else []
    joins = ["join"] if any(item.kind not in CHOICES for item in items) else []
    return [*SIMPLE, *sorted(nested), *joins]


def _depend(draw: st.DrawFn, item: Item, before: list[Item], expected: list[str]) -> None:
    """Now and then explicit dependencies: none, or on earlier items that choose nothing."""
    possible = [other.id for other in before if other.kind not in CHOICES]
    if not expected and draw(st.integers(0, 3)) == 0:
        item.after = draw(st.lists(st.sampled_from(possible), unique=True, max_size=2)) if possible else []


def _named_ahead(draw: st.DrawFn, item: Item, numbers: count[int]) -> list[str]:
    """Names that this item gives to items that come later: its handlers, or the targets of a switch."""
    if item.kind == "switch":
        targets = list(dict.fromkeys([*item.options["cases"].values(), item.options["default"]]))
        return [target for target in targets if target is not None]
    if item.kind in {"task", "activity", "wait"} and draw(st.integers(0, 3)) == 0:
        which = draw(st.sampled_from(["on_success", "on_failure"]))
        item.settings[which] = f"h{next(numbers)}"
        return [item.settings[which]]
    return []


def _fill(draw: st.DrawFn, item: Item, before: list[Item], numbers: count[int], depth: int) -> None:
    made = _OPTIONS[item.kind](draw, item, before, numbers)
    item.options = made
    for name in draw(_BODIES[item.kind]) if item.kind in _BODIES else ():
        item.inner[name] = draw(_items(numbers, depth - 1))
    if draw(st.booleans()):
        item.options["result_key"] = f"r_{item.id}" if item.kind != "parallel_with_join" else None
    if item.kind == "parallel_with_join":
        item.options.pop("result_key", None)
    if draw(st.integers(0, 3)) == 0 and item.kind != "condition":
        item.options["trigger_rule"] = draw(st.sampled_from(RULES))
    if item.kind == "task":
        item.settings = draw(_SETTINGS)


_BODIES = {
    "condition": st.just(["if_true", "if_false"]) | st.just(["if_true"]) | st.just(["if_false"]),
    "foreach": st.just(["body"]),
    "while_loop": st.just(["body"]),
    "parallel": st.lists(NAMES, min_size=1, max_size=2, unique=True),
    "parallel_with_join": st.lists(NAMES, min_size=1, max_size=2, unique=True),
    "multi_choice": st.lists(NAMES, min_size=1, max_size=2, unique=True),
}
_RETRY = st.fixed_dictionaries(
    {"max_retries": st.integers(0, 9), "delay": DURATIONS, "backoff_factor": st.floats(1, 10)}
)
_GUARD = st.sampled_from(
    [
        ("x", "exists", None),
        ("{{ x.y }}", "in_range", [1, 2]),
        ("x", "in_set", ["a", None]),
        ("x", "matches_regex", "^a+$"),
    ]
)
_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "retry": _RETRY,
        "timeout": st.fixed_dictionaries({"timeout": DURATIONS, "kill_on_timeout": st.booleans()}),
        "precondition": _GUARD,
        "postcondition": _GUARD,
    },
)


def _call(draw: st.DrawFn, _item: Item, _before: list[Item], _numbers: count[int]) -> dict[str, Any]:
    made: dict[str, Any] = {"function": "tools.x", "args": draw(st.lists(DATA, max_size=2)), "kwargs": draw(OBJECTS)}
    if draw(st.integers(0, 4)) == 0:
        made |= {
            "idempotency_key": "k",
            "description": draw(TEXTS),
            "metadata": draw(st.dictionaries(NAMES, TEXTS, max_size=2)),
        }
    return made


def _wait(draw: st.DrawFn, *_: Any) -> dict[str, Any]:
    return {"wait_for": draw(DURATIONS | st.datetimes() | st.just("{{ x }}"))}


def _loop(draw: st.DrawFn, item: Item, *_: Any) -> dict[str, Any]:
    if item.kind == "while_loop":
        return {"condition": "{{loop.index}} < 3"}
    return {"items": draw(st.sampled_from(["range(3)", "{{ x }}"])), "parallel": draw(st.booleans())}


def _switch(draw: st.DrawFn, _item: Item, _before: list[Item], numbers: count[int]) -> dict[str, Any]:
    cases = {str(case): f"s{next(numbers)}" for case in range(draw(st.integers(1, 3)))}
    return {"switch_on": "{{ x }}", "cases": cases, "default": draw(st.sampled_from([None, cases["0"]]))}


def _join(draw: st.DrawFn, _item: Item, before: list[Item], _numbers: count[int]) -> dict[str, Any]:
    possible = [item.id for item in before if item.kind not in CHOICES]
    named = draw(st.lists(st.sampled_from(possible), unique=True, min_size=1, max_size=3))
    return {"join_tasks": named, "join_mode": draw(st.sampled_from(["all_of", "any_of", "all_success", "one_success"]))}


_OPTIONS: dict[str, Any] = {
    "task": _call,
    "activity": _call,
    "wait": _wait,
    "emit_event": lambda draw, *_: {"event_name": "said", "payload": draw(OBJECTS)},
    "wait_for_event": lambda draw, *_: {
        "event_name": "said",
        "timeout_seconds": draw(st.none() | st.integers(0, 10**6)),
    },
    "reflexive": lambda draw, *_: {
        "generator": "tools.a",
        "verifier": "tools.b",
        "max_turns": draw(st.integers(1, 10)),
    },
    "child_workflow": lambda draw, *_: {"workflow_name": "child", "inputs": draw(OBJECTS)},
    "terminate": lambda draw, *_: {
        "status": draw(st.sampled_from(["completed", "failed", "cancelled"])),
        "reason": draw(TEXTS),
    },
    "condition": lambda *_: {"condition": "{{ x }} == 1"},
    "switch": _switch,
    "join": _join,
    "foreach": _loop,
    "while_loop": _loop,
    "parallel": lambda *_: {},
    "parallel_with_join": lambda draw, *_: {"timeout_seconds": draw(st.integers(1, 900))},
    "multi_choice": lambda draw, *_: {"minimum_branches": draw(st.integers(0, 1))},
}
