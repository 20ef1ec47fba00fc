"""What a tool is: a name, a typed input, a function, and what the engine must know to run it safely."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.model.requests import Request
from engine.tools.errors import ToolInputError

_ARGUMENTS: dict[
    type[BaseModel], tuple[str, ...]
] = {}  # read once for each model: pydantic makes its table of fields anew each time

SideEffect = Literal["pure", "idempotent", "effectful"]
Input = TypeVar("Input", bound=BaseModel)


class ToolInput(BaseModel):
    """Base of every tool's input: unknown arguments are refused, so a misspelt one is an error and not a default."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


@dataclass(frozen=True, slots=True)
class ToolSpec(Generic[Input]):
    """One tool as the engine, the docs and the forms know it.

    ``inline`` tools cannot block and run in the worker's own loop. ``transactional`` ones get ``ctx.transaction``, and their database work
    commits together with the step's checkpoint. ``side_effect`` says what a second execution would do: nothing to see (pure), the same
    (idempotent), or more (effectful). ``durable`` ones get ``ctx.ledger`` and are called again after each wait that they ask for.
    ``resource`` tells calls apart that may fail apart, by their input.
    ``beats_itself``: as an activity it sends heartbeats, so that its silence means something.
    ``passes_on``: it calls something with the arguments that are not its own; its input has fields ``args`` and ``kwargs`` for them.
    ``library``: it gets ``ctx.library``, the tenant's documents.
    ``output_model`` is the form of its result, for the docs: nothing is validated against it when it runs.
    """

    name: str
    run: Callable[[ToolContext, Input], Json | Request]
    input_model: type[Input]
    side_effect: SideEffect
    inline: bool = False
    transactional: bool = False
    durable: bool = False
    resource: Callable[[Input], str] | None = None  # what a circuit breaker guards; None: the tool as a whole
    beats_itself: bool = False
    passes_on: bool = False
    library: bool = False
    output_model: type[BaseModel] | None = None

    @property
    def summary(self) -> str:
        """The first paragraph of the function's docstring, on one line."""
        return " ".join((inspect.getdoc(self.run) or "").split("\n\n")[0].split())


def bind(spec: ToolSpec[Any], args: Sequence[Json], kwargs: Mapping[str, Json]) -> BaseModel:
    """Make the tool's typed input of a call's arguments; positional ones follow the order of the input's fields.

    Raises `ToolInputError` that names every wrong argument in plain words.
    """
    if spec.passes_on:
        args, kwargs = _passed_on(spec, args, kwargs)
    named: JsonObject = {**_by_position(spec, args, kwargs), **kwargs} if args else dict(kwargs)
    try:
        return spec.input_model.model_validate(named)  # type: ignore[no-any-return]
    except ValidationError as error:
        problems = "; ".join(
            _problem(spec, detail) for detail in error.errors(include_url=False, include_context=False)
        )
        raise ToolInputError(f"{spec.name}: {problems}") from None


def argument_names(spec: ToolSpec[Any]) -> tuple[str, ...]:
    """The names by which a workflow gives this tool its arguments, in positional order."""
    names = _ARGUMENTS.get(spec.input_model)
    if names is None:
        fields = spec.input_model.model_fields.items()
        names = _ARGUMENTS[spec.input_model] = tuple(info.alias or name for name, info in fields)
    return names


def _passed_on(
    spec: ToolSpec[Any], args: Sequence[Json], kwargs: Mapping[str, Json]
) -> tuple[Sequence[Json], Mapping[str, Json]]:
    """The first positional argument is the tool's own, and so are the names of its input; all others go into ``args`` and ``kwargs``."""
    own = {name: value for name, value in kwargs.items() if name in argument_names(spec)}
    others = {name: value for name, value in kwargs.items() if name not in own}
    given_args, given_kwargs = own.get("args", []), own.get("kwargs", {})
    if args and isinstance(given_args, list):
        own["args"] = [*args[1:], *given_args]
    if others and isinstance(given_kwargs, dict):
        own["kwargs"] = {**given_kwargs, **others}
    return args[:1], own


def _by_position(spec: ToolSpec[Any], args: Sequence[Json], kwargs: Mapping[str, Json]) -> JsonObject:
    names = argument_names(spec)
    if len(args) > len(names):
        raise ToolInputError(f"{spec.name}: takes at most {len(names)} arguments ({', '.join(names)}), got {len(args)}")
    named = dict(zip(names, args, strict=False))
    twice = sorted(named.keys() & kwargs.keys())
    if twice:
        raise ToolInputError(f"{spec.name}: {', '.join(twice)} was given both by position and by name")
    return named


def _problem(spec: ToolSpec[Any], detail: ErrorDetails) -> str:
    where = ".".join(str(part) for part in detail["loc"]) or "arguments"
    if detail["type"] == "missing":
        return f"{where} is required"
    if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
        return f"{where} is not an argument (it takes {', '.join(argument_names(spec)) or 'none'})"
    message = detail["msg"].removeprefix("Value error, ")
    return f"{where}: {message[:1].lower()}{message[1:]}"
