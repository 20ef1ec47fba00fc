"""Fan out, fan in

Do independent pieces of work at the same time, wait for all of them, and put their results together.

Tags: parallel
Inputs: {"city": "Utrecht"}
"""

from highway_dsl import WorkflowBuilder


def weather(branch: WorkflowBuilder) -> WorkflowBuilder:
    return branch.task(
        "ask_weather", "tools.shell.run", args=["printf 'rain in %s' \"$CITY\""], env={"CITY": "{{inputs.city}}"}
    )


def traffic(branch: WorkflowBuilder) -> WorkflowBuilder:
    branch.task("ask_traffic", "tools.shell.run", args=["printf 3"], result_key="jams")
    return branch.task(
        "judge", "tools.code.exec", args=["result = 'slow' if int(n) > 2 else 'free'", {"n": "{{jams.stdout}}"}]
    )


builder = WorkflowBuilder("fan_out_fan_in", version="1.0.0")
builder.parallel_with_join(
    "look_around", {"weather": weather, "traffic": traffic}, timeout_seconds=60, join_result_key="seen"
)
builder.task(
    "advise",
    "tools.log.info",
    args=["{{seen.weather.result.ask_weather.stdout}}, roads are {{seen.traffic.result.judge}}"],
)
workflow = builder.build()
