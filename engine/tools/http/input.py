"""What a workflow says about an HTTP call."""

from __future__ import annotations

from typing import Annotated, Literal

import httpx2
from pydantic import Field, JsonValue, field_validator, model_validator

from engine.tools.spec import ToolInput

Seconds = Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)]
Scalar = str | int | float | bool
Method = Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]

# They say where a message ends and who it is for; a second opinion about that is how requests are smuggled.
_OWN_HEADERS = {
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "te",
    "trailer",
    "accept-encoding",
}


class HttpInput(ToolInput):
    """One request. At most one of ``json`` (also ``json_data``), ``data`` (form fields, or text) and ``body`` (text).

    ``timeout_seconds`` (also ``timeout``; default 30) is for the whole call with all its redirects. ``check`` false makes every status an answer.
    """

    url: Annotated[str, Field(min_length=1, max_length=8_192)]
    method: Method = "GET"
    headers: dict[str, Scalar] = Field(default_factory=dict)
    params: dict[str, Scalar | list[Scalar]] = Field(default_factory=dict)
    json_body: JsonValue = Field(default=None, alias="json")
    json_data: JsonValue = None
    data: dict[str, Scalar] | str | None = None
    body: str | None = None
    timeout_seconds: Seconds | None = None
    timeout: Seconds | None = None
    allow_internal: bool = False
    follow_redirects: bool = True
    check: bool = True

    @property
    def called_host(self) -> str:
        """The host, and the port when it is not the usual one."""
        url = httpx2.URL(self.url)
        return f"{url.host}:{url.port}" if url.port else url.host

    @field_validator("url")
    @classmethod
    def _is_of_the_web(cls, url: str) -> str:
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL as error:
            raise ValueError(str(error)) from None
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError("must begin with http:// or https:// and name a host")
        return url

    @field_validator("method", mode="before")
    @classmethod
    def _in_capitals(cls, method: object) -> object:
        return method.upper() if isinstance(method, str) else method

    @field_validator("headers")
    @classmethod
    def _are_plain(cls, headers: dict[str, Scalar]) -> dict[str, Scalar]:
        for name, value in headers.items():
            if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
                raise ValueError(f"{name!r} cannot be the name of a header")
            if any(character in str(value) for character in "\r\n\0"):
                raise ValueError(f"{name}: a value cannot contain line breaks")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name} is set by the engine")
        return headers

    @model_validator(mode="after")
    def _has_one_body(self) -> HttpInput:
        given = [body for body in (self.json_body, self.json_data, self.data, self.body) if body is not None]
        if len(given) > 1:
            raise ValueError("give at most one of json, json_data, data and body")
        return self

    @property
    def seconds(self) -> float | None:
        """The time limit it asks for."""
        return self.timeout_seconds if self.timeout_seconds is not None else self.timeout
