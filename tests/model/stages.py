"""What the workflows of the programs are made of: chains of stages, each of which is easy to predict."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.model.panels import PANELS

PERMANENT = 99  # more failures than any retry policy allows
KINDS = (
    "do",
    "do",
    "do",
    "count",
    "timer",
    "hear",
    "take",
    "update",
    "emit",
    "choice",
    "act",
    "guard",
    "ask",
    "fork",
    "child",
)
EVENTS, SIGNALS, LOCKS = ("e", "f"), ("p", "q"), ("l", "m")
ON_EXPIRY = ("fail", "approve", "reject")
SHORT, LONG = (
    40,
    3000,
)  # seconds that a question is open: the end of a program leaves the short ones to time, and decides the others
ASKING_SECONDS = (SHORT, LONG)
AGAIN_CHANCE, THEME_CHANCE = 0.1, 0.4
THEMES = ("", "", "", "act", "guard", "take", "child", "ask", "ask")  # of programs


@dataclass(frozen=True)
class Stage:
    """One stage. ``fails``: how often its tool fails before it succeeds; ``undo``: None, or how often undoing it fails.

    ``name``: of an event, a signal or a lock, the side of a choice, or by what the end of an activity is heard of. ``seconds``: a timer's time, the
    time limit of a wait (0: none), or the time in which an activity has to be over. ``lists``: the branches of a fork, or the one chain of a child.
    ``panel``: who decides a question; its ``name`` is what becomes of it when nobody does.
    """

    kind: str
    name: str = ""
    fails: int = 0
    retries: int = 0
    undo: int | None = None
    seconds: int = 0
    lists: tuple[tuple[Stage, ...], ...] = ()
    panel: str = ""


@dataclass(frozen=True)
class Workflow:
    """A chain of stages, and how many seconds a run of it may take (0: any)."""

    stages: tuple[Stage, ...]
    deadline: int = 0

    @property
    def name(self) -> str:
        """A name that tells the content."""
        return "w" + hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def goes_on(self) -> bool:
        """Whether its end is the beginning of a new run."""
        return self.stages[-1].kind == "again"

    def children(self) -> list[Workflow]:
        """Workflows that runs of this one start, the innermost first."""
        return _children(self.stages)


def read_stage(data: dict[str, Any]) -> Stage:
    """Read what `asdict` wrote."""
    lists = tuple(tuple(read_stage(each) for each in stages) for stages in data.get("lists", ()))
    return Stage(**{**data, "lists": lists})


def random_workflow(chance: random.Random, theme: str = "") -> Workflow:
    """One to four stages, many of them of the kind of the theme, now and then with a deadline, or a new run behind them."""
    again = (Stage("again"),) if chance.random() < AGAIN_CHANCE else ()
    return Workflow(_random_chain(chance, 4, 1, theme) + again, chance.choice((0, 0, 0, 300)))


def child_of(stage: Stage) -> Workflow:
    """What a child stage starts."""
    return Workflow(stage.lists[0])


def qualified(scope: str, key: str) -> str:
    """The key of a step, or of what it has forked, in the whole run."""
    return f"{scope}/{key}" if scope else key


def places(stages: tuple[Stage, ...], scope: str = "", prefix: str = "s") -> Iterator[tuple[str, str, Stage]]:
    """Every stage of a workflow and of its branches, with its scope and key."""
    for place, stage in enumerate(stages):
        key = f"{prefix}{place}"
        yield scope, key, stage
        if stage.kind == "fork":
            for number, inner in enumerate(stage.lists):
                yield from places(inner, f"{qualified(scope, key)}.b{number}", "i")


def workflow_of_child(parent: Workflow, parent_key: str) -> Workflow:
    """The workflow of a child run, by the key under which its parent knows it."""
    for scope, key, stage in places(parent.stages):
        if stage.kind == "child" and parent_key == f"{qualified(scope, key)}.child":
            return child_of(stage)
    raise AssertionError(f"the parent starts no child {parent_key}")


def _random_chain(chance: random.Random, most: int, depth: int, theme: str) -> tuple[Stage, ...]:
    return tuple(_random_stage(chance, depth, theme) for _ in range(chance.randint(1, most)))


def _random_stage(chance: random.Random, depth: int, theme: str) -> Stage:
    kind = theme if theme and chance.random() < THEME_CHANCE else chance.choice(KINDS)
    undo = chance.choice((None, None, 0, 1, PERMANENT)) if kind in ("do", "count") else None
    match kind:
        case "do":
            return Stage(kind, "", *_random_tries(chance), undo)
        case "count":
            return Stage(kind, undo=0 if undo else None)
        case "timer":
            return Stage(kind, seconds=chance.choice((30, 100)))
        case "hear" | "emit":
            return Stage(kind, chance.choice(EVENTS), seconds=chance.choice((0, 60)))
        case "take" | "update":
            return Stage(kind, chance.choice(SIGNALS), seconds=chance.choice((0, 60)))
        case "choice":
            return Stage(kind, chance.choice(("left", "right")))
        case "act":
            ends = chance.choice(("event", "step"))
            return Stage(kind, ends, *_random_tries(chance), seconds=chance.choice((0, 0, 60)))
        case "guard":
            return Stage(kind, chance.choice(LOCKS), *_random_tries(chance), seconds=chance.choice((0, 60)))
        case "ask":
            return Stage(
                kind, chance.choice(ON_EXPIRY), seconds=chance.choice(ASKING_SECONDS), panel=chance.choice(list(PANELS))
            )
    if depth == 0:
        return Stage("do")
    if kind == "child":
        again = (Stage("again"),) if chance.random() < AGAIN_CHANCE else ()
        return Stage(kind, lists=(_random_chain(chance, 2, 0, theme) + again,))
    return Stage(kind, lists=tuple(_random_chain(chance, 2, 0, theme) for _ in range(2)))


def _random_tries(chance: random.Random) -> tuple[int, int]:
    """How often a tool fails, and how often it is tried again."""
    return chance.choice((0, 0, 0, 1, 2, PERMANENT)), chance.choice((0, 1, 2))


def _children(stages: tuple[Stage, ...]) -> list[Workflow]:
    found = []
    for stage in stages:
        for inner in stage.lists:
            found += _children(inner)
        if stage.kind == "child":
            found.append(child_of(stage))
    return found
