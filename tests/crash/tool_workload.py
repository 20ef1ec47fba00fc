"""A workflow in which every tool with a world of its own is called at once, and what a completed run of it must have done."""

from __future__ import annotations

from typing import Any

from engine.model.json import JsonObject
from tests.engine.definitions import op, task, workflow

RUN = "{{workflow_run_id}}"
MODEL: JsonObject = {"provider": "main", "model": "m"}
TICKS = 2

MODULE, SOURCE = (
    "crash_module",
    """
def work(ctx, run):
    with ctx.transaction("count") as tx:
        tx.counter_add(run + "/module")
    ctx.sleep(0.05)
    return ctx.step("double", lambda: 2 * 21)
""",
)
TICK: JsonObject = workflow(
    task("count", function="tools.simple_counter.increment", args=["{{inputs.run}}/tick/{{inputs.tick}}"])
) | {"name": "crash_tick", "version": "1"}
PROJECT = """
project demo "Demo" 2026-01-05 +1m { timezone "Europe/Berlin" }
resource dev "Dev" { }
task build "Build" { task a "First" { effort 2d allocate dev } }
"""
_VERDICT: JsonObject = {"type": "object", "properties": {"passed": {"type": "boolean"}}, "required": ["passed"]}

COUNTERS = ("agent", "module", *(f"tick/{number}" for number in range(1, TICKS + 1)))
TASKS = ["", "write"]  # the run's own, and the activity of the reflexive operator
ASKED = 9  # of the model: an answer, two turns, two drafts and their two verdicts, two texts to embed
# Where a completed run's result has what.
GAVE: dict[str, Any] = {
    "read.rows": [{"n": 1}],
    "find.matches.0.document_id": "paris",
    "work.status": "achieved",
    "work.calls": ["tools.simple_counter.increment"],
    "written.result.turns": 2,
    "written.result.content": "polished",
    "module": 42,
    "loop.ticks": TICKS,
    "loop.failed": 0,
    "two": "ab",
    "plan.windows.build.a": {"start": "2026-01-05T08:00:00+00:00", "end": "2026-01-06T16:00:00+00:00"},
}


def all_tools(mcp_url: str) -> JsonObject:
    """The definition. Whatever does not build on another begins at once."""
    calls = [*_effects(mcp_url), *_library(), *_agents(), *_durable(), *_installed()]
    return workflow(*calls) | {"name": "crash_tools", "version": "1"}


def _effects(mcp_url: str) -> list[JsonObject]:
    put = "INSERT INTO public.outside (run) VALUES (%s) ON CONFLICT DO NOTHING"
    read = "SELECT count(*)::int AS n FROM public.outside WHERE run = %s"
    mail = {"to": f"{RUN}@example.org", "subject": "s", "body": "b"}
    note = {"url": mcp_url, "allow_internal": True, "tool": "note", "arguments": {"text": RUN}}
    return [
        _call("mail", "email.send", **mail),
        _call("ask", "llm.call", **MODEL, prompt=f"Hello {RUN}"),
        _call("put", "database.query", database="outside", sql=put, parameters=[RUN], write=True),
        _call("read", "database.query", "put", database="outside", sql=read, parameters=[RUN]),
        _call("note", "mcp.invoke", **note),
    ]


def _library() -> list[JsonObject]:
    about: JsonObject = {"collection": RUN, **MODEL}
    documents = [{"id": "paris", "text": f"Paris {RUN}"}, {"id": "rome", "text": f"Rome {RUN}"}]
    return [
        _call("index", "rag.index", **about, documents=documents),
        _call("find", "rag.query", "index", **about, query=f"What is Paris {RUN}?", top_k=1),
    ]


def _agents() -> list[JsonObject]:
    check = {**MODEL, "prompt": f"Check {RUN}: %CONTENT%", "json_schema": _VERDICT}
    write = {"generator": "tools.llm.call", "generator_kwargs": {**MODEL, "prompt": f"Write about {RUN}"}}
    return [
        _call("goal", "agent.init_goal", **MODEL, goal=f"Count for {RUN}", tools=["tools.simple_counter.increment"]),
        _call("work", "agent.run_goal", "goal"),
        op("reflexive", "write", **write, verifier="tools.llm.call", verifier_kwargs=check),
        _call("written", "workflow.wait_for_activity", "write", activity="{{write}}"),
    ]


def _durable() -> list[JsonObject]:
    tick: JsonObject = {"workflow_name": str(TICK["name"]), "inputs": {"run": RUN}}
    return [
        task("module", function="tools.python.run", args=[f"{MODULE}.work", RUN]),
        _call("loop", "cron.durable_cron", cron="* * * * * *", max_ticks=TICKS, **tick),
        _call("one", "memory.append", name="said", text="a"),
        _call("two", "memory.append", "one", name="said", text="b"),
    ]


def _installed() -> list[JsonObject]:
    return [
        _call("plan", "scriptplan.windows", project=PROJECT),
        _call("keep", "datashard.append", table="kept", records=[{"run": RUN}]),
    ]


def _call(task_id: str, tool: str, /, *after: str, **kwargs: Any) -> JsonObject:
    return task(task_id, *after, function=f"tools.{tool}", kwargs=kwargs)
