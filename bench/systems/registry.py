"""The systems in the order of the table. To add one: its folder, and its line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from bench.ground import Ground
from bench.systems.absurd.adapter import AbsurdSystem
from bench.systems.base import System
from bench.systems.dbos.adapter import Dbos
from bench.systems.highway.adapter import Highway
from bench.systems.procrastinate.adapter import Procrastinate
from bench.systems.restate.adapter import Restate

registry: Mapping[str, Callable[[Ground], System]] = MappingProxyType(
    {each.name: each for each in (Highway, Dbos, AbsurdSystem, Procrastinate, Restate)}
)
