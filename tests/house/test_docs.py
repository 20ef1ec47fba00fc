"""What the documents tell people to type works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.facade import check_definition
from launch.commands import CHECKOUT
from sandbox.bubblewrap import BubblewrapSandbox
from sandbox.dsl import Compiled, compile_python
from tests.house.tracked import name_of, tracked


def test_the_workflow_of_the_readme_is_accepted() -> None:
    text = (CHECKOUT / "README.md").read_text()
    found = re.search(r"-d '(\{.*?\})'\n", text, re.S)
    assert found is not None
    assert check_definition(json.loads(found[1])["workflow_definition"]) == []


def test_the_first_workflow_of_the_quickstart_compiles_and_is_accepted() -> None:
    text = (CHECKOUT / "docs" / "quickstart.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.S)
    assert found is not None
    compiled = compile_python(found[1], BubblewrapSandbox())
    assert isinstance(compiled, Compiled), compiled
    assert check_definition(compiled.definition) == []


@pytest.mark.parametrize("page", tracked("*.md"), ids=name_of)
def test_links_inside_the_checkout_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing
