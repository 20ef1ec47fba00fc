"""Values of the hot path: immutable to the type checker, and as cheap to make as plain objects.

A frozen dataclass sets each field through ``object.__setattr__``; a step makes about a dozen values with a hundred fields, and freezing them was a
sixth of its whole cost. Assigning to a field of a `value` is an error that mypy finds; nothing at run time would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["value"]

if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:
    from dataclasses import dataclass

    def value(*, frozen: bool, slots: bool):
        """`dataclass(frozen=True, slots=True)` without the checks at run time: compared and hashed by its fields."""
        return dataclass(slots=slots, unsafe_hash=frozen)
