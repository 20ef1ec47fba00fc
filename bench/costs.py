"""What work costs besides time: commits, processor time, room on the disk, memory, dead rows.

CPU is read from /proc of the worker's processes and of the server's, children that ended included. Commits are those that the database counted, the
bench's own looks (twenty a second) included. Dead rows are counted by pgstattuple.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil
from psycopg import sql

from bench.ground import Ground

# Tables that grew while we measured; those of extensions and of the server itself are nobody's work.
USER_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace::regnamespace::text !~ '^(pg_|information_schema)'"


@dataclass(frozen=True, slots=True)
class Cpu:
    """Processor seconds so far."""

    workers: float
    server: float

    def __sub__(self, before: Cpu) -> Cpu:
        return Cpu(self.workers - before.workers, self.server - before.server)


def cpu(workers: Iterable[int], server: int) -> Cpu:
    """Of processes and all that they started."""
    return Cpu(sum(_tree_seconds(pid) for pid in workers), _tree_seconds(server))


def rss_mb(workers: Iterable[int]) -> float:
    """Resident memory of the largest process of the workers."""
    return max((process.memory_info().rss for pid in workers for process in _tree(pid)), default=0) / 1e6


def commits(ground: Ground, database: str) -> int:
    """Transactions that the database has counted; a session tells all of its when it ends."""
    with ground.administer() as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [database]).fetchone()
    return int(row[0]) if row else 0


def size_bytes(ground: Ground, database: str) -> int:
    """Tables, indexes and large values, with whatever room in them is free."""
    with ground.administer() as connection:
        row = connection.execute("SELECT pg_database_size(%s)", [database]).fetchone()
    return int(row[0]) if row else 0


def dead_tuples(ground: Ground, database: str) -> int:
    """Dead rows in all tables, counted one by one."""
    with ground.administer(database) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple SCHEMA public")
        tables = [name for (name,) in connection.execute(USER_TABLES)]
        count = sql.SQL("SELECT dead_tuple_count FROM public.pgstattuple({}::regclass)")
        rows = [connection.execute(count.format(sql.Literal(name))).fetchone() for name in tables]
    return sum(int(row[0]) for row in rows if row)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(pid)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _tree_seconds(pid: int) -> float:
    """Time of the tree that lives, and of its children that were waited for."""
    total = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
