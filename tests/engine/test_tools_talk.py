"""Mail and databases from a real worker: what an attempt did is the same when it is made again."""

from __future__ import annotations

from pathlib import Path

import psycopg

from engine.model.json import JsonObject
from tests.support.mail import mail_server
from tests.support.workers import Workers


def _flow(*tasks: JsonObject) -> JsonObject:
    named = {str(task["task_id"]): {"operator_type": "task", "dependencies": [], **task} for task in tasks}
    return {"name": "talk", "version": "1", "start_task": next(iter(named)), "tasks": named}


def test_a_mail_that_is_refused_for_now_is_sent_by_the_next_attempt(workers: Workers, tmp_path: Path) -> None:
    with mail_server(tmp_path) as box:
        box.answer = "451 greylisted, come back"
        workers.start(services={"mail_port": box.port})
        send: JsonObject = {
            "task_id": "send",
            "function": "tools.email.send",
            "kwargs": {"to": "ann@example.org", "subject": "Run {{workflow_run_id}}", "body": "Done."},
            "retry_policy": {"max_retries": 40, "delay": 0.1},
        }
        run_id = workers.submit(_flow(send))
        workers.wait(run_id, lambda _run: bool(box.turned_away))
        box.answer = "250 taken"
        run = workers.finish(run_id)
        assert run.status == "completed", run.error
        (mail,) = box.handed
        assert mail.message["Message-ID"] == workers.result(run_id)["send"]["message_id"]
        assert mail.message["Message-ID"] == box.turned_away[0].message["Message-ID"]
        assert mail.message["Subject"] == f"Run {run_id}"


def test_a_change_and_a_question_take_their_values_from_the_run(workers: Workers) -> None:
    with psycopg.connect(workers.database.superuser, autocommit=True) as connection:
        connection.execute("CREATE TABLE public.orders (run text PRIMARY KEY, name text)")
    workers.start(services={"databases": {"shop": workers.database.superuser}})
    name = "O'Brien'; DROP TABLE public.orders; --"
    insert = "INSERT INTO public.orders VALUES (%s, %s) ON CONFLICT DO NOTHING"
    about: JsonObject = {"function": "tools.database.query"}
    write: JsonObject = {
        **about,
        "task_id": "write",
        "kwargs": {
            "database": "shop",
            "sql": insert,
            "parameters": ["{{workflow_run_id}}", "{{inputs.name}}"],
            "write": True,
        },
    }
    again: JsonObject = {**write, "task_id": "again", "dependencies": ["write"]}
    read: JsonObject = {
        **about,
        "task_id": "read",
        "dependencies": ["again"],
        "kwargs": {
            "database": "shop",
            "sql": "SELECT name FROM public.orders WHERE run = %(run)s",
            "parameters": {"run": "{{workflow_run_id}}"},
        },
    }
    run = workers.finish(workers.submit(_flow(write, again, read), inputs={"name": name}))
    assert run.status == "completed", run.error
    results = workers.result(run.workflow_run_id)
    assert (results["write"]["row_count"], results["again"]["row_count"]) == (1, 0)
    assert results["read"]["rows"] == [{"name": name}]
