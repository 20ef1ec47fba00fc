"""The signal that adds items to a `foreach` with ``dynamic: true``, and what it may carry."""

from __future__ import annotations

from engine.model.json import Json

ADD_ITEMS = "add_items"
_SHAPE = 'a list of items, or {"items": [...], "done": true or false}'


def read_added(payload: Json) -> tuple[list[Json], bool]:
    """The items, and whether there will be no more. Raises `ValueError` when it is anything else."""
    if isinstance(payload, list):
        return payload, False
    if not isinstance(payload, dict) or not payload or payload.keys() - {"items", "done"}:
        raise ValueError(f"items are added by {_SHAPE}")
    items, is_done = payload.get("items", []), payload.get("done", False)
    if not isinstance(items, list) or not isinstance(is_done, bool):
        raise ValueError(f"items are added by {_SHAPE}")
    return items, is_done
