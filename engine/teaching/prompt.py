"""One text that is enough to write workflows, for a language model or a person in a hurry: prompt.md with its lists made from the model and the tools."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from engine.language.definition import BaseOperator, CircuitBreakerPolicy, RetryPolicy, TimeoutPolicy, TriggerRule
from engine.language.definition.policies import GuardCheck
from engine.teaching.fields import FieldWords, fields_of
from engine.teaching.model import OPERATORS, promise, told
from engine.tools import registry
from engine.tools.spec import ToolSpec, argument_names

_TEXT = Path(__file__).with_name("prompt.md")


def dsl_prompt() -> str:
    """The whole text as Markdown. Its snippets compile and run: each says the inputs that it needs, and what is to be sent to it."""
    text = _TEXT.read_text(encoding="utf-8")
    for name, make in _MAKERS.items():
        text = text.replace(f"<<{name}>>", make())
    return text


def _operators() -> str:
    return "\n".join(
        f"- `{name}`: {promise(model)} Fields: {_fields(model, without=BaseOperator)}."
        for name, model in OPERATORS.items()
    )


def _policies() -> str:
    return "\n".join(
        f"- `{model.__name__}({_fields(model)})`" for model in (RetryPolicy, TimeoutPolicy, CircuitBreakerPolicy)
    )


def _fields(model: type[BaseModel], *, without: type[BaseModel] | None = None) -> str:
    """Names with their defaults; what is null when it is left out stands without one."""
    return ", ".join(_field(field) for field in fields_of(model, without=without))


def _field(field: FieldWords) -> str:
    value = json.loads(field.default.strip("`")) if field.default != "required" else None
    return f"{field.name}={value!r}" if value or value is False else field.name


def _tools() -> str:
    return "\n".join(f"- `{spec.name}({_arguments(spec)})` {told(spec)}" for _, spec in sorted(registry.items()))


def _arguments(spec: ToolSpec[Any]) -> str:
    fields = spec.input_model.model_fields
    names = argument_names(spec)
    needed = [name for name, info in zip(names, fields.values(), strict=True) if info.is_required()]
    optional = [name for name in names if name not in needed]
    return ", ".join([*needed, *([f"[{', '.join(optional)}]"] if optional else [])])


_MAKERS: Mapping[str, Callable[[], str]] = {
    "operators": _operators,
    "policies": _policies,
    "trigger_rules": lambda: ", ".join(f"`{rule}`" for rule in get_args(TriggerRule)),
    "checks": lambda: ", ".join(f"`{check}`" for check in get_args(GuardCheck)),
    "tools": _tools,
}
