"""Random programs by the thousand: ``python -m tests.language --rounds 10000``. What fails is shown in its shortest form."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from tests.language.plans import plans
from tests.language.test_builder_programs import assert_read_as_written
from tests.language.test_rules import assert_as_the_rules_say, graphs


def main() -> int:
    """Runs each property on so many examples; 1 when one has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.language")
    parser.add_argument("--rounds", type=int, default=10_000, help="random programs of each kind")
    rounds = parser.parse_args().rounds
    more = settings(max_examples=rounds, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    properties: tuple[tuple[str, SearchStrategy[Any], Callable[[Any], None]], ...] = (
        ("programs of the builder are read as they were written", plans(), assert_read_as_written),
        ("graphs ran as the rules say", graphs(), assert_as_the_rules_say),
    )
    for name, strategy, check in properties:
        more(given(strategy)(check))()
        sys.stdout.write(f"{rounds:,} {name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
