"""The inputs of a scheduled run: what the schedule says, with the tick's own values put in."""

from __future__ import annotations

from datetime import datetime

from engine.language.expressions import ExpressionError, MapNames, compile_value
from engine.language.timing import read_zone
from engine.model.json import JsonObject
from engine.model.schedules import ScheduleSpec

NAMES = ("scheduled_time", "ds", "schedule_name")


class InputsError(ValueError):
    """A template in the inputs cannot be resolved; ``key`` is the input that it stands in."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


def run_inputs(spec: ScheduleSpec, tick: datetime) -> JsonObject:
    """The inputs of the run of a tick. ``scheduled_time`` and ``ds`` (the date in the schedule's zone) are always among them.

    Raises `InputsError`.
    """
    local = tick.astimezone(read_zone(spec.zone))
    values: JsonObject = {
        "scheduled_time": local.isoformat(),
        "ds": local.date().isoformat(),
        "schedule_name": spec.name,
    }
    names = MapNames(values)
    rendered: JsonObject = {}
    for key, value in spec.inputs.items():
        try:
            rendered[key] = compile_value(value).render(names)
        except ExpressionError as error:
            raise InputsError(key, f"{error}; known are {', '.join(NAMES)}") from error
    return {"scheduled_time": values["scheduled_time"], "ds": values["ds"], **rendered}
