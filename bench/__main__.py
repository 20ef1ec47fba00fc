"""`make bench`: measures, prints one table, and on request writes it into docs/performance.md."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bench.ground import Ground
from bench.names import FLOOR, LONG, OURS, TABLE
from bench.report import write_report
from bench.run import Measured, measure
from bench.sizes import SMOKE, Sizes
from bench.systems.registry import registry
from bench.table import COST_HEADER, HEADER, LEGEND, as_text, cost_rows, rows
from launch.commands import CHECKOUT
from launch.process import stop_with_parent
from launch.terminal import say


def main(arguments: Sequence[str]) -> int:
    """0 when everything that was asked for was measured; systems that are not to be had here are told, and no failure."""
    asked = _parse(arguments)
    sizes = _sizes(asked)
    wanted = asked.only or ((OURS,) if asked.smoke else (*registry, FLOOR))
    names = [name for name in (*registry, FLOOR) if name in wanted]
    chosen = asked.workloads or (TABLE if not asked.smoke else (*TABLE, *LONG))
    with Ground(asked.folder, shared=asked.smoke) as ground:
        found = measure(ground, names, chosen, sizes)
        version = ground.version()
    _tell(found)
    if asked.report and not found.interrupted:
        write_report(CHECKOUT / "docs" / "performance.md", found, version, sizes)
    return 1 if found.failed or found.interrupted or not found.results else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", type=_listed, default=(), help=f"systems, of {', '.join((*registry, FLOOR))}")
    parser.add_argument("--workloads", type=_listed, default=(), help=f"of {', '.join((*TABLE, *LONG))}")
    parser.add_argument("--rounds", type=int, help="medians are of so many")
    parser.add_argument(
        "--smoke", action="store_true", help="ours alone unless --only says more, everything tiny: does it run?"
    )
    parser.add_argument("--backlog", type=int, help="W6: how many workflows")
    parser.add_argument("--histories", type=_numbers, help="W8: finished runs, as 10000,1000000")
    parser.add_argument("--api-runs", type=int, help="W12: runs in the tables")
    parser.add_argument("--duration", type=float, help="W13: seconds")
    parser.add_argument(
        "--folder", type=Path, default=CHECKOUT / "var" / "bench", help="where the cluster and the peers live"
    )
    parser.add_argument("--report", action="store_true", help="write the table into docs/performance.md")
    return parser.parse_args(arguments)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in _listed(text))


def _sizes(asked: argparse.Namespace) -> Sizes:
    changes = {
        "rounds": asked.rounds,
        "backlog": asked.backlog,
        "histories": asked.histories,
        "api_runs": asked.api_runs,
        "soak_seconds": asked.duration,
    }
    return replace(SMOKE if asked.smoke else Sizes(), **{name: value for name, value in changes.items() if value})


def _tell(found: Measured) -> None:
    say("")
    say(as_text(HEADER, rows(found.results)))
    say(LEGEND)
    if costs := cost_rows(found.results):
        say("\nwhat a finished one-step workflow cost (W6):")
        say(as_text(COST_HEADER, costs))
    for name, reason in found.absent.items():
        say(f"not measured: {name}: {reason}")
    for failure in found.failed:
        say(f"FAILED: {failure.splitlines()[0]}")


if __name__ == "__main__":
    # An orderly end, whoever asks for it: what was started is stopped, and what was measured is told.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stop_with_parent(signal.SIGTERM)
    sys.exit(main(sys.argv[1:]))
