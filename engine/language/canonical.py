"""Canonical JSON and the identity of a definition."""

from __future__ import annotations

import hashlib
import json

from engine.model.json import Json


def canonical_json(value: Json) -> str:
    """The one text of a value: keys sorted, no spaces, no escapes that are not needed. ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def definition_hash(value: Json) -> str:
    """SHA-256 of the canonical JSON, in lower-case hexadecimal: equal definitions have equal hashes, whatever their order of keys."""
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()
