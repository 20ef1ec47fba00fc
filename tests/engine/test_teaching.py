"""What is told about the language is made from it: nothing is missing, and every snippet is accepted."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from engine import facade
from engine.language.definition import BaseOperator, Definition
from engine.teaching.fields import fields_of, words_for
from engine.teaching.language import DOCUMENT, renewed
from engine.teaching.model import OPERATORS, PARTS
from engine.tools import registry
from engine.tools.spec import argument_names
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.support.snippets import snippets

MAX_WORDS_WITHOUT_TOOLS = 1_800


def test_the_reference_of_the_language_is_made_from_the_model_of_today() -> None:
    document = DOCUMENT.read_text()
    assert document == renewed(document), "run: python -m engine.teaching.language"


def test_every_operator_every_field_and_every_tool_is_in_the_reference() -> None:
    _, _, text = DOCUMENT.read_text().partition("## Reference")
    assert len(OPERATORS) == 15
    for name, model in OPERATORS.items():
        _, _, section = text.partition(f"\n### `{name}`\n")
        section = section.partition("\n### ")[0].partition("\n## ")[0]
        own = model.model_fields.keys() - BaseOperator.model_fields.keys()
        assert {field for field in own if f"| `{field}` |" not in section} == set(), name
    for model in (Definition, BaseOperator, *PARTS):
        assert all(f"| `{field.name}` | {field.kind}" in text for field in fields_of(model)), model
    assert all(f"| `{name}` |" in text for name in registry)


def test_every_part_that_a_field_names_is_explained() -> None:
    told = {model.__name__ for model in PARTS}
    models = (Definition, *OPERATORS.values(), *PARTS)
    named = {name for model in models for field in fields_of(model) for name in re.findall(r"`([A-Z]\w+)`", field.kind)}
    assert named == told


def test_types_are_told_in_plain_words() -> None:
    told = {field.name: (field.kind, field.default, field.bounds) for field in fields_of(OPERATORS["reflexive"])}
    assert told["max_turns"] == ("whole number", "`3`", "at least 1, at most 10")
    assert told["timeout_seconds"] == ("duration", "`null`", "")
    assert words_for(dict[str, list[int] | None]) == "object of list of whole number"


def test_the_prompt_names_everything_and_stays_short() -> None:
    prompt = facade.dsl_prompt()
    assert "<<" not in prompt
    assert all(f"- `{name}`: " in prompt for name in OPERATORS)
    assert all(f"`{rule}`" in prompt for rule in get_args(BaseOperator.model_fields["trigger_rule"].annotation))
    before, _, tools = prompt.partition("\n## Tools\n")
    lines = {line.split("(")[0].removeprefix("- `"): line for line in tools.splitlines() if line.startswith("- ")}
    assert lines.keys() == registry.keys()
    for name, spec in registry.items():
        assert all(re.search(rf"\b{argument}\b", lines[name]) for argument in argument_names(spec))
    assert len(before.split()) < MAX_WORDS_WITHOUT_TOOLS


@pytest.mark.parametrize("snippet", snippets(facade.dsl_prompt()), ids=lambda snippet: snippet.name)
def test_a_snippet_of_the_prompt_compiles_and_is_sound(snippet) -> None:
    compiled = compile_python(snippet.source, BubblewrapSandbox())
    assert isinstance(compiled, Compiled), compiled
    assert facade.check_definition(compiled.definition) == []
    assert facade.check_definition(compiled.definition, snippet.inputs.keys()) == []
