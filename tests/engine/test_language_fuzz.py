"""Whatever is sent as a definition: it is checked without an exception, and what is found sound compiles."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.interpreter import compile_program
from engine.language import DefinitionError, check, read_definition, read_json, read_yaml
from tests.engine.test_language_builder import everything

SEED = json.loads(everything().build().to_json())
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(max_size=20),
    st.sampled_from(
        ["{{", "{{ x }}", "${", "P", "PT1S", "task", "a", "fe", "__class__", "\ud800", "\0", "a" * 300, "{{a.b[0]}}"]
    ),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything inside a value."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found.extend(places(inner, (*path, key)))
    return found


PLACES = places(SEED)


@st.composite
def damaged(draw: st.DrawFn) -> Any:
    """A sound definition with a few of its values replaced or gone."""
    value = copy.deepcopy(SEED)
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
        holder = value
        for key in path[:-1]:
            try:
                holder = holder[key]
            except (KeyError, IndexError, TypeError):
                break
        else:
            _replace(draw, holder, path[-1])
    return value


def _replace(draw: st.DrawFn, holder: Any, key: Any) -> None:
    if isinstance(holder, dict) and draw(st.booleans()):
        holder.pop(key, None)
    elif isinstance(holder, dict) or (isinstance(holder, list) and isinstance(key, int) and key < len(holder)):
        holder[key] = draw(VALUES)


@settings(max_examples=300, deadline=None)
@given(damaged())
def test_a_damaged_definition_is_refused_or_compiles(value: Any) -> None:
    problems = check(value, {"tools.x"}, [])
    assert all(problem.path.startswith("$") and problem.message for problem in problems)
    if not any(problem.severity == "error" for problem in check(value)):
        compile_program(read_definition(value))


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_any_json_is_checked(value: Any) -> None:
    assert check(value)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_json, read_yaml):
        with suppress(DefinitionError):
            read(text)
