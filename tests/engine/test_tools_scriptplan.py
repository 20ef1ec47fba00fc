"""Windows of a project's tasks, as `scriptplan` plans them, in the sandbox."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from engine.tools.errors import ToolError
from tests.engine.tool_calls import call

PROJECT = """
project demo "Demo" 2026-01-05 +1m { timezone "Europe/Berlin" }
resource dev "Dev" { }
task build "Build" {
  task a "First" { effort 2d allocate dev }
  task b "Second" { depends !a effort 1d allocate dev }
}
"""


def windows(project: str) -> Any:
    return call("tools.scriptplan.windows", project)


def test_tasks_come_when_their_resources_and_what_they_depend_on_allow() -> None:
    planned = windows(PROJECT)
    assert planned["windows"]["build.a"] == {"start": "2026-01-05T08:00:00+00:00", "end": "2026-01-06T16:00:00+00:00"}
    assert planned["windows"]["build.b"]["start"] == "2026-01-07T08:00:00+00:00"
    assert [(task["name"], task["is_leaf"]) for task in planned["tasks"]] == [
        ("Build", False),
        ("First", True),
        ("Second", True),
    ]


@pytest.mark.parametrize(
    ("project", "words"),
    [
        ("nonsense", "Unexpected"),
        (PROJECT.replace("depends !a", "depends !c"), "c"),
        (PROJECT.replace("effort 2d", "depends !b effort 2d"), "build"),
        (PROJECT.replace("effort 2d", "effort 900d"), "build.a"),
    ],
    ids=["no project", "unknown task", "circle", "too long"],
)
def test_what_cannot_be_planned_is_told(project: str, words: str) -> None:
    with pytest.raises(ToolError, match=words) as refused:
        windows(project)
    assert (refused.value.type, refused.value.retryable) == ("InvalidProject", False)


def test_a_worker_without_the_package_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    module = importlib.import_module("engine.tools.scriptplan.windows")

    monkeypatch.setattr(module, "_MODULES", ("scriptplan_that_nobody_has",))
    with pytest.raises(ToolError, match="scriptplan_that_nobody_has is not installed on this worker") as refused:
        windows(PROJECT)
    assert refused.value.type == "NotInstalled"
