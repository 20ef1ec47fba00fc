"""Runs all checks over all scopes of a definition."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice

from engine.language.checks import (
    ahead,
    breakers,
    given,
    graphs,
    names,
    references,
    schedules,
    settings,
    tools,
    warnings,
)
from engine.language.definition import Definition
from engine.language.hints import Hints
from engine.language.problems import DefinitionError, Problem
from engine.language.reading import read_definition
from engine.language.scopes import scope_of
from engine.model.json import Json

MAX_PROBLEMS = 1_000


def check(
    value: Json, known_tools: Collection[str] | None = None, inputs: Collection[str] | None = None
) -> list[Problem]:
    """All problems of a raw definition, errors first; empty when it is sound.

    ``known_tools`` are the tools that this platform and tenant have, ``inputs`` the names a run is given; None when that is not known.
    """
    try:
        definition = read_definition(value)
    except DefinitionError as error:
        return error.problems
    return [*check_typed(definition, known_tools, inputs), *settings.problems(value, definition)][:MAX_PROBLEMS]


def check_typed(
    definition: Definition, known_tools: Collection[str] | None = None, inputs: Collection[str] | None = None
) -> list[Problem]:
    """The same for a definition that has been read."""
    found = list(islice(_problems(definition, known_tools, inputs), MAX_PROBLEMS))
    return sorted(found, key=lambda problem: problem.severity != "error")


def _problems(
    definition: Definition, known_tools: Collection[str] | None, inputs: Collection[str] | None
) -> Iterator[Problem]:
    root = scope_of(definition)
    yield from schedules.problems(definition)
    hints = Hints()
    yield from references.start_problems(definition, hints)
    yield from given.problems(definition, root, inputs, hints)
    known_names = names.KnownNames(definition, root, inputs)
    for scope in root.walk():
        yield from references.problems(scope, hints)
        yield from graphs.problems(scope)
        if known_tools is not None:
            yield from tools.problems(scope, known_tools, hints)
        yield from names.problems(scope, known_names, hints)
        yield from warnings.problems(scope)
        yield from breakers.problems(scope)
        yield from ahead.problems(scope)
