"""Random programs end in the state of the model; programs that once did not, do now."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.model.search import Ground, kept, program_of
from tests.support.databases import Database

PARTS, PROGRAMS = 4, 50  # tests of so many programs each: xdist shares them out


@pytest.fixture
def ground(module_database: Database) -> Iterator[Ground]:
    logging.disable(logging.ERROR)  # killed workers and refused commands are what the programs are about
    ground = Ground(module_database)
    yield ground
    ground.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("part", range(PARTS))
def test_random_programs_end_in_the_state_of_the_model(ground: Ground, part: int) -> None:
    for seed in range(part * PROGRAMS, (part + 1) * PROGRAMS):
        wrong = ground.try_out(program_of(seed))
        assert not wrong, f"seed {seed} (make crash ONLY=R2 ROUNDS=1 SEED={seed} makes it short): {wrong}"


@pytest.mark.parametrize("failure", [pytest.param(each, id=str(each["seed"])) for each in kept()])
def test_a_program_that_failed_once_agrees_with_the_model(ground: Ground, failure: dict[str, Any]) -> None:
    assert ground.try_out(failure["program"]) == ""
