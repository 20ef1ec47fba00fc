"""What is wrong with a schedule that somebody asks for: everything at once, each with the field that it stands in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from engine.db.errors import InvalidError
from engine.kit.json_text import NotJsonError, dumps
from engine.language.problems import Problem, join_path
from engine.language.timing import TimingError, ZoneError, read_timing, read_zone
from engine.model.schedules import ScheduleSpec
from engine.schedules.inputs import InputsError, run_inputs

_NAME = re.compile(r"[^\x00-\x1f/]{1,200}")
_ANY_TICK = datetime(2026, 1, 1, tzinfo=UTC)
MAX_INPUT_CHARACTERS = 256 * 1024


class ScheduleRefusedError(InvalidError):
    """The schedule makes no sense. ``problems`` lists everything that was found; paths are ``$.<field of ScheduleSpec>``."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.path}: {problem.message}" for problem in problems[:5]))
        self.problems = problems


def check_spec(spec: ScheduleSpec) -> None:
    """Raise `ScheduleRefusedError` with all that is wrong."""
    problems = list(_problems(spec))
    if problems:
        raise ScheduleRefusedError(problems)


def _problems(spec: ScheduleSpec) -> Iterator[Problem]:
    if not _NAME.fullmatch(spec.name):
        yield Problem("$.name", "bad_name", "a name has 1 to 200 characters, no slash and no control characters")
    try:
        read_timing(spec.timing)
    except TimingError as error:
        yield Problem("$.timing", "bad_schedule", str(error))
    try:
        read_zone(spec.zone)
    except ZoneError as error:
        yield Problem("$.zone", "unknown_zone", str(error))
        return  # the date in the inputs needs the zone
    if spec.starts_at and spec.ends_at and spec.ends_at < spec.starts_at:
        yield Problem("$.ends_at", "ends_before_start", "the schedule ends before it starts")
    yield from _input_problems(spec)


def _input_problems(spec: ScheduleSpec) -> Iterator[Problem]:
    try:
        if len(dumps(spec.inputs)) > MAX_INPUT_CHARACTERS:
            yield Problem("$.inputs", "too_large", f"inputs have at most {MAX_INPUT_CHARACTERS:,} characters")
            return
        run_inputs(spec, _ANY_TICK)
    except NotJsonError as error:
        yield Problem("$.inputs", "not_json", str(error))
    except InputsError as error:
        yield Problem(join_path("$.inputs", error.key), "bad_template", str(error))
