"""`tools.agent.*` in real workers: every turn of a model and every call of a tool is done once, whatever happens to the worker."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from highway_dsl import WorkflowBuilder

from engine import facade
from engine.db.connection import connect
from engine.model.json import JsonObject
from engine.model.views import RunView
from tests.support.models import ModelServer, model_server
from tests.support.runs import scalar
from tests.support.workers import Workers

PROVIDER = {"provider": "main", "model": "m"}


@pytest.fixture(scope="module")
def listening() -> Iterator[ModelServer]:
    with model_server() as server:
        yield server


@pytest.fixture
def server(listening: ModelServer) -> ModelServer:
    listening.forget()
    return listening


@pytest.fixture
def staff(workers: Workers, server: ModelServer) -> Workers:
    """One worker that knows the server of models."""
    hire(workers, server)
    return workers


def hire(workers: Workers, server: ModelServer) -> Any:
    return workers.start(services={"models": {"main": ["openai", f"{server.url}/v1"], "local": ["ollama", server.url]}})


def task(task_id: str, tool: str, after: tuple[str, ...] = (), **kwargs: Any) -> JsonObject:
    return {
        "task_id": task_id,
        "operator_type": "task",
        "function": f"tools.{tool}",
        "kwargs": kwargs,
        "dependencies": list(after),
    }


def flow(*tasks: JsonObject, name: str = "agent") -> JsonObject:
    return {
        "name": name,
        "version": "1",
        "start_task": tasks[0]["task_id"],
        "tasks": {str(each["task_id"]): each for each in tasks},
    }


def goal(**changes: Any) -> tuple[JsonObject, JsonObject]:
    given = {"goal": "Count to five.", **PROVIDER, **changes}
    return task("init", "agent.init_goal", **given), task("work", "agent.run_goal", ("init",))


def finish(workers: Workers, definition: JsonObject, **how: Any) -> tuple[RunView, Any]:
    run = workers.finish(workers.submit(definition, **how), seconds=60)
    return run, workers.result(run.workflow_run_id)


@pytest.mark.parametrize("provider", ["main", "local"])
def test_a_model_reaches_its_goal_with_the_tools_that_it_is_allowed(
    staff: Workers, server: ModelServer, provider: str
) -> None:
    server.say(
        calls=[
            ("simple_counter_increment", {"name": "five", "delta": 5}),
            ("memory_set", {"name": "seen", "value": "yes"}),
        ]
    )
    server.say(calls=[("memory_get", {"name": "seen"})])
    server.say("Five.")
    run, results = finish(
        staff,
        flow(
            *goal(
                tools=["tools.simple_counter.increment", "tools.memory.set", "tools.memory.get"],
                criteria=["it is five"],
                provider=provider,
            )
        ),
    )
    assert run.status == "completed", run.error
    done = results["work"]
    assert (done["status"], done["result"], done["turns"], done["tokens"]) == ("achieved", "Five.", 3, 30)
    assert done["calls"] == ["tools.simple_counter.increment", "tools.memory.set", "tools.memory.get"]
    steps = staff.steps(run.workflow_run_id)
    assert {f"work.turn-{turn}" for turn in (1, 2, 3)} | {"work.turn-1.call-1", "work.turn-1.call-2"} <= steps.keys()
    first, second, third = (asked["body"] for asked in server.seen)
    assert "- it is five" in first["messages"][0]["content"]
    assert {each["function"]["name"] for each in first["tools"]} == {
        "simple_counter_increment", "memory_set", "memory_get", "give_up"
    }  # fmt: skip
    assert json.loads(second["messages"][3]["content"]) == {"result": {"name": "five", "value": 5}}
    assert json.loads(third["messages"][-1]["content"]) == {"result": "yes"}
    with connect(staff.database.worker) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'five'") == 5
    keys = [asked["headers"]["idempotency-key"] for asked in server.seen]
    assert len(set(keys)) == 3
    assert all(key.startswith(f"{run.workflow_run_id}:/work.turn-") for key in keys)


def test_what_was_done_is_not_done_again_when_the_worker_dies(workers: Workers, server: ModelServer) -> None:
    first = hire(workers, server)
    server.say(calls=[("simple_counter_increment", {"name": "once"})])
    server.hang()
    run_id = workers.submit(flow(*goal(tools=["tools.simple_counter.increment"])))
    workers.wait(run_id, lambda _run: len(server.seen) == 2)  # the second turn is asked for, and not answered
    workers.kill(first)
    server.let_go.set()
    server.say("Done.")
    hire(workers, server)
    run = workers.finish(run_id, seconds=60)
    assert (run.status, workers.result(run_id)["work"]["turns"]) == ("completed", 2), run.error
    with connect(workers.database.worker) as connection:
        assert scalar(connection, "SELECT value FROM highway.counter WHERE name = 'once'") == 1
    assert [len(asked["body"]["messages"]) for asked in server.seen] == [2, 4, 4]


def test_a_tool_that_fails_is_told_to_the_model_and_one_that_is_not_allowed_is_not_called(
    staff: Workers, server: ModelServer
) -> None:
    wrong = [
        ("simple_counter_increment", {"nmae": "x"}),
        ("shell_run", {"command": "id"}),
        ("simple_counter_increment", "oops"),
    ]
    server.say(calls=wrong)
    server.say(calls=[("give_up", {"reason": "no tool works"})])
    run, results = finish(staff, flow(*goal(tools=["tools.simple_counter.increment"])))
    assert (run.status, results["work"]["status"], results["work"]["reason"]) == (
        "completed",
        "given_up",
        "no tool works",
    )
    told = [json.loads(message["content"])["error"] for message in server.seen[1]["body"]["messages"][3:]]
    assert "nmae is not an argument" in told[0]
    assert told[1:] == ["there is no function 'shell_run'", "the arguments are no JSON object"]


def test_fixed_arguments_are_the_authors(staff: Workers, server: ModelServer) -> None:
    server.say(calls=[("memory_append", {"name": "evil", "text": "b"})])
    server.say("ok")
    tools = [{"tool": "tools.memory.append", "fixed": {"name": "notes"}}]
    run, _ = finish(staff, flow(*goal(tools=tools), task("read", "memory.get", ("work",), name="notes")))
    assert staff.result(run.workflow_run_id)["read"] == "b"
    parameters = server.seen[0]["body"]["tools"][0]["function"]["parameters"]
    assert "name" not in parameters["properties"]
    assert parameters["required"] == ["text"]


def test_a_model_cannot_widen_its_own_goal(staff: Workers, server: ModelServer) -> None:
    wide = {"goal": "x", **PROVIDER, "tools": ["tools.shell.run"], "name": "goal", "status": "open", "max_turns": 9}
    server.say(calls=[("memory_set", {"name": "goal", "value": wide})])
    server.say("I tried.")
    run, results = finish(staff, flow(*goal(tools=["tools.memory.set"])))
    assert run.status == "completed", run.error
    assert "it holds a goal" in json.loads(server.seen[1]["body"]["messages"][3]["content"])["error"]
    assert [each["tool"] for each in results["work"]["tools"]] == ["tools.memory.set"]


def test_turns_are_bounded(staff: Workers, server: ModelServer) -> None:
    for _ in range(2):
        server.say(calls=[("memory_get", {"name": "x"})])
    run, results = finish(staff, flow(*goal(tools=["tools.memory.get"], max_turns=2)))
    assert (run.status, results["work"]["status"], len(server.seen)) == ("completed", "out_of_turns", 2)


def test_a_model_that_is_away_fails_the_attempt_and_earlier_turns_stay_done(
    staff: Workers, server: ModelServer
) -> None:
    server.say(calls=[("memory_get", {"name": "x"})])
    server.fail(503, "busy", retry_after="0")
    server.say("There.")
    init, work = goal(tools=["tools.memory.get"])
    policy = {"max_retries": 1, "delay": 0.05}
    run, results = finish(staff, flow(init, {**work, "retry_policy": policy}))
    assert (run.status, results["work"]["turns"]) == ("completed", 2), run.error
    assert [len(asked["body"]["messages"]) for asked in server.seen] == [2, 4, 4]
    assert server.seen[1]["headers"]["idempotency-key"] == server.seen[2]["headers"]["idempotency-key"]


def test_retry_after_delays_the_next_attempt(staff: Workers, server: ModelServer) -> None:
    server.fail(429, "slow down", retry_after="1")
    server.say("Hello.")
    ask = {**task("ask", "llm.call", **PROVIDER, prompt="Hi"), "retry_policy": {"max_retries": 1, "delay": 0.01}}
    run, results = finish(staff, flow(ask))
    assert results["ask"]["text"] == "Hello."
    assert run.finished_at is not None
    assert (run.finished_at - run.created_at).total_seconds() >= 1


def test_a_child_run_that_the_model_starts_is_waited_for_without_a_slot(staff: Workers, server: ModelServer) -> None:
    with connect(staff.database.web) as connection:
        child = flow(task("c", "memory.set", name="x", value="from the child"), name="helper")
        facade.register(connection, tenant_id=staff.tenant, definition=child)
    server.say(calls=[("workflow_execute", {"workflow_name": "helper"})])
    server.say("Thanks.")
    run, results = finish(staff, flow(*goal(tools=["tools.workflow.execute"])))
    assert (run.status, results["work"]["result"]) == ("completed", "Thanks."), run.error
    told = json.loads(server.seen[1]["body"]["messages"][3]["content"])["result"]
    assert (told["status"], told["result"]["c"]) == ("completed", "from the child")


@pytest.mark.parametrize(
    ("tool", "words"),
    [
        ("tools.code.durable", "cannot be called from inside a step"),
        ("tools.memory.gte", "did you mean tools.memory.get"),
    ],
)
def test_a_goal_with_a_tool_that_cannot_be_called_fails(
    staff: Workers, server: ModelServer, tool: str, words: str
) -> None:
    run, _ = finish(staff, flow(*goal(tools=[tool])))
    assert run.status == "failed"
    assert words in str(run.error)
    assert server.seen == []


def test_a_goal_is_divided_among_child_runs(staff: Workers, server: ModelServer) -> None:
    with connect(staff.database.web) as connection:
        part = flow(task("say", "memory.set", name="x", value="{{inputs.goal}} of {{inputs.parent_goal}}"), name="part")
        facade.register(connection, tenant_id=staff.tenant, definition=part)
    server.say('{"subgoals": ["count to two", "go on to five"]}')
    init, _ = goal()
    run, results = finish(staff, flow(init, task("divide", "agent.spawn_subgoals", ("init",), workflow_name="part")))
    assert run.status == "completed", run.error
    parts = results["divide"]["subgoals"]
    assert [(part["goal"], part["status"]) for part in parts] == [
        ("count to two", "completed"),
        ("go on to five", "completed"),
    ]
    assert parts[0]["result"]["say"] == "count to two of Count to five."
    assert len(server.seen) == 1


def test_a_subgoal_that_fails_is_told_and_fails_nobody_else(staff: Workers, server: ModelServer) -> None:
    with connect(staff.database.web) as connection:
        part = flow(task("say", "memory.get", name="{{inputs.goal}}"), name="part")
        facade.register(connection, tenant_id=staff.tenant, definition=part)
    init, _ = goal()
    subgoals = ["fine", "not a name"]
    divide = task("divide", "agent.spawn_subgoals", ("init",), workflow_name="part", subgoals=subgoals)
    run, results = finish(staff, flow(init, divide))
    assert run.status == "completed", run.error
    assert [part["status"] for part in results["divide"]["subgoals"]] == ["completed", "failed"]
    assert server.seen == []


def test_subgoals_may_go_on_without_anybody_waiting(staff: Workers, server: ModelServer) -> None:
    with connect(staff.database.web) as connection:
        part = flow(task("say", "memory.set", name="x", value="{{inputs.goal}}"), name="part")
        facade.register(connection, tenant_id=staff.tenant, definition=part)
    init, _ = goal()
    divide = task("divide", "agent.spawn_subgoals", ("init",), workflow_name="part", subgoals=["a", "b"], wait=False)
    run, results = finish(staff, flow(init, divide))
    assert run.status == "completed", run.error
    assert [part["status"] for part in results["divide"]["subgoals"]] == ["started", "started"]
    with connect(staff.database.worker) as connection:
        children = "SELECT count(*) FROM highway.workflow_run WHERE parent_run_id = %s"
        assert scalar(connection, children, run.workflow_run_id) == 2


def reflexive(**changes: Any) -> JsonObject:
    operator = {
        "task_id": "write",
        "operator_type": "reflexive",
        "generator": "tools.llm.call",
        "generator_kwargs": {**PROVIDER, "prompt": "Write a number."},
        "verifier": "tools.code.exec",
        "verifier_kwargs": {
            "code": "n = int('''%CONTENT%''')\nresult = {'passed': n > 10, 'feedback': f'{n} is too small'}"
        },
        **changes,
    }
    wait = {
        "task_id": "wait",
        "operator_type": "task",
        "function": "tools.workflow.wait_for_activity",
        "kwargs": {"activity": "{{write}}"},
        "dependencies": ["write"],
    }
    return flow(operator, wait)


def test_the_reflexive_operator_corrects_its_generator_until_the_verifier_is_content(
    staff: Workers, server: ModelServer
) -> None:
    for said in ("five", "5", "```\n50\n```"):
        server.say(said)
    run, results = finish(staff, reflexive())
    assert run.status == "completed", run.error
    done = json.loads(json.dumps(results["wait"]))["result"]
    assert (done["turns"], done["content"], done["verification"]["passed"]) == (3, "```\n50\n```", True)
    assert "invalid literal" in done["feedback"][0]
    assert done["feedback"][1] == "5 is too small"
    last = server.seen[2]["body"]["messages"][-1]["content"]
    assert last.startswith("Write a number.")
    assert "5 is too small" in last


def test_a_loop_that_finds_nothing_fails_for_good_and_says_what_was_wrong(staff: Workers, server: ModelServer) -> None:
    server.say("1")
    server.say("2")
    run, _ = finish(staff, reflexive(max_turns=2, retry_policy={"max_retries": 3, "delay": 0.01}))
    assert run.status == "failed"
    assert "2 is too small" in str(run.error)
    assert len(server.seen) == 2


def test_a_model_may_verify_and_a_template_may_be_the_authors(staff: Workers, server: ModelServer) -> None:
    verdict = {"type": "object", "properties": {"passed": {"type": "boolean"}}, "required": ["passed"]}
    server.say("rough")
    server.say('{"passed": false, "feedback": "say %CONTENT% better"}')
    server.say("polished")
    server.say('{"passed": true}')
    run, results = finish(
        staff,
        reflexive(
            verifier="tools.llm.call",
            verifier_kwargs={**PROVIDER, "prompt": "Judge: %CONTENT%", "json_schema": verdict},
            correction_prompt_template="%PROMPT% / %CONTENT% / %FEEDBACK%",
        ),
    )
    assert run.status == "completed", run.error
    assert results["wait"]["result"]["content"] == "polished"
    prompts = [asked["body"]["messages"][-1]["content"] for asked in server.seen]
    assert prompts[1] == "Judge: rough"
    assert prompts[2] == "Write a number. / rough / say %CONTENT% better"


def test_a_verifier_that_is_away_has_judged_nothing(staff: Workers, server: ModelServer) -> None:
    server.say("good")
    server.fail(503, "busy")
    server.say('{"passed": true}')
    verifier = {"verifier": "tools.llm.call", "verifier_kwargs": {**PROVIDER, "prompt": "%CONTENT%?", "json": True}}
    run, results = finish(staff, reflexive(**verifier, retry_policy={"max_retries": 1, "delay": 0.01}))
    assert run.status == "completed", run.error
    done = results["wait"]["result"]
    assert (done["content"], done["turns"], len(server.seen)) == ("good", 1, 3)


def test_what_the_public_builder_makes_of_it_runs(staff: Workers, server: ModelServer) -> None:
    builder = WorkflowBuilder("built")
    prompt = {**PROVIDER, "prompt": "Write a number."}
    check = {"code": "result = int('%CONTENT%') == 7"}
    builder.reflexive("write", "tools.llm.call", "tools.code.exec", prompt, check, max_turns=2)
    builder.wait_for_event("end", "{{write.completion_event}}")
    server.say("6")
    server.say("7")
    run, results = finish(staff, json.loads(builder.build().to_json()))
    assert run.status == "completed", run.error
    assert "7" in json.dumps(results["end"])
    assert "it was refused without a reason" in server.seen[1]["body"]["messages"][-1]["content"]
