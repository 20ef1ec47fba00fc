"""`manage.py runworker` lends to tools what services.ini names, and does not start on a mistake in it."""

from __future__ import annotations

import time
from pathlib import Path
from uuid import UUID

from engine import facade
from engine.db.connection import connect
from tests.support.models import model_server
from tests.support.runs import start
from tests.support.stack import Stack


def test_a_model_that_the_operator_has_named_is_asked_with_the_key_of_its_file(
    stack: Stack, tenant: UUID, tmp_path: Path
) -> None:
    key, file = tmp_path / "key", tmp_path / "services.ini"
    key.write_text("k-1\n")
    kwargs = {"provider": "house", "model": "m", "prompt": "Hello?"}
    ask = {"task_id": "ask", "operator_type": "task", "function": "tools.llm.call", "kwargs": kwargs}
    with model_server() as server:
        server.say("Hello.")
        file.write_text(
            f"[model:house]\nkind = openai\nbase_url = {server.url}/v1\nkey_file = {key}\ntenants = {tenant}\n"
        )
        stack.set(HIGHWAY_SERVICES=str(file))
        stack.start_worker()
        with connect(stack.database.web) as connection:
            run = start(connection, tenant, {"name": "ask", "start_task": "ask", "tasks": {"ask": ask}})
            end = time.monotonic() + 60
            while facade.get_run(connection, tenant_id=tenant, workflow_run_id=run).is_open:
                assert time.monotonic() < end, stack.log("worker-0.log")
                time.sleep(0.05)
            result = facade.run_result(connection, tenant_id=tenant, workflow_run_id=run)
        assert result["ask"]["text"] == "Hello."
        assert server.seen[0]["headers"]["authorization"] == "Bearer k-1"


def test_a_mistake_is_one_line_and_no_worker(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "services.ini"
    file.write_text("[model:house]\nkind = oracle\nbase_url = https://models.example.org\n")
    stack.set(HIGHWAY_SERVICES=str(file))
    refused = stack.manage("runworker", check=False)
    assert refused.returncode == 1
    (line,) = refused.stderr.splitlines()
    assert line.startswith(f"CommandError: {file}: [model:house] kind: ")
