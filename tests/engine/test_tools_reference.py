from __future__ import annotations

from pathlib import Path

from engine.tools import registry
from engine.tools.reference import reference

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
