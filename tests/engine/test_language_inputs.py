"""`{{inputs.name}}` against the inputs that a workflow declares, or is given."""

from __future__ import annotations

from typing import Any

import pytest

from engine.language import check
from tests.engine.definitions import op, task, workflow

TOOLS = {"tools.x"}


def found(value: Any, inputs: list[str] | None = None) -> list[tuple[str, str]]:
    """(path, message) of the warnings about inputs; there is no other problem."""
    problems = check(value, TOOLS, inputs)
    assert {(one.code, one.severity) for one in problems} <= {("unknown_input", "warning")}
    return [(one.path, one.message) for one in problems]


def declared(*tasks: Any, **variables: Any) -> Any:
    return workflow(*tasks, variables=variables)


def test_an_input_that_is_not_declared_is_a_warning_with_the_nearest_names() -> None:
    value = declared(task("a", kwargs={"to": ["{{ inputs.regoin.code }}"]}), region="eu")
    assert found(value) == [
        (
            "$.tasks.a.kwargs.to[0]",
            "no input 'regoin' is declared by the variables of this workflow; did you mean 'region'?",
        )
    ]


def test_what_the_run_is_given_counts_and_what_is_declared_too() -> None:
    value = declared(task("a", args=["{{inputs.customer}} {{inputs.region}} ${inputs.custmer}"]), region="eu")
    said = "no input 'custmer' is given to this workflow; did you mean 'customer'?"
    assert found(value, ["customer"]) == [("$.tasks.a.args[0]", said)]


@pytest.mark.parametrize(
    ("operator", "path"),
    [
        (op("condition", "c", condition='inputs.lvel == "high"'), "$.tasks.c.condition"),
        (op("condition", "c", condition="not (len(inputs.lvel) > 1)"), "$.tasks.c.condition"),
        (op("switch", "c", switch_on="{{inputs.lvel}}"), "$.tasks.c.switch_on"),
        (op("foreach", "c", items="inputs.lvel", loop_body=[task("b")]), "$.tasks.c.items"),
        (op("foreach", "c", items=["x"], loop_body=[task("b", args=["{{inputs.lvel}}"])]), None),
        (op("wait", "c", wait_for="{{inputs['lvel']}}"), "$.tasks.c.wait_for"),
        (task("c", preconditions=[{"variable": "inputs.lvel", "check": "not_null"}]), None),
    ],
)
def test_conditions_and_every_other_expression_are_looked_at(operator: Any, path: str | None) -> None:
    [(got, message)] = found(declared(operator, level=1))
    assert got.startswith("$.tasks.c.")
    assert path is None or got == path
    assert message.endswith("did you mean 'level'?")


def test_nothing_is_said_when_nothing_is_declared_and_no_inputs_are_known() -> None:
    assert found(workflow(task("a", args=["{{inputs.anything}}"]))) == []
    assert len(found(workflow(task("a", args=["{{inputs.anything}}"])), [])) == 1


def test_a_variable_that_is_the_state_of_a_loop_declares_no_inputs() -> None:
    state = declared(task("a", args=["{{inputs.seat}} {{state.value}}"]), state={"value": "unknown"})
    assert found(state) == []
    both = declared(task("a", args=["{{inputs.seat}} {{state}} {{inputs.state}}"]), state=1)
    assert len(found(both)) == 1


@pytest.mark.parametrize(
    "careful",
    [
        task("g", args=["{{ inputs.extra | default(null) }}"]),
        op("condition", "g", condition='inputs contains "extra"'),
        op("condition", "g", condition='"extra" in inputs and inputs.extra > 1'),
        op("condition", "g", condition='not ("extra" in {{ inputs }})'),
        op("condition", "g", condition="inputs contains inputs.level"),
        op("condition", "g", condition="len(inputs) > 1"),
        task("g", preconditions=[{"variable": "inputs.extra", "check": "exists"}]),
    ],
)
def test_a_name_that_may_be_missing_as_its_author_shows_is_no_false_alarm(careful: Any) -> None:
    assert found(declared(careful, task("a", "g", args=["{{inputs.extra}}"]), level=1)) == []


def test_what_the_platform_gives_and_names_of_the_workflows_own_are_known() -> None:
    given = "{{inputs.ds}} {{inputs.scheduled_time}} {{inputs.items[0]}} {{inputs.goal}}"
    assert found(declared(task("a", args=[given, "{{inputs}}"]), level=1)) == []
    assert found(declared(task("a", result_key="inputs"), task("b", "a", args=["{{inputs.own}}"]), level=1)) == []
