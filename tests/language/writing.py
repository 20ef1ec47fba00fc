"""Types a plan into the public builder, as an author would."""

from __future__ import annotations

from typing import Any

from highway_dsl import CircuitBreakerPolicy, JoinMode, TriggerRule, WorkflowBuilder

from tests.language.plans import Item


def write(plan: list[Item]) -> WorkflowBuilder:
    """The builder with the whole plan written into it."""
    return _write(WorkflowBuilder("w"), plan)


def _write(builder: WorkflowBuilder, items: list[Item]) -> WorkflowBuilder:
    for item in items:
        _call(builder, item)
        _settle(builder, item)
    return builder


def _body(items: list[Item]) -> Any:
    return lambda builder: _write(builder, items)


def _call(builder: WorkflowBuilder, item: Item) -> None:
    options = dict(item.options)
    if item.after is not None:
        options["dependencies"] = list(item.after)
    if "trigger_rule" in options:
        options["trigger_rule"] = TriggerRule(options["trigger_rule"])
    method = getattr(builder, item.kind)
    if item.kind == "condition":
        sides = [_body(item.inner.get(side, [])) for side in ("if_true", "if_false")]
        method(item.id, options.pop("condition"), *sides, **options)
    elif item.kind in {"foreach", "while_loop"}:
        over = options.pop("items" if item.kind == "foreach" else "condition")
        method(item.id, over, _body(item.inner["body"]), **options)
    elif item.kind in {"parallel", "parallel_with_join"}:
        method(item.id, {name: _body(inner) for name, inner in item.inner.items()}, **options)
    elif item.kind == "multi_choice":
        method(item.id, {name: ("1 == 1", _body(inner)) for name, inner in item.inner.items()}, **options)
    elif item.kind == "join":
        method(item.id, options.pop("join_tasks"), JoinMode(options.pop("join_mode")), **options)
    else:
        if item.kind == "task" and item.settings.get("breaker"):
            options["circuit_breaker_policy"] = CircuitBreakerPolicy(**item.settings["breaker"])
        method(item.id, **options)


def _settle(builder: WorkflowBuilder, item: Item) -> None:
    """The calls that say more about the item just written."""
    settings = item.settings
    if "retry" in settings:
        builder.retry(**settings["retry"])
    if "timeout" in settings:
        builder.timeout(**settings["timeout"])
    for handler in ("on_success", "on_failure"):
        if handler in settings:
            getattr(builder, handler)(settings[handler])
    for guard in ("precondition", "postcondition"):
        if guard in settings:
            getattr(builder, guard)(*settings[guard], "it must hold")
