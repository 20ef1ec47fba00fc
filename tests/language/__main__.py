"""Random programs by the thousand: ``python -m tests.language --rounds 10000``. What fails is shown in its shortest form."""

from __future__ import annotations

import argparse
import sys

from hypothesis import HealthCheck, given, settings

from tests.language.plans import plans
from tests.language.test_builder_programs import assert_read_as_written


def main() -> int:
    """Runs each property on so many examples; 1 when one has failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.language")
    parser.add_argument("--rounds", type=int, default=10_000, help="random programs of each kind")
    rounds = parser.parse_args().rounds
    more = settings(max_examples=rounds, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    for name, strategy, check in (("programs of the builder", plans(), assert_read_as_written),):
        more(given(strategy)(check))()
        sys.stdout.write(f"{rounds:,} {name}: none was read other than written\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
