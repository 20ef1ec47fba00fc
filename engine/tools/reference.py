"""The user's reference of all tools, made from the tools themselves: ``python -m engine.tools.reference > docs/tools.md``."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable
from typing import Any

from engine.tools import registry
from engine.tools.spec import ToolSpec

_INTRODUCTION = """# Tools

What a task can name as its `function`. Arguments are given by name (`kwargs`) or in the order of the table (`args`); wrong ones fail the
step at once, naming each. Made from the tools' own code by `python -m engine.tools.reference > docs/tools.md`.

*pure*: doing it again changes nothing. *idempotent*: doing it again changes nothing more. *effectful*: an attempt that was interrupted may
have happened; give it an idempotency key or make it safe to repeat. *exactly once*: its effect commits together with the step's checkpoint.
"""

_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true/false",
    "array": "list",
    "null": "null",
}


def reference() -> str:
    """The whole reference as Markdown."""
    return "\n".join([_INTRODUCTION, *(_tool(registry[name]) for name in sorted(registry))])


def _tool(spec: ToolSpec[Any]) -> str:
    schema = spec.input_model.model_json_schema()
    effect = f"*{spec.side_effect}*" + (", *exactly once*" if spec.transactional and spec.side_effect != "pure" else "")
    about = [inspect.getdoc(spec.run) or "", str(schema["description"])]
    return "\n".join([f"## `{spec.name}`", "", effect, "", *_paragraphs(about), *_rows(schema), "", *_result(spec)])


def _result(spec: ToolSpec[Any]) -> list[str]:
    """The form of the result, of tools that state it."""
    if spec.output_model is None:
        return []
    schema = spec.output_model.model_json_schema(mode="serialization")
    rows = [f"| `{name}` | {_type(field, schema)} |" for name, field in schema["properties"].items()]
    about = _paragraphs([str(schema.get("description", ""))])
    return ["Result:", "", *about, "| field | type |", "| --- | --- |", *rows, ""]


def _paragraphs(texts: Iterable[str]) -> list[str]:
    return [line for text in texts for line in (*text.replace("``", "`").splitlines(), "")]


def _rows(schema: dict[str, Any]) -> list[str]:
    required = set(schema.get("required", ()))
    rows = ["| argument | type | default |", "| --- | --- | --- |"]
    for name, field in schema["properties"].items():
        default = (
            "required"
            if name in required
            else f"`{json.dumps(field.get('default', [] if field.get('type') == 'array' else {}))}`"
        )
        rows.append(f"| `{name}` | {_type(field, schema)} | {default} |")
    return rows


def _type(field: dict[str, Any], schema: dict[str, Any]) -> str:
    if "$ref" in field:
        return _type(schema["$defs"][field["$ref"].rsplit("/", 1)[1]], schema)
    if "anyOf" in field:
        kinds = [_type(option, schema) for option in field["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    if "enum" in field:
        return ", ".join(field["enum"])
    if field.get("type") != "object":
        return _WORDS.get(field.get("type", ""), "any JSON")
    if "properties" in field:
        return f"object with {', '.join(f'`{name}`' for name in field['properties'])}"
    values = field.get("additionalProperties")
    return f"object of {_type(values, schema)}" if isinstance(values, dict) else "object"


if __name__ == "__main__":
    sys.stdout.write(reference())
