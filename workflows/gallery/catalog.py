"""The templates as the pages and the API show them."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from engine.model.json import JsonObject

HERE = Path(__file__).parent
SOURCES = HERE / "templates"
COMPILED = HERE / "compiled.json"

_FIELD = re.compile(r"^(Tags|Needs|Inputs|Send): (.*)$", re.MULTILINE)
_SEND = re.compile(r"^(signal|event) (\S+) (.*)$")


@dataclass(frozen=True, slots=True)
class Send:
    """What a run of a template waits for from outside: a signal or an event, with a payload that does."""

    kind: Literal["signal", "event"]
    name: str
    payload: Any


@dataclass(frozen=True, slots=True)
class Template:
    """One template. ``name`` is its file's and its workflow's; ``inputs`` are an example with which it runs to its end.

    ``needs`` says what the deployment must lend for that; empty when it runs anywhere.
    """

    name: str
    title: str
    about: str
    tags: Sequence[str]
    needs: str
    inputs: JsonObject
    sends: Sequence[Send]
    source: str
    definition: JsonObject

    @property
    def operators(self) -> list[str]:
        """The kinds of operators it shows, in the order in which they come first."""
        return list(dict.fromkeys(str(task["operator_type"]) for task in _tasks(self.definition)))

    @property
    def tools(self) -> list[str]:
        """The tools it calls, by name."""
        named = ("function", "generator", "verifier")
        return sorted({str(task[name]) for task in _tasks(self.definition) for name in named if task.get(name)})

    def mentions(self, words: str) -> bool:
        """Whether every word stands somewhere in what is told about it."""
        parts = (self.name, self.title, self.about, self.needs, *self.tags, *self.operators, *self.tools)
        text = " ".join(parts).casefold()
        return all(word in text for word in words.casefold().split())


@cache
def templates() -> Mapping[str, Template]:
    """All templates, by name, in the order of their names."""
    compiled = json.loads(COMPILED.read_text(encoding="utf-8"))
    return MappingProxyType({name: read_template(name, source(name), compiled[name]) for name in sorted(compiled)})


def find(words: str = "", tag: str = "") -> list[Template]:
    """The templates that mention all words and carry the tag, where they are given."""
    return [each for each in templates().values() if each.mentions(words) and (not tag or tag in each.tags)]


def tags() -> list[str]:
    """Every tag that some template carries."""
    return sorted({tag for each in templates().values() for tag in each.tags})


def source(name: str) -> str:
    """A template's source text."""
    return (SOURCES / f"{name}.py").read_text(encoding="utf-8")


def read_template(name: str, text: str, definition: JsonObject) -> Template:
    """A template of its source, whose docstring is a title, a paragraph, and the fields ``Tags``, ``Needs``, ``Inputs`` and ``Send``."""
    title, _, rest = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")
    about = " ".join(_FIELD.sub("", rest).split())
    fields: dict[str, list[str]] = {"Tags": [], "Needs": [], "Inputs": [], "Send": []}
    for field, value in _FIELD.findall(rest):
        fields[field].append(value)
    (inputs,) = fields["Inputs"]
    named = [tag.strip() for tag in ",".join(fields["Tags"]).split(",")]
    sends = tuple(_send(line) for line in fields["Send"])
    needs = " ".join(fields["Needs"])
    return Template(name, title, about, tuple(named), needs, json.loads(inputs), sends, text, definition)


def _send(line: str) -> Send:
    found = _SEND.match(line)
    if found is None:
        raise ValueError(f"not of the form 'signal NAME JSON': {line}")
    return Send("signal" if found[1] == "signal" else "event", found[2], json.loads(found[3]))


def _tasks(workflow: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for task in workflow["tasks"].values():
        yield task
        for branch in (task.get("branch_workflows") or {}).values():
            yield from _tasks(branch)
