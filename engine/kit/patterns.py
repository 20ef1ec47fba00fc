"""Regular expressions whose time grows with the text and not exponentially: those of Rust's engine, which pydantic brings along.

Python's own can take years over a few letters, and meanwhile nothing else runs in the process. The price: no look-around, no back references.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import prod

from pydantic_core import SchemaError, SchemaValidator, core_schema

MAX_PATTERN = 1_000
MAX_REPEATS = 1_000
MAX_TEXT = 100_000
_REPEAT = re.compile(r"\{\s*(\d+)?\s*,?\s*(\d+)?\s*\}", re.ASCII)


class PatternError(ValueError):
    """The text is no regular expression that can be used here; the message says why."""


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern is found anywhere in the first `MAX_TEXT` characters of a text. Raises `PatternError`."""
    return _compiled(pattern).isinstance_python(text[:MAX_TEXT])


def check_pattern(pattern: str) -> None:
    """Raises `PatternError` when `matches` could not use the pattern."""
    _compiled(pattern)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> SchemaValidator:
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"a pattern has at most {MAX_PATTERN:,} characters")
    counts = (max(int(each or 0) for each in found) for found in _REPEAT.findall(pattern))
    if prod(count for count in counts if count) > MAX_REPEATS:
        raise PatternError(f"the repetitions of a pattern multiply to at most {MAX_REPEATS:,}")
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except SchemaError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise PatternError(f"the pattern is not a regular expression: {reason}") from error
