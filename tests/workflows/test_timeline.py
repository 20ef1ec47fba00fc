"""A run on a time axis."""

from datetime import UTC, datetime, timedelta

from engine.model.views import Attempt, StepView
from workflows.timeline import FOLDED_PERCENT, make_timeline

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def step(key: str, begin: float, end: float | None, **more) -> StepView:
    more.setdefault("operator", "task")
    return StepView(
        scope="",
        key=key,
        task_id=key,
        status="succeeded" if end is not None else "running",
        started_at=NOON + timedelta(seconds=begin),
        finished_at=NOON + timedelta(seconds=end) if end is not None else None,
        **more,
    )


def bars(*steps: StepView, run_is_open: bool = False) -> dict[str, tuple[float, float]]:
    made = make_timeline(steps, run_is_open=run_is_open)
    return {row.step.key: (round(row.left, 1), round(row.left + row.width, 1)) for row in made.rows}


def test_bars_share_the_width_by_time():
    assert bars(step("a", 0, 5), step("b", 5, 10)) == {"a": (0, 50), "b": (50, 100)}


def test_a_sleep_is_folded_and_its_bar_lies_on_the_fold():
    made = make_timeline(
        [step("a", 0, 5), step("nap", 5, 1805, operator="wait"), step("b", 1805, 1810)], run_is_open=False
    )
    (fold,) = made.folds
    assert (fold.width, fold.label) == (FOLDED_PERCENT, "30 min 0 s")
    nap = next(row for row in made.rows if row.step.key == "nap")
    assert (nap.left, nap.left + nap.width) == (fold.left, fold.right)
    assert nap.is_hatched


def test_short_idle_times_stay_to_scale():
    assert bars(step("a", 0, 5), step("b", 6, 10)) == {"a": (0, 50), "b": (60, 100)}


def test_an_open_step_of_an_open_run_reaches_to_the_end():
    assert bars(step("a", 0, 5), step("b", 4, None), run_is_open=True)["b"] == (80, 100)
    assert bars(step("a", 0, 5), step("b", 4, None), run_is_open=False)["b"] == (80, 80.4)


def test_attempts_are_notches():
    tried = step("a", 0, 10, attempts=[Attempt(1, NOON + timedelta(seconds=5), {})])
    (row,) = make_timeline([tried], run_is_open=False).rows
    assert row.notches == (50.0,)


def test_what_took_no_time_is_still_seen():
    (row,) = make_timeline([step("a", 0, 0)], run_is_open=False).rows
    assert row.width > 0
    assert row.left + row.width <= 100


def test_nothing_started_is_an_empty_timeline():
    assert make_timeline([], run_is_open=True).rows == ()
