"""Read a response's body without letting the server decide how much memory that takes."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from typing import NoReturn

import httpx2

from engine.model.json import Json
from engine.tools.errors import ToolError
from engine.tools.results import check_result

ACCEPTED_ENCODINGS = "gzip, deflate"
_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def read_body(response: httpx2.Response, max_bytes: int) -> bytes:
    """The whole body, unpacked. Raises a `ToolError` as soon as it is larger than ``max_bytes``, packed or unpacked."""
    raw = _bounded(response.iter_raw(), max_bytes)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"} or not raw:
        return raw
    if encoding not in _WINDOW_BITS:
        raise ToolError(f"the response has the encoding {encoding!r}, which was not asked for", type="BadResponse")
    return _unpacked(raw, _WINDOW_BITS[encoding], max_bytes)


def body_text(response: httpx2.Response, body: bytes) -> str:
    """The body as text: in the charset that the response names, else UTF-8."""
    try:
        text = body.decode(response.charset_encoding or "utf-8", errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    return text.replace("\0", "\ufffd")


def body_json(response: httpx2.Response, text: str) -> Json:
    """The body read as JSON when its content type says that it is some; None when it is not, or not what a result can hold."""
    if "json" not in response.headers.get("content-type", "").lower():
        return None
    try:
        value: Json = json.loads(text, parse_constant=_refuse_constant)
        check_result(value)
    except (ValueError, RecursionError, ToolError):
        return None
    return value


def _bounded(chunks: Iterable[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return bytes(body)


def _unpacked(raw: bytes, window_bits: int, max_bytes: int) -> bytes:
    unpacker = zlib.decompressobj(window_bits)
    try:
        body = unpacker.decompress(raw, max_bytes + 1)
    except zlib.error as error:
        raise ToolError(f"the response cannot be unpacked ({error})", type="BadResponse") from None
    if len(body) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof:
        raise ToolError("the response ends in the middle of its packed body", type="BadResponse")
    return body


def _too_large(max_bytes: int) -> ToolError:
    return ToolError(f"the response is larger than {max_bytes:,} bytes", type="ResponseTooLarge", retryable=False)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
