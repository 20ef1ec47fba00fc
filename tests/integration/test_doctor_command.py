"""`manage.py doctor` finds what must not be, repairs what is safe, and its exit code says whether something is left."""

from __future__ import annotations

from uuid import uuid4

from engine.db.connection import connect
from tests.support.guards import ask_for
from tests.support.runs import start, take, write
from tests.support.stack import Stack


def test_the_doctor_repairs_what_is_safe_and_names_what_is_left(stack: Stack) -> None:
    assert stack.manage("doctor").stdout == "0 problems\n"
    tenant = uuid4()
    with connect(stack.database.worker) as connection:
        forgotten, lost = start(connection, tenant), start(connection, tenant)
        claimed = {task.task_id: task for task in take(stack.database.worker)}
        write(stack.database.worker, ask_for(claimed[lost]))
        connection.execute("DELETE FROM highway.named_lock")
        connection.execute("UPDATE highway.task SET state = 'sleeping', claimed_by = NULL, available_at = NULL")
    found = stack.manage("doctor", "--grace", "0", check=False)
    assert found.returncode == 1
    assert (
        f"run {forgotten} of tenant {tenant}: its own task is sleeping: it sleeps and waits for nothing" in found.stdout
    )
    repaired = stack.manage("doctor", "--repair", "--grace", "0", check=False)
    assert repaired.returncode == 1
    assert repaired.stdout.splitlines() == [
        "1 repaired",
        f"run {lost} of tenant {tenant}: its own task is sleeping: it waits for a lock and does not stand in line",
        "1 problems left",
    ]
