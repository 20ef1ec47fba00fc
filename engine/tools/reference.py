"""The user's reference of all tools, made from the tools themselves: ``python -m engine.tools.reference > docs/tools.md``."""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

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
    return "\n".join([_INTRODUCTION, *(described(registry[name]) for name in sorted(registry))])


def described(spec: ToolSpec[Any]) -> str:
    """One tool's section."""
    schema = spec.input_model.model_json_schema()
    effect = f"*{spec.side_effect}*" + (", *exactly once*" if spec.transactional and spec.side_effect != "pure" else "")
    about = [inspect.getdoc(spec.run) or "", str(schema["description"])]
    rows = _rows(schema, _defaults(spec.input_model))
    return "\n".join([f"## `{spec.name}`", "", effect, "", *_paragraphs(about), *rows, "", *_result(spec)])


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


def _defaults(model: type[BaseModel]) -> dict[str, str]:
    """What each argument that may be left out is then, as JSON. The schema does not tell it where a function makes it."""
    fields = ((info.alias or name, info) for name, info in model.model_fields.items() if not info.is_required())
    return {
        name: json.dumps(to_jsonable_python(info.get_default(call_default_factory=True, validated_data={})))
        for name, info in fields
    }


def _rows(schema: dict[str, Any], defaults: dict[str, str]) -> list[str]:
    rows = ["| argument | type | default |", "| --- | --- | --- |"]
    for name, field in schema["properties"].items():
        default = f"`{defaults[name]}`" if name in defaults else "required"
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
