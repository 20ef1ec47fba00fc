"""The language's models in the order in which they are taught."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, get_args

from pydantic import BaseModel

from engine.language.definition import (
    BaseOperator,
    Branch,
    Child,
    Choice,
    CircuitBreakerPolicy,
    Compensation,
    Guard,
    Operator,
    RetryPolicy,
    TimeoutPolicy,
)
from engine.language.definition.limits import RunLimit, StepLimit
from engine.tools.spec import ToolSpec

_RETURNS = re.compile(r"Returns .*?[.;](?= |$)")

# Every operator by the name it has in a definition.
OPERATORS: Mapping[str, type[BaseOperator]] = MappingProxyType(
    {get_args(model.model_fields["operator_type"].annotation)[0]: model for model in get_args(get_args(Operator)[0])}
)
# What fields of operators are made of.
PARTS: tuple[type[BaseModel], ...] = (
    *(RetryPolicy, TimeoutPolicy, CircuitBreakerPolicy, Guard),
    *(Compensation, RunLimit, StepLimit, Branch, Choice, Child),
)


def promise(model: type[BaseModel]) -> str:
    """The docstring of a model, on one line, in Markdown."""
    return " ".join((inspect.getdoc(model) or "").replace("``", "`").split())


def told(spec: ToolSpec[Any]) -> str:
    """What a tool does, and what it returns where its first paragraph does not say so, on one line, in Markdown."""
    returns = _RETURNS.search(" ".join((inspect.getdoc(spec.run) or "").split()))
    words = spec.summary
    if returns and "eturns" not in words:
        words = f"{words} {returns[0].rstrip('.;')}."
    elif spec.output_model and "eturns" not in words:
        fields = ", ".join(f'"{name}"' for name in spec.output_model.model_fields)
        words = f"{words} Returns `{{{fields}}}`."
    return words.replace("``", "`")
