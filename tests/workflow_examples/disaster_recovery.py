"""Branches that succeed, fail and wait, a gate, loops and a switch: survives workers that are killed while it runs.

Every step writes its own line when it has done its work. The report is the standard output of the last task, ``workflow_end``: one line each.
"""

from highway_dsl import Duration, Workflow, WorkflowBuilder


def say(line: str) -> str:
    """A command that writes one line."""
    return f"printf '%s' '{line}'"


def add_to(report: str, line: str) -> str:
    """A command that writes the report so far and then a line."""
    return f"printf '%s\\n%s' '{report}' '{line}'"


def branch_a(branch: WorkflowBuilder) -> WorkflowBuilder:
    return branch.task("a_work", "tools.shell.run", args=[f"sleep 0.2; {say('BRANCH_A_SUCCESS')}"])


def branch_b(branch: WorkflowBuilder) -> WorkflowBuilder:
    """Fails, and makes up for it."""
    branch.task("b_work", "tools.shell.run", args=["echo 'the disk is on fire' >&2; exit 7"])
    branch.retry(max_retries=1, delay=Duration.seconds(0.1), backoff_factor=1.0).on_failure("b_compensate")
    compensated = say("BRANCH_B_COMPENSATION_SUCCESS")
    branch.task("b_compensate", "tools.shell.run", args=[f"[ '{{{{failed_task_id}}}}' = b_work ] && {compensated}"])
    return branch.task("b_confirm", "tools.log.info", args=["compensated: {{b_compensate.stdout}}"])


def branch_c(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.wait_for_event("c_hear", "all_clear", timeout_seconds=120)
    return branch.task("c_received", "tools.shell.run", args=[say("BRANCH_C_{{c_hear.what}}")])


def each_file(body: WorkflowBuilder) -> WorkflowBuilder:
    """Two steps for each file; what the second leaves as ``report`` is where the next file goes on."""
    processed = add_to("{{report.stdout}}", "PROCESSED_{{item}}")
    validated = add_to("{{file_processed.stdout}}", "VALIDATED_{{item}}")
    body.task("file_processed", "tools.shell.run", args=[processed])
    return body.task("file_validated", "tools.shell.run", args=[validated], result_key="report")


def each_round(body: WorkflowBuilder) -> WorkflowBuilder:
    """Says which round it is, and counts it in a variable that the loop's condition reads."""
    command = add_to("{{after_switch.stdout}}", "WHILE_ROUND_{{loop.index}}")
    body.task("round_work", "tools.shell.run", args=[command], result_key="after_switch")
    return body.task("count_round", "tools.memory.append", args=["rounds", "x"])


def get_workflow() -> Workflow:
    builder = WorkflowBuilder("disaster_recovery", version="1.0.0")
    builder.task("workflow_start", "tools.shell.run", args=[say("WORKFLOW_START")])

    builder.parallel("fork", branches={"a": branch_a, "b": branch_b, "c": branch_c}, result_key="branches")
    builder.wait("before_all_clear", Duration.seconds(0.5), dependencies=["fork"])
    builder.emit_event("all_clear", "all_clear", payload={"what": "EVENT_RECEIVED"}, dependencies=["before_all_clear"])
    builder.task(
        "gate",
        "tools.workflow.wait_for_parallel_branches",
        args=["{{branches}}"],
        kwargs={"timeout_seconds": 300},
        dependencies=["fork"],
        result_key="ended",
    )
    from_branches = (
        "printf '%s\\n' '{{workflow_start.stdout}}' '{{ended.a.result.a_work.stdout}}' "
        "'{{ended.b.result.b_compensate.stdout}}' '{{ended.c.result.c_received.stdout}}'; printf SYNC_GATE_PASSED"
    )
    builder.task(
        "gate_passed",
        "tools.shell.run",
        args=[from_branches],
        dependencies=["gate", "all_clear"],
        result_key="report",
    )

    builder.foreach("files", "{{file_names}}", loop_body=each_file)

    builder.switch(
        "kind",
        "{{what_it_is_about}}",
        cases={"animals": "case_animals", "plants": "case_plants"},
        default="case_other",
    )
    for case in ("animals", "plants", "other"):
        builder.task(
            f"case_{case}",
            "tools.shell.run",
            args=[add_to("{{report.stdout}}", f"SWITCH_CASE_{case.upper()}")],
            dependencies=["kind"],
            result_key="case",
        )
    builder.task(
        "switch_joined",
        "tools.shell.run",
        args=[add_to("{{case.stdout}}", "SWITCH_JOINED")],
        dependencies=["case_animals", "case_plants", "case_other"],
        result_key="after_switch",
    )

    builder.while_loop("rounds_loop", "len(rounds) < 2", loop_body=each_round)

    builder.task("workflow_end", "tools.shell.run", args=[add_to("{{after_switch.stdout}}", "WORKFLOW_END")])
    workflow = builder.build()
    workflow.set_variables({"file_names": ["first.csv", "second.csv"], "what_it_is_about": "animals", "rounds": ""})
    return workflow
