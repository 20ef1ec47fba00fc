"""Calls in their slots, without a database."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from pydantic import BaseModel

from engine.durable.tool_context import ToolContext
from engine.model.commands import CallTool
from engine.model.task import ClaimedTask
from engine.tools.spec import ToolSpec
from engine.worker.calls import Calls
from engine.worker.config import WorkerConfig
from engine.worker.inbox import CallEnded, Inbox


class Nothing(BaseModel):
    """No input."""


class Door:
    """A tool that comes back when it is let, whatever is asked of it meanwhile."""

    def __init__(self) -> None:
        self.inside, self.opened = threading.Event(), threading.Event()
        self.tool = ToolSpec("door", self._run, Nothing, side_effect="pure")

    def _run(self, _ctx: ToolContext, _given: Nothing) -> None:
        self.inside.set()
        assert self.opened.wait(60)


@pytest.fixture
def door() -> Iterator[Door]:
    made = Door()
    yield made
    made.opened.set()


def a_task() -> ClaimedTask:
    names: dict[str, Any] = dict.fromkeys(field.name for field in fields(ClaimedTask))
    return ClaimedTask(**names | {"task_id": uuid4(), "tenant_id": UUID(int=1), "key": "", "kind": "workflow", "epoch": 1,
                                  "workflow_run_id": uuid4(), "created_at": datetime.now(UTC)})  # fmt: skip


def test_a_slot_is_taken_until_its_thread_comes_back_though_nobody_waits_for_the_call(door: Door) -> None:
    config = WorkerConfig("", "slots", {"door": door.tool}, make_sandbox=lambda: None, slots=2)  # type: ignore[arg-type, return-value]
    with ThreadPoolExecutor(2) as executor:
        inbox = Inbox()
        calls = Calls(config, inbox, None, None, uuid4(), executor)  # type: ignore[arg-type]
        assert not calls.start(a_task(), CallTool("step", "step", "door", [], {}, timeout_seconds=0.01), {})
        assert door.inside.wait(30)
        assert calls.free_slots == 1
        time.sleep(0.02)
        (expired,) = calls.expire()
        assert not calls.running
        assert calls.free_slots == 1, "its thread is still in there"
        door.opened.set()
        (ended,) = inbox.drain(30)
        assert isinstance(ended, CallEnded)
        assert ended.fact.key == expired.fact.key
        assert calls.free_slots == 2
