"""What the table says of figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.report import BEGIN, END, write_report
from bench.results import Costs, Figure, Result, latency, median, percentile
from bench.run import Measured
from bench.sizes import Sizes
from bench.table import HEADER, as_markdown, as_text, cost_rows, rows

OURS = Result("W1", "highway", (Figure(per_second=8_000),))
PEER = Result("W1", "dbos", (Figure(per_second=200),))
FLOOR = Result("W1", "floor", (Figure(per_second=16_000), Figure("in hundreds", per_second=100_000)))


def test_speeds_are_told_against_ours_and_against_the_floor() -> None:
    told = {(row[0], row[1]): row[5:] for row in rows([OURS, PEER, FLOOR])}
    assert told["W1", "highway"] == ("1.00", "0.50")
    assert told["W1", "dbos"] == ("0.03", "0.01")
    assert told["W1 in hundreds", "floor"] == ("12.50", "1.00"), (
        "what only the floor has is told against ours of the workload"
    )


def test_twice_the_time_is_half_the_speed() -> None:
    ours, peer = (
        Result("W4", name, (Figure("to done", p50_ms=p50),)) for name, p50 in (("highway", 4.0), ("absurd", 8.0))
    )
    assert [row[5] for row in rows([ours, peer])] == ["1.00", "0.50"]


def test_the_median_is_of_each_figure_by_its_label() -> None:
    rounds = [
        Result("W6", "highway", (Figure("1 process", per_second=n), Figure("2 processes", per_second=2 * n)))
        for n in (1, 9, 5)
    ]
    assert [(figure.label, figure.per_second) for figure in median(rounds).figures] == [
        ("1 process", 5),
        ("2 processes", 10),
    ]


def test_what_one_round_did_not_measure_is_not_in_its_median() -> None:
    rounds = [Result("W6", "restate", (Figure("", 1, costs=Costs(commits=None, bytes=each)),)) for each in (10, 30)]
    costs = median(rounds).figures[0].costs
    assert costs is not None
    assert (costs.commits, costs.bytes) == (None, 20)


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_percentiles_are_values_that_were_measured(share: float, value: float) -> None:
    assert percentile(range(100, 0, -1), share) == value


def test_a_latency_is_in_milliseconds() -> None:
    assert latency([0.001, 0.002, 0.003]) == Figure("", p50_ms=2.0, p99_ms=3.0)


def test_columns_stand_below_their_heads() -> None:
    lines = as_text(HEADER, rows([OURS, PEER])).splitlines()
    end = lines[0].index("per second") + len("per second")
    assert [line[:end].split()[-1] for line in lines[2:]] == ["8,000", "200"]


def test_the_report_replaces_its_block_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    found = Measured([OURS, PEER], {"highway": "this checkout"}, {"restate": "npm is not installed"})
    for _ in range(2):
        write_report(page, found, "18.6", Sizes())
    text = page.read_text()
    assert text.startswith(f"before\n{BEGIN}\n")
    assert text.endswith(f"\n{END}\nafter\n")
    assert "old" not in text
    assert text.count(as_markdown(HEADER, rows(found.results))) == 1
    assert "restate (npm is not installed)" in text


def test_costs_are_told_of_those_that_were_measured() -> None:
    with_costs = Result(
        "W6", "highway", (Figure("1 process", 1, costs=Costs(commits=0.05, bytes=600)), Figure("2 processes", 2))
    )
    assert cost_rows([with_costs]) == [("highway", "1 process", "0.05", "", "", "600", "", "")]
