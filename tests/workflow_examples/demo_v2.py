"""The golden workflow: every phase adds its own words to the trail when it has done its work, and not before.

The result is the standard output of its last task, ``phase6_end``.
"""

from highway_dsl import Duration, JoinMode, Workflow, WorkflowBuilder


def add_to(trail: str, words: str) -> str:
    """A command that writes the trail so far and then the words."""
    return f"printf '%s::%s' '{trail}' '{words}'"


def listener(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Waits for the other branch's event, and checks that it is the right one."""
    branch.wait_for_event("hear", "phase3_{{workflow_run_id}}", timeout_seconds=60)
    received = add_to("{{phase2b_compensate.stdout}}", "PHASE3_EVENT_RECEIVED")
    return branch.task("received", "tools.shell.run", args=[f"[ '{{{{hear.said_by}}}}' = emitter ] && {received}"])


def emitter(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Lets the other branch wait a little, then emits."""
    branch.wait("hold_back", Duration.seconds(0.3))
    return branch.emit_event("say", "phase3_{{workflow_run_id}}", payload={"said_by": "emitter"})


def one_round(body: WorkflowBuilder) -> WorkflowBuilder:
    """Counts the round; the second takes the if side, the others the else side."""
    body.task("phase5_count", "tools.simple_counter.increment", args=["demo_v2/{{workflow_run_id}}/rounds"])
    return body.condition(
        "phase5_is_second",
        "{{phase5_count.value}} == 2",
        if_true=lambda side: side.task(
            "phase5_if",
            "tools.shell.run",
            args=[add_to("{{trail.stdout}}", "PHASE5_LOOP_IF_{{phase5_count.value}}")],
            result_key="trail",
        ),
        if_false=lambda side: side.task(
            "phase5_else",
            "tools.shell.run",
            args=[add_to("{{trail.stdout}}", "PHASE5_LOOP_ELSE_{{phase5_count.value}}")],
            result_key="trail",
        ),
    )


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("demo_v2", version="2.0.0")
    builder.set_description(
        "Retry, timeout and compensation, events between branches, a join, a loop: one string tells."
    )

    builder.task("phase1_setup", "tools.shell.run", args=["touch here && [ -f here ] && printf PHASE1_SETUP"])

    succeed = add_to("{{phase1_setup.stdout}}", "PHASE2A_RETRY_SUCCESS")
    builder.task(
        "phase2a_retry",
        "tools.shell.run",
        args=[f'[ "$HIGHWAY_ATTEMPT" -ge 3 ] || {{ echo "attempt $HIGHWAY_ATTEMPT fails" >&2; exit 1; }}; {succeed}'],
    ).retry(max_retries=2, delay=Duration.seconds(0.2), backoff_factor=1.0)

    builder.task("phase2b_too_slow", "tools.shell.run", args=["sleep 60"], dependencies=["phase2a_retry"])
    builder.timeout(Duration.seconds(0.5)).on_failure("phase2b_compensate")
    compensate = add_to("{{phase2a_retry.stdout}}", "PHASE2B_TIMEOUT_COMPENSATED")
    builder.task(
        "phase2b_compensate",
        "tools.shell.run",
        args=[f"[ '{{{{failed_task_id}}}}' = phase2b_too_slow ] && {compensate}"],
    )

    builder.parallel(
        "phase3_fork",
        branches={"listener": listener, "emitter": emitter},
        dependencies=["phase2b_compensate"],
        result_key="phase3_branches",
    )
    for name in ("listener", "emitter"):
        builder.task(
            f"phase4_await_{name}",
            "tools.workflow.wait_for_branch",
            args=["{{phase3_branches}}", name],
            kwargs={"timeout_seconds": 120},
            dependencies=["phase3_fork"],
        )
    builder.join(
        "phase4_gate",
        join_tasks=["phase4_await_listener", "phase4_await_emitter"],
        join_mode=JoinMode.ALL_SUCCESS,
        dependencies=["phase4_await_listener", "phase4_await_emitter"],
    )
    builder.task(
        "phase4_passed",
        "tools.shell.run",
        args=[add_to("{{phase4_await_listener.result.received.stdout}}", "PHASE4_SYNC_GATE_PASSED")],
        dependencies=["phase4_gate"],
        result_key="trail",
    )

    builder.while_loop("phase5_loop", "{{phase5_count.value | default(0)}} < 3", loop_body=one_round)

    builder.task("phase6_end", "tools.shell.run", args=[add_to("{{trail.stdout}}", "PHASE6_END")])
    return builder.build()
