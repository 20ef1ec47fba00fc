"""Runs in the sandbox: schedules a project file with `scriptplan` and reports its tasks, or what is wrong with it."""

from __future__ import annotations

import json
import sys
from typing import Any

REPORT_MARK = "\x1e"


class NotPlanned(Exception):  # noqa: N818 - a finding, not a fault
    """The project makes sense, and cannot be done as it says."""


def main() -> None:
    """Schedule and report; the report is the last thing on stdout."""
    with open("/job/project", encoding="utf-8") as file:  # noqa: PTH123 - pathlib would double the start-up time
        text = file.read()
    try:
        report: dict[str, Any] = {"tasks": _tasks(text)}
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the project is its author's to read
        report = {"problem": f"{type(error).__name__}: {error}"}
    sys.stdout.write(REPORT_MARK + json.dumps(report))


def _tasks(text: str) -> list[dict[str, Any]]:
    from scriptplan.parser.tjp_parser import ProjectFileParser  # noqa: PLC0415 - what it raises is part of the report
    from scriptplan.utils.message_handler import get_message_handler_instance  # noqa: PLC0415

    project = ProjectFileParser().parse(text)
    said = get_message_handler_instance()
    if said.errors:  # tasks that could not be planned: it tells them, and goes on
        raise NotPlanned("; ".join(str(message.message) for message in said.messages if message.type.name == "ERROR"))
    return [
        {
            "id": task.fullId,
            "name": task.name,
            "start": _time(task.get("start", 0)),
            "end": _time(task.get("end", 0)),
            "is_leaf": bool(task.leaf()),
        }
        for task in project.tasks
    ]


def _time(moment: Any) -> str | None:
    """Its times are of UTC and do not say so."""
    return None if moment is None else f"{moment.isoformat()}+00:00"


if __name__ == "__main__":
    main()
