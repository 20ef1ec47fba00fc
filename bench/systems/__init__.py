"""The systems that are measured, ours first. To add one: a folder with its adapter, and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bench.ground import Ground
from bench.systems.base import System
from bench.systems.highway import Highway

OURS = Highway.name
FLOOR = "floor"
registry: Mapping[str, Callable[[Ground], System]] = MappingProxyType({each.name: each for each in (Highway,)})
