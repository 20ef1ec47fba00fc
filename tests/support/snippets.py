"""The Python snippets of a Markdown text that are whole workflows, with what their first comments say that they need."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
_INPUTS = re.compile(r"^# inputs: (\{.*\})$", re.MULTILINE)
_SEND = re.compile(r"^# send: (signal|event) (\S+) (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One workflow: its inputs, and the signals or events (kind, name, payload) that it waits for."""

    name: str
    source: str
    inputs: dict[str, Any]
    sends: list[tuple[str, str, Any]]


def snippets(text: str) -> list[Snippet]:
    """All of them, named by their workflows."""
    return [_snippet(source) for source in _BLOCK.findall(text)]


def _snippet(source: str) -> Snippet:
    name, inputs = re.search(r'WorkflowBuilder\("(\w+)"', source), _INPUTS.search(source)
    assert name, source
    assert inputs, source
    sends = [(kind, called, json.loads(payload)) for kind, called, payload in _SEND.findall(source)]
    return Snippet(name[1], source, json.loads(inputs[1]), sends)
