from __future__ import annotations

import pytest

from engine.tools import registry
from engine.tools.errors import ToolCancelled, ToolError, ToolInputError, ToolTimeout
from engine.tools.results import MAX_BYTES, MAX_DEPTH, check_result
from engine.tools.spec import bind
from tests.engine.tool_calls import context


def nested(depth: int) -> object:
    value: object = 1
    for _ in range(depth - 1):
        value = [value]
    return value


def test_every_tool_has_a_name_of_its_own_a_summary_and_a_typed_input() -> None:
    for name, spec in registry.items():
        assert name == spec.name
        assert name.startswith("tools.")
        assert spec.summary.endswith("."), name
        assert spec.input_model.model_json_schema()["type"] == "object"


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        registry["tools.evil"] = registry["tools.log.info"]  # type: ignore[index]


def test_positional_arguments_follow_the_fields_of_the_input() -> None:
    spec = registry["tools.list_generator.generate_items"]
    assert bind(spec, [3, "file"], {}) == bind(spec, [], {"count": 3, "prefix": "file"})


def test_text_that_a_template_made_is_read_as_the_number_it_spells() -> None:
    assert bind(registry["tools.list_generator.generate_items"], ["3"], {}).count == 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("tool", "args", "kwargs", "message"),
    [
        ("tools.list_generator.generate_items", [], {}, "tools.list_generator.generate_items: count is required"),
        ("tools.list_generator.generate_items", ["many"], {}, "count: input should be a valid integer"),
        ("tools.list_generator.generate_items", [-1], {}, "count: input should be greater than or equal to 0"),
        ("tools.list_generator.generate_items", [1, "a", 2], {}, "takes at most 2 arguments (count, prefix), got 3"),
        ("tools.list_generator.generate_items", [1], {"count": 2}, "count was given both by position and by name"),
        ("tools.list_generator.generate_items", [1], {"size": 2}, "size is not an argument (it takes count, prefix)"),
        ("tools.memory.set", ["__class__", 1], {}, "name: string should match pattern"),
        ("tools.memory.set", [], {}, "name is required; value is required"),
        ("tools.workflow.execute", [], {}, "give exactly one of workflow_name and definition_id"),
        ("tools.workflow.wait_for_parallel_branches", ["fork"], {}, "fork_data: input should be"),
    ],
)
def test_wrong_arguments_are_refused_in_plain_words(tool: str, args: list, kwargs: dict, message: str) -> None:
    with pytest.raises(ToolInputError) as refused:
        bind(registry[tool], args, kwargs)
    assert message in refused.value.message
    assert refused.value.step_error().kind == "input"
    assert refused.value.step_error().retryable is False


def test_failures_become_step_errors_of_their_kind() -> None:
    assert ToolError("no", type="ExitCode").step_error().to_json() == {
        "kind": "tool",
        "message": "no",
        "type": "ExitCode",
        "retryable": True,
    }
    assert ToolTimeout("late").step_error().kind == "timeout"
    assert ToolTimeout("late").step_error().retryable is True
    assert ToolCancelled().step_error().retryable is False


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "text", [], {}, {"a": [1, {"b": None}]}, nested(MAX_DEPTH)])
def test_json_may_become_a_result(value: object) -> None:
    check_result(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "$ is nan"),
        ({"a": [1, float("inf")]}, "$.a[1] is inf"),
        ({"a": b"raw"}, "$.a is of type bytes"),
        ({"a": {1: 2}}, "$.a has a key of type int"),
        ([object()], "$[0] is of type object"),
        ((1, 2), "$ is of type tuple"),
        (["a\0b"], "$[0] contains a NUL character"),
        ({"a\0": 1}, "$ has a key with a NUL character"),
        ("\ud800", "$ cannot be written as UTF-8"),
        ([10**5000], "$ cannot be written"),
        (nested(MAX_DEPTH + 1), "nested deeper than 64"),
        ("x" * MAX_BYTES, "the limit is 16,777,216"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(value: object, message: str) -> None:
    with pytest.raises(ToolError) as refused:
        check_result(value)
    assert message in refused.value.message
    assert refused.value.type == "InvalidResult"
    assert refused.value.retryable is False


def test_a_result_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(ToolError, match="nested deeper"):
        check_result(loop)


def test_a_context_counts_down_its_timeout() -> None:
    assert context().remaining_seconds() is None
    assert context().bounded(5) == 5
    ctx = context(timeout_seconds=10)
    assert 9 < (ctx.remaining_seconds() or 0) <= 10
    assert ctx.bounded(3) == 3
    assert (ctx.bounded(None) or 0) <= 10
    assert context(timeout_seconds=0).remaining_seconds() == 0
