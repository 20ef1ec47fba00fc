"""The services of a stack, as a compose file writes them, and the order in which they start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.tools.docker.limits import DEFAULT_MEMORY, ContainerInput, Size, Words
from engine.tools.errors import ToolInputError

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3_600}
_NANO = 1_000_000_000


class HealthCheck(BaseModel):
    """A command that says whether a service is up. Times as a compose file has them (30s, 1m30s)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    test: Words | str
    interval: str = "2s"
    timeout: str = "5s"
    retries: Annotated[int, Field(ge=1, le=100)] = 10
    start_period: str = "0s"

    @field_validator("interval", "timeout", "start_period")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        _seconds(text)
        return text

    def for_engine(self) -> dict[str, Any]:
        """In the engine's words: times in nanoseconds."""
        return {
            "test": ["CMD-SHELL", self.test] if isinstance(self.test, str) else self.test,
            "interval": int(_seconds(self.interval) * _NANO),
            "timeout": int(_seconds(self.timeout) * _NANO),
            "retries": self.retries,
            "start_period": int(_seconds(self.start_period) * _NANO),
        }


class Service(ContainerInput):
    """One service. ``mem_limit``, ``cpus`` and ``pids_limit`` are the names that compose files have for the limits."""

    depends_on: list[str] | dict[str, Any] = Field(default_factory=list)
    healthcheck: HealthCheck | None = None
    memory_limit: Size = Field(default=DEFAULT_MEMORY, alias="mem_limit")
    cpu_limit: Annotated[float, Field(gt=0, le=1_024)] = Field(default=1.0, alias="cpus")
    process_limit: Annotated[int, Field(gt=0, le=1_000_000)] = Field(default=64, alias="pids_limit")


def in_order(services: Mapping[str, Service]) -> list[str]:
    """The names, each behind those that it depends on. Raises `ToolInputError` for unknown ones and for circles."""
    ordered: list[str] = []
    under_way: list[str] = []

    def visit(name: str) -> None:
        if name in ordered:
            return
        if name not in services or name in under_way:
            problem = "depend on each other in a circle" if name in under_way else "do not exist"
            raise ToolInputError(f"tools.docker.compose_up: services {problem}: {' -> '.join([*under_way, name])}")
        under_way.append(name)
        for needed in services[name].depends_on:
            visit(needed)
        ordered.append(under_way.pop())

    for name in services:
        visit(name)
    return ordered


def _seconds(text: str) -> float:
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no time: give 500ms, 30s or 1m30s")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
