"""Schedules: cron expressions of five fields (six with seconds), short names such as ``@daily``, or ``@every 90s``."""

from __future__ import annotations

from collections.abc import Iterator

from engine.language.definition import Definition
from engine.language.problems import Problem
from engine.language.timing import TimingError, read_timing


def problems(definition: Definition) -> Iterator[Problem]:
    """A schedule that cannot be read or never comes."""
    if definition.schedule is None:
        return
    try:
        read_timing(definition.schedule)
    except TimingError as error:
        yield Problem("$.schedule", "bad_schedule", str(error))
