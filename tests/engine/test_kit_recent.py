"""The last things that were asked for, and no more of them."""

from __future__ import annotations

from engine.kit.recent import Recent


def test_of_too_many_those_go_that_nobody_asked_for_the_longest() -> None:
    kept: Recent[str, int] = Recent(2)
    kept.put("a", 1)
    kept.put("b", 2)
    assert kept.get("a") == 1
    kept.put("c", 3)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)


def test_what_is_put_again_is_changed_and_young() -> None:
    kept: Recent[str, int] = Recent(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        kept.put(key, value)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (3, None, 4)
