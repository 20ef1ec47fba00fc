"""Batches of rows in tables of `datashard`: each once, each tenant's apart."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datashard
import pytest

from engine.durable.runners import DatashardPolicy, RunnerSettings
from engine.durable.tool_context import ToolContext
from engine.tools.datashard.turns import turn
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError
from tests.engine.tool_calls import call, context

ROWS: list[dict[str, Any]] = [{"name": "a", "size": 1, "share": 0.5, "good": True}, {"name": "b", "size": 2}]


def offering(folder: Path) -> ToolContext:
    return context(runners=RunnerSettings(datashard=DatashardPolicy(folder=str(folder))))


def append(ctx: ToolContext, **given: Any) -> Any:
    return call("tools.datashard.append", ctx=ctx, **({"table": "seen", "records": ROWS} | given))


def test_a_batch_is_written_once_however_often_its_step_is_tried(tmp_path: Path) -> None:
    ctx = offering(tmp_path)
    assert append(ctx) == {"table": "seen", "appended": 2, "was_there": False}
    assert append(ctx) == {"table": "seen", "appended": 0, "was_there": True}
    rows = datashard.load_table(str(tmp_path / ctx.tenant_id.hex / "seen")).scan(columns=["name", "size", "good"])
    assert sorted(rows, key=str) == sorted(
        [{"name": "a", "size": 1, "good": True}, {"name": "b", "size": 2, "good": None}], key=str
    )


def test_tenants_have_tables_of_their_own(tmp_path: Path) -> None:
    ours, theirs = offering(tmp_path), offering(tmp_path)
    append(ours)
    assert append(theirs, records=[{"other": "columns"}])["appended"] == 1


def test_a_stopped_attempt_that_goes_on_late_finds_what_another_has_written(tmp_path: Path) -> None:
    ctx = offering(tmp_path)
    place = tmp_path / ctx.tenant_id.hex / "seen"
    place.parent.mkdir()
    with ThreadPoolExecutor(2) as pool, turn(ctx, place):
        late = [pool.submit(append, ctx) for _ in range(2)]
    assert sorted(each.result()["was_there"] for each in late) == [False, True]


def test_writers_of_a_table_take_turns_and_nobody_waits_for_ever(tmp_path: Path) -> None:
    place, patient, hurried, cancelled = tmp_path / "seen", context(), context(timeout_seconds=0.1), context()
    with ThreadPoolExecutor(1) as pool:
        with turn(context(), place):
            with pytest.raises(ToolError, match="written to by others") as busy, turn(hurried, place):
                pytest.fail("two had their turn at once")
            cancelled.cancelled.set()
            with pytest.raises(ToolCancelled), turn(cancelled, place):
                pytest.fail("two had their turn at once")
            waiting = pool.submit(_has_its_turn, patient, place)
            assert not waiting.done()
        assert waiting.result(10)
    assert (busy.value.type, busy.value.retryable) == ("TableBusy", True)


def _has_its_turn(ctx: ToolContext, place: Path) -> bool:
    with turn(ctx, place):
        return True


def test_rows_that_make_no_column_are_refused_in_words(tmp_path: Path) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "the platform's own": {"records": [{"highway_key": "x"}]},
        "List should have at least 1": {"records": []},
        "should match pattern": {"table": "../../etc"},
        "holds long and string: say its type": {"records": [{"n": 1}, {"n": "one"}]},
        "holds nothing but null": {"records": [{"n": None}]},
    }
    for words, given in wrong.items():
        with pytest.raises(ToolInputError, match=words.replace("List", "list")):
            append(offering(tmp_path), **given)


def test_without_a_folder_or_the_package_the_step_says_who_can_change_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ToolError, match=r"its operator has to set \[datashard\] folder"):
        append(context())
    monkeypatch.setitem(sys.modules, "datashard", None)
    with pytest.raises(ToolError, match="datashard is not installed on this worker") as refused:
        append(offering(tmp_path))
    assert refused.value.type == "NotInstalled"
