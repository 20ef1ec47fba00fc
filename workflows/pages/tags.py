"""What a page sends back to ask whether anything changed, where no single row tells."""

from __future__ import annotations

from hashlib import sha256


def tag_of(*shown: object) -> str:
    """A short mark of what a page shows. Nothing that ages by itself may be in it."""
    return sha256(repr(shown).encode()).hexdigest()[:16]
