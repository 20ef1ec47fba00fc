"""`highway-sdk` by operation: which there are, and how one is called, as it is installed."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import highway_sdk
from highway_sdk import api as sdk_api
from highway_sdk.exceptions import ApiException

SUFFIXES = ("_with_http_info", "_without_preload_content", "_serialize")


@dataclass(frozen=True)
class Operation:
    """One operation of the client: its group and the method of that group's class."""

    name: str  # "GET /api/v1/runs/{run_id}"
    group: str
    api: type
    method: str


@cache
def operations() -> dict[str, Operation]:
    """Every operation of the installed client, by its name."""
    found = [
        _operation(api, name)
        for _, api in inspect.getmembers(sdk_api, inspect.isclass)
        for name, _ in inspect.getmembers(api, inspect.isfunction)
        if not name.startswith("_") and not name.endswith(SUFFIXES)
    ]
    return {operation.name: operation for operation in found}


def _operation(api: type, name: str) -> Operation:
    source = inspect.getsource(getattr(api, f"_{name}_serialize"))
    method = re.search(r"""\bmethod=["'](\w+)""", source)
    path = re.search(r"""\bresource_path=["']([^"']+)""", source)
    assert method, name
    assert path, name
    group = api.__module__.rsplit(".", 1)[-1].removesuffix("_api")
    return Operation(f"{method[1]} {path[1]}", group, api, name)


@dataclass(frozen=True)
class Sdk:
    """Calls operations with one key."""

    client: highway_sdk.ApiClient

    def call(self, name: str, *path: str, body: Any = None, answers: int = 200, **query: Any) -> Any:
        """The data of an operation's answer, after its own method and model have taken the answer, too.

        Its methods know neither query nor body: where the test has one, it is put into the request that the client has made.
        """
        operation = operations()[name]
        api = operation.api(self.client)
        prepared = _prepare(getattr(api, f"_{operation.method}_serialize"), path)
        if query or body is not None:
            method, address, headers, _, post_parameters = prepared
            if query:
                address += "?" + self.client.parameters_to_url_query(list(query.items()), {})
            headers = headers | {"Content-Type": "application/json"}
            prepared = (method, address, headers, body, post_parameters)
        elif name.startswith("GET ") and answers == 200:
            getattr(api, operation.method)(*path)  # what its model refuses, fails here
        answer = self.client.call_api(*prepared)
        content = json.loads(answer.read())
        assert answer.status == answers, (name, answer.status, content)
        return content["data"] if answers < 400 else content

    def refused(self, name: str, *path: str) -> tuple[int, str]:
        """Status and code of the refusal, as the client's own exception tells it."""
        operation = operations()[name]
        try:
            getattr(operation.api(self.client), operation.method)(*path)
        except ApiException as error:
            return int(error.status or 0), json.loads(error.body)["code"]
        raise AssertionError(f"{name} was not refused")


def _prepare(serialize: Callable[..., Any], path: tuple[str, ...]) -> Any:
    names = [name for name in inspect.signature(serialize).parameters if not name.startswith("_")]
    hidden = dict.fromkeys(("_request_auth", "_content_type", "_headers"))
    return serialize(**dict(zip(names, path, strict=True)), **hidden, _host_index=0)
