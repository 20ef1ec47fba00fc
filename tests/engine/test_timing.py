"""The moments of schedules over every change of the clocks, against a definition that needs no cleverness."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.language.timing import (
    Cron,
    Doubled,
    Skipped,
    TimingError,
    ZoneError,
    describe,
    read_timing,
    read_zone,
    ticks_after,
)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "Africa/Casablanca",  # back for Ramadan, by dates of another calendar
    "Africa/Cairo",  # at midnight
    "America/Santiago",  # at midnight, back over the day's border
    "America/Nuuk",
    "Antarctica/Troll",  # two hours
    "Asia/Gaza",
    "Pacific/Apia",
    "Pacific/Chatham",
)
FIXED = ("30 2 * * *", "0,30 0-3 * * SAT,SUN", "15 0 1,15 * *", "45 1,23 * * SUN")
STARRED = ("0 */3 * * *", "*/20 1 * * *", "30 * * * *")
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def ticks(text: str, zone: str, begin: datetime, end: datetime, **policy: str) -> list[datetime]:
    made = ticks_after(read_timing(text), ZoneInfo(zone), begin, anchor=begin, **policy)  # type: ignore[arg-type]
    return list(takewhile(lambda tick: tick <= end, made))


def at(zone: str, text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


def matches(expression: str, around: datetime) -> set[datetime]:
    """What an expression matches on the days around, on a clock that never changes: cronsim without any zone."""
    day = around.replace(tzinfo=None)
    found = CronSim(expression, day - timedelta(days=2))
    return set(takewhile(lambda local: local < day + timedelta(days=2), found))


def changes(zone: str, begin: datetime, years: int) -> Iterator[datetime]:
    """The half days in which a zone's clocks change."""
    moment, offset = begin, begin.astimezone(ZoneInfo(zone)).utcoffset()
    for _ in range(years * 366 * 8):
        moment += timedelta(hours=3)
        now = moment.astimezone(ZoneInfo(zone)).utcoffset()
        if now != offset:
            yield moment
        offset = now


@pytest.mark.parametrize("zone", ZONES)
def test_what_the_clock_shows_decides_around_every_change_in_ten_years(zone: str) -> None:
    """Minute by minute, real time walked through: with skip and twice a tick is exactly a minute at which the clock shows a match."""
    for change in changes(zone, BEGIN, 10):
        begin, end = change - timedelta(hours=5), change + timedelta(hours=5)
        minutes = [begin + MINUTE * n for n in range(1, 601)]
        shown = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0) for moment in minutes]
        for text in (*FIXED, *STARRED):
            matching = matches(text, change)
            expected = [moment for moment, local in zip(minutes, shown, strict=True) if local in matching]
            assert ticks(text, zone, begin, end, skipped="skip", doubled="twice") == expected, (text, change)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("text", FIXED)
def test_fixed_times_come_as_in_debians_cron_for_ten_years(zone: str, text: str) -> None:
    """cronsim follows Debian's rules for expressions that name times of day, when it starts before a change and goes over it."""
    end = BEGIN.replace(year=2036)
    simulated = CronSim(text, BEGIN.astimezone(ZoneInfo(zone)))
    expected = [tick.astimezone(UTC) for tick in takewhile(lambda tick: tick <= end, simulated)]
    found = ticks(text, zone, BEGIN, end)
    assert found == expected
    assert found == sorted(set(found))


@pytest.mark.parametrize("zone", ZONES)
def test_a_daily_schedule_comes_as_often_as_there_are_days_in_ten_years(zone: str) -> None:
    end = BEGIN.replace(year=2036)
    for text in ("30 2 * * *", "0 0 * * *", "59 23 * * *"):
        days = [tick.astimezone(ZoneInfo(zone)).date() for tick in ticks(text, zone, BEGIN, end)]
        assert len(days) == (days[-1] - days[0]).days + 1


@given(
    zone=st.sampled_from(ZONES),
    text=st.sampled_from((*FIXED, *STARRED)),
    offset=st.integers(0, 10 * 365 * 24 * 3600),
    skipped=st.sampled_from(["shift", "skip"]),
    doubled=st.sampled_from(["once", "twice"]),
)
@settings(max_examples=100, deadline=None)
def test_where_a_chain_is_taken_up_again_does_not_matter(
    zone: str, text: str, offset: int, skipped: Skipped, doubled: Doubled
) -> None:
    """A scheduler that is killed and started anew goes on with the same ticks: each asked for by itself gives the same list."""
    begin = BEGIN + timedelta(seconds=offset)
    policy = {"skipped": skipped, "doubled": doubled}
    whole = ticks(text, zone, begin, begin + timedelta(days=3), **policy)
    one_by_one, last = [], begin
    for _ in whole:
        last = next(
            ticks_after(read_timing(text), ZoneInfo(zone), last, anchor=begin, skipped=skipped, doubled=doubled)
        )
        one_by_one.append(last)
    assert one_by_one == whole


def test_a_chain_is_taken_up_again_at_every_minute_around_a_change() -> None:
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "America/Santiago"):
        for change in changes(zone, BEGIN, 1):
            begin, end = change - timedelta(hours=3), change + timedelta(hours=30)
            for text in ("30 1,2 * * *", "*/20 * * * *"):
                for doubled in ("once", "twice"):
                    whole = ticks(text, zone, begin, end, doubled=doubled)
                    for minute in range(0, 360, 7):
                        after = begin + MINUTE * minute
                        later = [tick for tick in whole if tick > after]
                        assert ticks(text, zone, after, end, doubled=doubled) == later, (zone, text, doubled, after)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"skipped": "shift"}, [at("Europe/Berlin", "2027-03-28T03:00")]),
        ({"skipped": "skip"}, []),
    ],
)
def test_a_skipped_time_comes_at_the_jump_or_not_at_all(policy: dict[str, str], expected: list[datetime]) -> None:
    day = at("Europe/Berlin", "2027-03-28T00:00"), at("Europe/Berlin", "2027-03-28T23:00")
    assert ticks("30 2 * * *", "Europe/Berlin", *day, **policy) == expected


def test_several_skipped_times_and_one_that_is_real_make_one_tick_at_the_jump() -> None:
    day = at("Europe/Berlin", "2027-03-28T00:00"), at("Europe/Berlin", "2027-03-28T23:00")
    assert ticks("0,30 2,3 * * *", "Europe/Berlin", *day) == [
        at("Europe/Berlin", "2027-03-28T03:00"),
        at("Europe/Berlin", "2027-03-28T03:30"),
    ]


def test_a_doubled_time_comes_at_its_first_showing_or_at_both() -> None:
    day = at("Europe/Berlin", "2027-10-31T00:00"), at("Europe/Berlin", "2027-10-31T23:00")
    first, second = at("Europe/Berlin", "2027-10-31T02:30"), at("Europe/Berlin", "2027-10-31T02:30", fold=1)
    assert ticks("30 2 * * *", "Europe/Berlin", *day) == [first]
    assert ticks("30 2 * * *", "Europe/Berlin", *day, doubled="twice") == [first, second]
    assert second - first == timedelta(hours=1)


def test_half_an_hour_in_lord_howe_neither_loses_nor_moves_a_full_hour() -> None:
    zone = "Australia/Lord_Howe"  # at 2:00 back to 1:30; a clock that counts whole hours of real time never shows a full one again
    found = ticks("0 */3 * * *", zone, at(zone, "2027-04-04T00:00"), at(zone, "2027-04-04T12:00"))
    assert found == [at(zone, f"2027-04-04T{hour:02}:00") for hour in (3, 6, 9, 12)]


def test_the_day_that_samoa_skipped() -> None:
    zone = "Pacific/Apia"  # from 29 December 2011 straight to the 31st
    found = ticks("0 12 * * *", zone, at(zone, "2011-12-29T00:00"), at(zone, "2011-12-31T23:00"))
    assert found == [
        at(zone, "2011-12-29T12:00"),
        at(zone, "2011-12-31T00:00"),  # the 30th, at the jump
        at(zone, "2011-12-31T12:00"),
    ]
    assert at(zone, "2011-12-30T12:00") not in ticks(
        "0 12 * * *", zone, at(zone, "2011-12-29T13:00"), at(zone, "2011-12-31T11:00"), skipped="skip"
    )


def test_intervals_are_real_time_whatever_the_clocks_do() -> None:
    anchor = at("Europe/Berlin", "2027-03-28T00:00")
    found = ticks_after(read_timing("@every 90m"), ZoneInfo("Europe/Berlin"), anchor, anchor=anchor)
    assert list(islice(found, 3)) == [anchor + timedelta(minutes=90) * n for n in (1, 2, 3)]
    later = ticks_after(read_timing("every 90s"), ZoneInfo("UTC"), anchor + timedelta(seconds=91), anchor=anchor)
    assert next(later) == anchor + timedelta(seconds=180)


def test_seconds_are_the_first_of_six_fields_and_change_nothing_about_the_clocks() -> None:
    day = at("Europe/Berlin", "2027-03-28T00:00"), at("Europe/Berlin", "2027-03-28T23:00")
    assert ticks("5 30 2 * * *", "Europe/Berlin", *day) == [at("Europe/Berlin", "2027-03-28T03:00")]
    assert ticks("*/30 0 4 * * *", "Europe/Berlin", *day) == [
        at("Europe/Berlin", "2027-03-28T04:00:00"),
        at("Europe/Berlin", "2027-03-28T04:00:30"),
    ]


@pytest.mark.parametrize(
    "text", ["61 * * * *", "0 0 31 2 *", "* * *", "", "@every 0s", "@every 9", "a b c d e", "*/0 * * * *", "x" * 300]
)
def test_what_is_no_schedule_is_refused_in_words(text: str) -> None:
    with pytest.raises(TimingError):
        read_timing(text)


@given(st.text("0123456789*/,-#LW@ everysmhdSUN\x00é", max_size=30))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_schedule_or_is_refused(text: str) -> None:
    try:
        timing = read_timing(text)
    except TimingError:
        return
    first = next(ticks_after(timing, ZoneInfo("Europe/Berlin"), BEGIN, anchor=BEGIN), None)
    assert first is None or first > BEGIN
    assert describe(text)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("New York", "America/New_York"),
        ("Europe/Kyev", "Europe/Kyiv"),
    ],
)
def test_an_unknown_zone_is_refused_with_the_nearest_names(name: str, near: str) -> None:
    with pytest.raises(ZoneError, match=near):
        read_zone(name)


@pytest.mark.parametrize("name", ["", "../etc/passwd", "/etc/localtime", "posixrules", "x" * 500])
def test_a_path_is_no_zone(name: str) -> None:
    with pytest.raises(ZoneError):
        read_zone(name)


def test_short_names_and_words() -> None:
    assert read_timing("@daily") == Cron("0 0 * * *")
    assert describe("0 2 * * *") == "At 02:00 every day"
    assert describe("@every 90s") == "Every 90 seconds"
    assert describe("@every 1h") == "Every hour"
