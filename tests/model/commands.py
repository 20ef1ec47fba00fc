"""Random programs. A command is plain data; its numbers mean something in every state, so that any part of a program is a program."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from tests.model.panels import PEOPLE
from tests.model.scenes import ASKING_SCENES, SCENES
from tests.model.stages import EVENTS, SIGNALS, THEMES, Workflow, random_workflow, read_stage

Command = dict[str, Any]
LENGTH = 20
WORKERS = 3
OVERLAPS = ("allow", "skip", "skip", "buffer_one", "buffer_all")
VOTES = ("approve", "approve", "approve", "reject")
STARTERS = ("", "ann", "cid")
# How often each command comes.
WEIGHTS = {
    "work": 12,
    "claim": 8,
    "drive": 3,
    "submit": 4,
    "advance": 4,
    "emit": 3,
    "signal": 3,
    "update": 2,
    "decide": 2,
    "cancel": 2,
    "serve": 3,
    "look": 3,
    "freeze": 2,
    "thaw": 2,
    "kill": 1,
    "hand_back": 1,
    "retry": 1,
    "pause": 2,
    "resume": 2,
    "kill_run": 1,
    "restart": 1,
    "change_start": 1,
    "set_priority": 1,
    "fork": 2,
    "cancel_activity": 1,
    "flurry": 1,
    "schedule": 1,
    "fire": 1,
    "hold_queue": 1,
    "drain": 1,
    "free_queue": 2,
}

FLOWS = (
    "",
    "",
    "",
    "slot",
    "queue",
    "single",
    "calm",
    "batch",
)  # how submissions of a program meet each other: see `submitting`
FLOW_CHANCE = 0.8
SCENE_CHANCE, ASKING_CHANCE = 0.12, 0.4  # the latter of programs about questions


def random_program(seed: int) -> list[Command]:
    """Up to twenty commands; the first starts a run."""
    chance = random.Random(seed)
    length = chance.randint(5, LENGTH)
    theme = chance.choice(THEMES)
    program = [random_command(chance, name, theme) for name in ("submit", "claim")]
    while len(program) < length:
        if chance.random() < (ASKING_CHANCE if theme == "ask" else SCENE_CHANCE):
            program += random_scene(chance, theme)
        else:
            (name,) = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
            program.append(random_command(chance, name, theme))
    flow = chance.choice(FLOWS)
    return [_under(chance, flow, command) for command in program[:LENGTH]]


def _under(chance: random.Random, flow: str, command: Command) -> Command:
    """Most submissions of a program are made under the same flow, so that they meet."""
    is_under = command["do"] == "submit" and chance.random() < FLOW_CHANCE
    return command | {"flow": flow} if is_under else command


def random_scene(chance: random.Random, theme: str) -> list[Command]:
    """Commands that belong together, of one run and two workers: what chance alone would seldom bring about."""
    one, other = chance.sample(range(WORKERS), 2)
    run = chance.randrange(8)
    return [
        random_command(chance, name, theme) | {"run": run, "worker": one if first else other, **more}
        for name, first, more in chance.choice(ASKING_SCENES if theme == "ask" and chance.random() < 0.7 else SCENES)
    ]


def random_command(chance: random.Random, name: str, theme: str) -> Command:
    """One command with all numbers that it may need. ``theme``: the kind of many stages of the program's workflows."""
    command: Command = {"do": name, "run": chance.randrange(8), "worker": chance.randrange(WORKERS)}
    match name:
        case "submit" | "flurry" | "schedule":
            workflow = random_workflow(chance, theme)
            command |= {
                "workflow": asdict(workflow),
                "delay": chance.choice((0, 0, 0, 40)),
                "by": chance.choice(STARTERS),
            }
            if name == "schedule":
                command |= {"overlap": chance.choice(OVERLAPS), "catchup": chance.choice(("none", "last", "all"))}
        case "drive":
            command |= {"chance": chance.randrange(1000)}
        case "work":
            command |= {"steps": chance.randint(1, 12), "chance": chance.randrange(1000)}
        case "claim":
            command |= {"quantity": chance.randint(1, 3)}
        case "advance":
            command |= {"seconds": chance.choice((4, 6, 35, 61, 400))}
        case "emit" | "signal" | "update":
            command |= {"name": chance.choice(EVENTS if name == "emit" else SIGNALS)}
        case "decide":
            command |= {
                "question": chance.randrange(6),
                "person": chance.randrange(len(PEOPLE)),
                "vote": chance.choice(VOTES),
            }
            command |= {"open": int(chance.random() < 0.8), "link": chance.random() < 0.2}
        case "change_start":
            command |= {"seconds": chance.choice((0, 50))}
        case "set_priority":
            command |= {"priority": chance.randrange(3)}
        case "serve":
            command |= {"service": chance.randrange(10)}
        case "fork" | "cancel_activity":
            command |= {"step": chance.randrange(12)}
    return command


def workflow_of(command: Command) -> Workflow:
    """The workflow that a submit command starts."""
    data = command["workflow"]
    return Workflow(tuple(read_stage(stage) for stage in data["stages"]), data["deadline"])


def shorter(program: list[Command]) -> Iterator[list[Command]]:
    """The program without some of its commands, or with a simpler workflow: the largest cuts first."""
    size = len(program) // 2
    while size:
        for start in range(0, len(program), size):
            yield program[:start] + program[start + size :]
        size //= 2
    for place, command in enumerate(program):
        if "workflow" in command:
            for simpler in _simpler(workflow_of(command)):
                yield [*program[:place], command | {"workflow": asdict(simpler)}, *program[place + 1 :]]


def _simpler(workflow: Workflow) -> Iterator[Workflow]:
    if workflow.deadline:
        yield replace(workflow, deadline=0)
    for place, stage in enumerate(workflow.stages):
        before, behind = workflow.stages[:place], workflow.stages[place + 1 :]
        if before or behind:
            yield replace(workflow, stages=before + behind)
        for inner in stage.lists:
            yield replace(workflow, stages=before + inner + behind)
