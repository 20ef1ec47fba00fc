"""What a worker asks for: never more than its capacity leaves, and neither kind for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.worker.room import CLAIMS_PER_SLOT, Room, share

SMALL = st.integers(-2, 40)


@given(SMALL, SMALL, SMALL, st.booleans())
def test_a_wish_is_within_the_room_and_the_slots(total: int, free: int, activity_slots: int, first: bool) -> None:
    for room in share(total, free, activity_slots, activities_first=first):
        assert 0 <= room.runs + room.activities <= max(total, 0)
        assert 0 <= room.runs <= max(free, 0) * CLAIMS_PER_SLOT
        assert 0 <= room.activities <= max(min(free, activity_slots), 0)


@given(SMALL, SMALL, SMALL)
def test_either_kind_is_asked_for_where_there_is_any_room(total: int, free: int, activity_slots: int) -> None:
    rooms = share(total, free, activity_slots, activities_first=False)
    assert any(room.runs for room in rooms) == (total > 0 and free > 0)
    assert any(room.activities for room in rooms) == (total > 0 and free > 0 and activity_slots > 0)


def test_a_single_place_is_offered_to_both_in_turn() -> None:
    assert share(1, 4, 2, activities_first=False) == [Room(1, 0), Room(0, 1)]
    assert share(1, 4, 2, activities_first=True) == [Room(0, 1), Room(1, 0)]


def test_where_calls_last_no_more_is_asked_for_than_there_are_slots() -> None:
    assert share(100, 3, 0, per_slot=1, activities_first=False) == [Room(3, 0)]
    assert share(100, 0, 0, per_slot=1, activities_first=False) == [Room(0, 0)]
