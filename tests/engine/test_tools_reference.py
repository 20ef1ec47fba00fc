from __future__ import annotations

from pathlib import Path

from pydantic import Field

from engine.durable.tool_context import ToolContext
from engine.model.json import Json
from engine.tools import registry
from engine.tools.reference import described, reference
from engine.tools.spec import ToolInput, ToolSpec

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "tools.md"


def test_the_reference_is_made_from_the_tools_of_today() -> None:
    assert DOCUMENT.read_text() == reference(), "run: python -m engine.tools.reference > docs/tools.md"


def test_every_tool_and_every_argument_is_in_it() -> None:
    text = reference()
    for name, spec in registry.items():
        _, _, section = text.partition(f"## `{name}`\n")
        section = section.partition("\n## ")[0]
        for argument in spec.input_model.model_json_schema()["properties"]:
            assert f"| `{argument}` |" in section, (name, argument)


class Given(ToolInput):
    """Some arguments."""

    needed: int
    some: list[int] | int = Field(default_factory=list)
    more: dict[str, int] | None = Field(default_factory=dict)
    few: list[str] = Field(default_factory=lambda: ["a"], alias="a_few")
    none: list[str] | None = None


def run(_ctx: ToolContext, _given: Given) -> Json:
    """Does nothing."""
    return None


def test_what_an_argument_is_when_it_is_left_out_is_told_whoever_makes_it() -> None:
    lines = described(ToolSpec("tests.given", run, Given, side_effect="pure")).splitlines()
    rows = dict(line.strip("| ").split(" | ")[::2] for line in lines if line.startswith("| `"))
    assert rows == {
        "`needed`": "required",
        "`some`": "`[]`",
        "`more`": "`{}`",
        "`a_few`": '`["a"]`',
        "`none`": "`null`",
    }
