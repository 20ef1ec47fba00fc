"""Templates: paths into JSON values, native or as text, with one filter."""

from __future__ import annotations

from typing import Any

import pytest

from engine.language.expressions import (
    EvaluationError,
    ExpressionSyntaxError,
    MapNames,
    UndefinedName,
    as_text,
    compile_value,
    parse_template,
)

NAMES = MapNames(
    {
        "order": {"id": 7, "lines": [{"sku": "a-1"}, {"sku": "b-2"}], "a key": True, "0": "zero"},
        "n": 3,
        "text": "hello",
        "nothing": None,
        "yes": True,
        "_artifact_id": "art",
        "my-task": {"stdout": "out"},
        "inputs": {"name": "Ada"},
    }
)


def evaluate(template: str) -> Any:
    return parse_template(template).evaluate(NAMES)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ order.id }}", 7),
        ("{{order.lines}}", [{"sku": "a-1"}, {"sku": "b-2"}]),
        ("{{order.lines[1].sku}}", "b-2"),
        ("{{order.lines.1.sku}}", "b-2"),
        ("{{order.lines[-1].sku}}", "b-2"),
        ('{{order["a key"]}}', True),
        ("{{order['0']}}", "zero"),
        ("{{order.0}}", "zero"),
        ("{{nothing}}", None),
        ("${n}", 3),
        ("{{_artifact_id}}", "art"),
        ("{{my-task.stdout}}", "out"),
        ("{{inputs.name}}", "Ada"),
    ],
)
def test_a_text_that_is_one_template_is_the_native_value(template: str, value: Any) -> None:
    found = evaluate(template)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("n={{n}}", "n=3"),
        ("{{text}} {{text}}", "hello hello"),
        ("<{{nothing}}>", "<>"),
        ("<{{yes}}>", "<true>"),
        ("<{{order.lines[0]}}>", '<{"sku": "a-1"}>'),
        ("${text}!", "hello!"),
        (" {{n}}", " 3"),
        ("plain", "plain"),
        ("", ""),
        ("a } b { c }} d", "a } b { c }} d"),
    ],
)
def test_templates_inside_a_longer_text_become_text(template: str, text: str) -> None:
    assert evaluate(template) == text


@pytest.mark.parametrize("template", ["${VAR:-default}", "${#array[@]}", "$HOME", "${1}", "awk '{print $1}'", "${}"])
def test_what_is_no_path_of_ours_is_left_to_the_shell(template: str) -> None:
    assert evaluate(template) == template


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ('{{ missing | default("x") }}', "x"),
        ("{{ missing | default('x y') }}", "x y"),
        ("{{ missing | default(4) }}", 4),
        ("{{ missing | default(-1.5) }}", -1.5),
        ("{{ missing.deep[3] | default(null) }}", None),
        ("{{ missing | default(true) }}", True),
        ("{{ missing|default([]) }}", []),
        ("{{ missing|default({}) }}", {}),
        ("{{ order.nope | default(0) }}", 0),
        ("{{ n | default(0) }}", 3),
        ("{{ nothing | default(1) }}", None),
    ],
)
def test_a_default_stands_in_for_a_path_that_leads_nowhere(template: str, value: Any) -> None:
    assert evaluate(template) == value


@pytest.mark.parametrize(
    ("template", "name", "suggestion"),
    [
        ("{{ ordr.id }}", "ordr", "order"),
        ("{{ order.ids }}", "order.ids", "id"),
        ("{{ order.lines[2] }}", "order.lines[2]", None),
        ("{{ text.upper }}", "text.upper", None),
        ("{{ nothing.x }}", "nothing.x", None),
        ("a {{ inputs.nam }} b", "inputs.nam", "name"),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error_that_names_it_and_the_nearest(
    template: str, name: str, suggestion: str | None
) -> None:
    with pytest.raises(UndefinedName) as caught:
        evaluate(template)
    assert caught.value.name == name
    assert suggestion is None or suggestion in caught.value.suggestions
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "template",
    [
        "{{ n",
        "{{ }}",
        "{{ n + 1 }}",
        "{{ n.upper() }}",
        "{{ n | upper }}",
        "{{ n | default }}",
        "{{ n | default(m) }}",
        "{{ n | default(1) | default(2) }}",
        "{{ 'text' }}",
        "{{ 3 }}",
        "{{ n..m }}",
        "{{ n[ }}",
        "{{ n[m] }}",
    ],
)
def test_braces_that_hold_no_path_are_refused(template: str) -> None:
    with pytest.raises(ExpressionSyntaxError):
        parse_template(template)


def test_secrets_stay_as_they_are_written() -> None:
    text = "Bearer {{secrets.0b9d3c1e-7f64-4c26-9a55-3f2f7a0d9c11}} for {{text}}"
    assert evaluate(text) == "Bearer {{secrets.0b9d3c1e-7f64-4c26-9a55-3f2f7a0d9c11}} for hello"
    assert evaluate("{{ secrets.abc }}") == "{{ secrets.abc }}"


def test_a_template_knows_the_names_it_needs() -> None:
    template = parse_template('{{a.b}} ${c} {{ d | default("x") }} {{secrets.s}}')
    assert template.roots == {"a", "c", "d"}
    assert template.required_roots == {"a", "c"}


def test_values_are_resolved_at_any_depth_and_keys_are_not() -> None:
    value = compile_value({"{{n}}": ["{{n}}", {"deep": "{{order.id}}!"}], "plain": 1})
    assert value.render(NAMES) == {"{{n}}": [3, {"deep": "7!"}], "plain": 1}
    assert value.roots == {"n", "order"}


def test_a_value_without_templates_is_not_copied() -> None:
    source = {"a": [1, 2, {"b": "c"}]}
    value = compile_value(source)
    assert value.is_constant
    assert value.render(NAMES) is source


def test_a_text_that_would_grow_over_its_limit_is_refused() -> None:
    big = MapNames({"x": "y" * 6_000_000})
    with pytest.raises(EvaluationError, match="grows over"):
        parse_template("{{x}}{{x}}").evaluate(big)


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1"), (1.5, "1.5"), (True, "true"), (None, ""), ("x", "x"), ([1, "ä"], '[1, "ä"]'), ({}, "{}")],
)
def test_how_values_look_inside_a_text(value: Any, text: str) -> None:
    assert as_text(value) == text
