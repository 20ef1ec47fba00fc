"""Positions in YAML. The text has been read before: it has no anchors, and is not nested deeper than can be walked."""

from __future__ import annotations

from typing import Any

import yaml

from workflows.positions.paths import Path, Position

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def yaml_positions(text: str) -> dict[Path, Position]:
    """Where each value stands; one that is a mapping or a list at its key. Nothing for a text that cannot be read."""
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError:
        return {}
    found: dict[Path, Position] = {}
    if root is not None:
        _add(found, (), root, _position(root))
    return found


def _add(found: dict[Path, Position], path: Path, node: yaml.Node, position: Position) -> None:
    found[path] = position
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            shown = value if isinstance(value, yaml.ScalarNode) else key
            _add(found, (*path, str(key.value)), value, _position(shown))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _add(found, (*path, index), value, _position(value))


def _position(node: yaml.Node) -> Position:
    return Position(node.start_mark.line + 1, node.start_mark.column + 1)
