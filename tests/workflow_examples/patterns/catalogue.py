"""Reads the pattern files of this folder."""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

FOLDER = Path(__file__).parent
QUANTITY = 43
Supported = Literal["yes", "partly", "no"]
_SUPPORTED: dict[str, Supported] = {"Here": "yes", "Arranged": "yes", "Partly": "partly", "No": "no"}


@dataclass(frozen=True)
class Pattern:
    """One pattern as its file tells it. ``how`` is how it is said, or why it cannot be; ``arranged``: no operator or tool is made for it."""

    number: int
    name: str
    supported: Supported
    arranged: bool
    how: str
    path: Path
    module: ModuleType

    @property
    def id(self) -> str:
        """The name of its file."""
        return self.path.stem

    @property
    def source(self) -> str:
        """What a user sends to the API."""
        return self.path.read_text()

    @property
    def definition(self) -> dict[str, Any]:
        """What the source makes, as the sandbox would compile it."""
        definition: dict[str, Any] = self.module.get_workflow().model_dump(mode="json")
        return definition

    @property
    def inputs(self) -> dict[str, Any]:
        return getattr(self.module, "INPUTS", {})

    @property
    def during(self) -> list[dict[str, Any]]:
        return getattr(self.module, "DURING", [])

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = self.module.EXPECTED
        return expected


def patterns() -> list[Pattern]:
    """All of them, by number."""
    return [_read(path) for path in sorted(FOLDER.glob("wcp*.py"))]


def _read(path: Path) -> Pattern:
    module = importlib.import_module(f"{__package__}.{path.stem}")
    title, _, rest = (module.__doc__ or "").partition("\n\n")
    named = re.match(r"WCP-(\d+) ([^:]+): ", title)
    told = re.match(r"(Here|Arranged|Partly|No): (.*)", rest.strip(), re.S)
    if named is None or told is None:
        raise ValueError(f"the docstring of {path.name} does not say which pattern it is and how it is said")
    how = " ".join(told[2].split())
    return Pattern(
        number=int(named[1]),
        name=named[2],
        supported=_SUPPORTED[told[1]],
        arranged=told[1] == "Arranged",
        how=how[0].upper() + how[1:],
        path=path,
        module=module,
    )
