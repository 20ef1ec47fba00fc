"""Rounds that failed once, kept as tests: seeds.json holds their plans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from tests.crash.faults import Fault
from tests.crash.plans import Plan

FILE = Path(__file__).with_name("seeds.json")
_PLAN = re.compile(r"^seed (\d+): ((?:[a-z_.]+:[a-z]+:\d+ ?)+)")


def kept() -> list[Plan]:
    """The plans in the file."""
    return [Plan(each["seed"], tuple(map(Fault.read, each["faults"]))) for each in json.loads(FILE.read_text())]


def keep(problems: Iterable[str]) -> None:
    """Add the plans that problems begin with; once each."""
    known = json.loads(FILE.read_text())
    for problem in problems:
        if found := _PLAN.match(problem):
            entry = {"seed": int(found[1]), "faults": found[2].replace(": ", " ").split()}
            entry["faults"] = [each.rstrip(":") for each in entry["faults"]]
            known += [] if entry in known else [entry]
    FILE.write_text(json.dumps(known, indent=1) + "\n")
