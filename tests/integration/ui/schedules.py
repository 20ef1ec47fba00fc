"""Schedules in every state, with ticks of every outcome."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from engine import facade
from engine.model.schedules import ScheduleSpec
from tests.integration.ui.seed import Seeder, definition


def seed_schedules(seed: Seeder) -> dict[str, UUID]:
    """One that has done a lot, one that rests, one in trouble, one that has ended."""
    who = {"tenant_id": seed.tenant_id}
    facade.register(seed.connection, **who, definition=definition())
    made = {
        name: facade.create_schedule(seed.connection, **who, spec=spec, created_by="maria@acme.test").schedule_id
        for name, spec in SPECS.items()
    }
    for index, outcome in enumerate(["missed", "skipped", "failed", "waiting"]):
        _tick(seed, made["schedule"], outcome, days=index + 1)
    for status in ("completed", "failed", "running"):
        run = facade.run_schedule_now(seed.connection, **who, schedule_id=made["schedule"], by="maria@acme.test")
        assert run.workflow_run_id
        seed.set_state(run.workflow_run_id, status, {"message": "it broke"} if status == "failed" else None)
    facade.pause_schedule(
        seed.connection, **who, schedule_id=made["rested"], paused_by="maria@acme.test", reason="month end"
    )
    seed.connection.execute(
        "UPDATE highway.schedule SET trouble = 'there is no time zone ''Mars/Phobos''', due_at = now() + '1 day' WHERE schedule_id = %s",
        [made["troubled"]],
    )
    return made


SPECS = {
    "schedule": ScheduleSpec(
        name="nightly order fulfilment for all of the European shops, one after another",
        workflow_name="order_fulfilment",
        timing="15,45 9-17 * * 1-5",
        zone="Europe/Berlin",
        overlap="allow",
        inputs={"day": "{{ds}}"},
        tags=["eu", "vip"],
        max_failures=5,
        jitter_seconds=60,
    ),
    "rested": ScheduleSpec(name="rested", workflow_name="order_fulfilment", timing="@every 90s"),
    "troubled": ScheduleSpec(name="troubled", workflow_name="order_fulfilment", timing="0 2 * * *"),
    "over": ScheduleSpec(
        name="over",
        workflow_name="order_fulfilment",
        timing="0 2 * * *",
        ends_at=datetime(2026, 1, 1, tzinfo=UTC),
    ),
}


def _tick(seed: Seeder, schedule_id: UUID, outcome: str, *, days: int) -> None:
    seed.connection.execute(
        "INSERT INTO highway.schedule_tick (tenant_id, schedule_id, tick_at, kind, outcome, reason) VALUES (%s, %s, %s, 'scheduled', %s, %s)",
        [
            seed.tenant_id,
            schedule_id,
            datetime.now(UTC) - timedelta(days=days),
            outcome,
            "a reason that is a good deal longer than the column is wide, so that it has to be cut",
        ],
    )
