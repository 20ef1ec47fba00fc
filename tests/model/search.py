"""Programs by the thousand on one database; a program that fails is made as short as it can be."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from engine.db.connection import Connection, connect
from tests.model.commands import Command, random_program, shorter
from tests.model.machine import Machine
from tests.support.databases import Database, clone
from tests.support.session import Session

SEEDS = Path(__file__).with_name("seeds.json")
CLEAR_EVERY = 25  # programs: what has ended is cleared away, so that the thousandth is as fast as the first
MOST_TRIES = 300
_TABLES = "SELECT string_agg(format('highway.%I', relname), ', ') FROM pg_class" + (
    " WHERE relnamespace = 'highway'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'migration'"
)


@dataclass
class Ground:
    """A database for programs, one after another."""

    database: Database
    opened: list[Connection] = field(default_factory=list)
    programs: int = 0

    def try_out(self, program: list[Command]) -> str:
        """What is wrong with the engine, or the model, according to this program; empty when nothing is."""
        if not self.opened or self.programs % CLEAR_EVERY == 0:
            self.clear()
        self.programs += 1
        try:
            Machine(*self.opened).run(program)
        except Exception as error:  # noqa: BLE001 - whatever it is, the program has found it
            self.clear()
            return f"{type(error).__name__}: {error}"
        return ""

    def clear(self) -> None:
        """Empty tables and fresh connections."""
        self.close()
        with psycopg.connect(self.database.superuser, autocommit=True) as connection:
            tables: Any = connection.execute(_TABLES).fetchone()  # type: ignore[arg-type]
            connection.execute(f"TRUNCATE {tables[0]}")  # type: ignore[arg-type]
        self.opened = [connect(url, plan_once=True) for url in (self.database.web, self.database.worker)]

    def close(self) -> None:
        """Close the connections."""
        for connection in self.opened:
            connection.close()
        self.opened = []

    def shorten(self, program: list[Command]) -> list[Command]:
        """A part of the program that fails as well: as short as is found in a bounded number of tries."""
        tries = 0
        again = True
        while again:
            again = False
            for candidate in shorter(program):
                tries += 1
                if tries > MOST_TRIES:
                    return program
                if candidate and self.try_out(candidate):
                    program, again = candidate, True
                    break
        return program


def kept() -> list[dict[str, Any]]:
    """Programs that failed once: ``{"seed", "found", "program"}``."""
    found: list[dict[str, Any]] = json.loads(SEEDS.read_text())
    return found


def keep(seed: int, found: str, program: list[Command]) -> None:
    """Add a program that failed to those that the tests repeat."""
    SEEDS.write_text(json.dumps([*kept(), {"seed": seed, "found": found, "program": program}], indent=1) + "\n")


def program_of(seed: int) -> list[Command]:
    """The program of a seed."""
    return random_program(seed)


def try_chunk(chunk: tuple[dict[str, object], range]) -> tuple[int, list[tuple[int, str]]]:
    """In a process of its own: how many were tried, and those that failed."""
    logging.disable(logging.ERROR)
    shared, seeds = chunk
    database = clone(Session.join(shared), "engine")
    ground = Ground(database)
    try:
        return len(seeds), list(_failures(ground, seeds))
    finally:
        ground.close()
        database.drop()


def _failures(ground: Ground, seeds: range) -> Iterator[tuple[int, str]]:
    for seed in seeds:
        if wrong := ground.try_out(program_of(seed)):
            yield seed, wrong
