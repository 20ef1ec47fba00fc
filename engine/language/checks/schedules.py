"""Schedules: cron expressions of five fields, or ``@every 90s``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from cronsim import CronSim, CronSimError

from engine.language.definition import Definition
from engine.language.problems import Problem

_EVERY = re.compile(r"@every ([1-9]\d{0,8})(s|m|h|d)", re.ASCII)
_ANY_DAY = datetime(2026, 1, 1, tzinfo=UTC)


def problems(definition: Definition) -> Iterator[Problem]:
    """A schedule that cannot be read or never comes."""
    schedule = definition.schedule
    if schedule is None or _EVERY.fullmatch(schedule):
        return
    try:
        next(CronSim(schedule, _ANY_DAY))
    except CronSimError:
        message = f"'{schedule[:80]}' is neither a cron expression of five fields nor such as '@every 90s'"
        yield Problem("$.schedule", "bad_schedule", message)
