"""The table in docs/performance.md: a block between two marks, made anew; the words around it are people's."""

from __future__ import annotations

import datetime
import os
import platform
from pathlib import Path

from bench.names import LONG
from bench.run import Measured
from bench.sizes import Sizes
from bench.table import COST_HEADER, HEADER, LEGEND, as_markdown, cost_rows, rows

BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"


def write_report(page: Path, found: Measured, postgres: str, sizes: Sizes) -> None:
    """Put what was found into its place in ``page``."""
    text = page.read_text()
    before, after = text.index(BEGIN) + len(BEGIN), text.index(END)
    page.write_text(f"{text[:before]}\n{block(found, postgres, sizes)}\n{text[after:]}")


def block(found: Measured, postgres: str, sizes: Sizes) -> str:
    """Markdown: the machine, the table, the costs, who is missing."""
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items() if version)
    parts = [
        f"Measured {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC, medians of {sizes.rounds}. Machine: {machine()}. "
        f"PostgreSQL {postgres}, default durability. Load before the start: {found.load:.1f}. {versions}.",
        as_markdown(HEADER, rows(found.results)),
        LEGEND,
    ]
    if costs := cost_rows(found.results):
        parts += ["What a finished one-step workflow cost (W6):", as_markdown(COST_HEADER, costs)]
    if found.load > (os.cpu_count() or 1) / 2:
        parts.insert(1, "**The machine was busy with other work before the start: these figures are rough.**")
    parts += [f"Not measured: {name} ({reason})." for name, reason in found.absent.items()]
    parts += [f"Failed: {failure.splitlines()[0]}" for failure in found.failed]
    noted = [each for each in found.results if each.notes and each.workload in LONG]
    parts += [f"{each.workload}, {each.system}: {'; '.join(each.notes)}." for each in noted]
    return "\n\n".join(parts)


def machine() -> str:
    """Processor, cores, memory, system: without names of this one."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1024**3
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release()}, Python {platform.python_version()}"
