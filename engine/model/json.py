"""The JSON value type that payloads, results and templates are made of."""

from __future__ import annotations

from typing import TypeAlias, Union

Json: TypeAlias = Union[bool, int, float, str, list["Json"], dict[str, "Json"], None]  # noqa: UP007 - recursive
JsonObject: TypeAlias = dict[str, Json]
