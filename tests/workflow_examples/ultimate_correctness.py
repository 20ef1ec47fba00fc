"""Every step adds one to a counter of its own, in one transaction with its checkpoint. At the end each counter must read exactly one.

However often workers are killed while it runs, the last task, ``verdict``, gives ``EVERY_STEP_EXACTLY_ONCE`` or the run fails.
"""

from highway_dsl import Duration, Workflow, WorkflowBuilder

ITEMS = ["red", "green", "blue"]
ROUNDS = 3
BRANCHES = ("left", "middle", "right")


def counter(step: str) -> str:
    """The counter of one step of this run."""
    return "ultimate/{{workflow_run_id}}/" + step


def count(builder: WorkflowBuilder, task_id: str, step: str | None = None, **more: object) -> WorkflowBuilder:
    """A task that counts its own execution."""
    return builder.task(task_id, "tools.simple_counter.increment", args=[counter(step or task_id)], **more)


def branch(name: str):
    """A branch that counts, pauses, and counts again."""

    def build(builder: WorkflowBuilder) -> WorkflowBuilder:
        count(builder, f"{name}_begin")
        builder.wait(f"{name}_pause", Duration.seconds(0.3))
        return count(builder, f"{name}_end")

    return build


def each_item(body: WorkflowBuilder) -> WorkflowBuilder:
    count(body, "item_first", "item_first/{{item}}")
    return count(body, "item_second", "item_second/{{item}}")


def each_round(body: WorkflowBuilder) -> WorkflowBuilder:
    body.task("turn", "tools.simple_counter.increment", args=[counter("turns")])
    return count(body, "round_step", "round_step/{{turn.value}}")


def counted_steps() -> list[str]:
    """Names of all counters that must read one."""
    return [
        *("start", "rescue", "after_rescue", "chosen", "gathered"),
        *(f"{name}_{part}" for name in BRANCHES for part in ("begin", "end")),
        *(f"{part}/{item}" for part in ("item_first", "item_second") for item in ITEMS),
        *(f"round_step/{number}" for number in range(1, ROUNDS + 1)),
    ]


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("ultimate_correctness", version="1.0.0")
    count(builder, "start")

    builder.task("fails", "tools.shell.run", args=["exit 1"], dependencies=["start"])
    builder.retry(max_retries=1, delay=Duration.seconds(0.1), backoff_factor=1.0).on_failure("rescue")
    count(builder, "rescue")
    count(builder, "after_rescue")

    builder.parallel_with_join("fork", branches={name: branch(name) for name in BRANCHES}, timeout_seconds=300)
    count(builder, "gathered")

    builder.foreach("items_loop", "{{items}}", loop_body=each_item)
    builder.while_loop("rounds_loop", "{{turn.value | default(0)}} < 3", loop_body=each_round)

    builder.condition(
        "choice",
        "{{start.value}} == 1",
        if_true=lambda side: count(side, "chosen"),
        if_false=lambda side: count(side, "not_chosen"),
    )

    builder.foreach(
        "read_counters",
        "{{counted}}",
        loop_body=lambda body: body.task("read", "tools.simple_counter.get", args=[counter("{{item}}")]),
    )
    builder.task("read_not_chosen", "tools.simple_counter.get", args=[counter("not_chosen")])
    builder.task(
        "verdict",
        "tools.code.exec",
        kwargs={
            "code": (
                "wrong = {count['name']: count['value'] for count in counts if count['value'] != 1}\n"
                "if wrong or not_chosen != 0:\n"
                "    raise AssertionError(f'not executed exactly once: {wrong}, not_chosen: {not_chosen}')\n"
                "result = 'EVERY_STEP_EXACTLY_ONCE'\n"
            ),
            "inputs": {"counts": "{{read_counters.results}}", "not_chosen": "{{read_not_chosen.value}}"},
        },
    )
    workflow = builder.build()
    workflow.set_variables({"items": ITEMS, "counted": counted_steps()})
    return workflow
