"""The documentation page of the API: rendered here from its own schema, because the ready-made ones need scripts we forbid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from ninja import NinjaAPI
from ninja.openapi.docs import DocsBase

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body."""

    name: str
    place: str
    kind: str
    required: bool
    description: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one address."""

    anchor: str
    method: str
    path: str
    summary: str
    description: str
    permission: str
    fields: tuple[Field, ...]


class DocsPage(DocsBase):
    """A page without scripts: every operation with its permission, parameters and body."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: Any) -> HttpResponse:
        """Operations by their group."""
        schema = api.get_openapi_schema(path_params=kwargs)
        groups: dict[str, list[Operation]] = {}
        for path, methods in schema["paths"].items():
            for method in METHODS:
                if method in methods:
                    group = (methods[method].get("tags") or ["other"])[0]
                    groups.setdefault(group, []).append(_operation(schema, method, path, methods[method]))
        context = {"title": schema["info"]["title"], "about": schema["info"]["description"], "groups": groups.items()}
        return render(request, "pages/api/docs.html", context)


def _operation(schema: dict[str, Any], method: str, path: str, told: dict[str, Any]) -> Operation:
    parameters = [
        Field(one["name"], one["in"], _kind(one["schema"]), one.get("required", False), _about(one))
        for one in told.get("parameters", ())
    ]
    return Operation(
        anchor=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        description=told.get("description", ""),
        permission=told.get("x-permission", ""),
        fields=(*parameters, *_body_fields(schema, told)),
    )


def _body_fields(schema: dict[str, Any], told: dict[str, Any]) -> list[Field]:
    content = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    model = _resolved(schema, content)
    required = model.get("required", ())
    return [
        Field(name, "body", _kind(one), name in required, one.get("description", ""))
        for name, one in model.get("properties", {}).items()
    ]


def _resolved(schema: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The model behind a reference; of a choice the first, which is the one that is not null."""
    for choice in part.get("anyOf", ()):
        return _resolved(schema, choice)
    reference = part.get("$ref", "")
    found: dict[str, Any] = schema["components"]["schemas"][reference.rsplit("/", 1)[-1]] if reference else part
    return found


def _kind(part: dict[str, Any]) -> str:
    choices = [choice for choice in part.get("anyOf", [part]) if choice.get("type") != "null"]
    return " or ".join(str(choice.get("format") or choice.get("type") or "any") for choice in choices)


def _about(parameter: dict[str, Any]) -> str:
    return str(parameter.get("description") or parameter["schema"].get("description") or "")
