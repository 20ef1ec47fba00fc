"""``python -m tests.model --rounds 10000 --seed 1 --processes 2``: tries out the programs of so many seeds. Exit 0: all of them agree with the model."""

from __future__ import annotations

import argparse
import concurrent.futures
import logging
import multiprocessing
import sys
import time

from tests.model.search import Ground, keep, program_of, try_chunk
from tests.support.databases import clone
from tests.support.session import Session

CHUNK = 250  # a database is cloned for each


def main() -> int:
    """Search, tell the progress, shorten and keep what fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument(
        "--seed", type=int, default=int(time.time()) * 1000, help="of the first program; the next ones follow"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--most", type=int, default=5, help="stop when so many have failed")
    chosen = parser.parse_args()
    logging.disable(logging.ERROR)
    say(f"programs of the seeds {chosen.seed} to {chosen.seed + chosen.rounds - 1}")
    session = Session.start()
    try:
        return search(session, chosen.seed, chosen.rounds, chosen.processes, chosen.most)
    finally:
        session.stop()


def search(session: Session, first: int, rounds: int, processes: int, most: int) -> int:
    """Returns 0 when nothing was found."""
    done, failed, began = 0, [], time.monotonic()
    chunks = [
        (session.share(), range(at, min(at + CHUNK, first + rounds))) for at in range(first, first + rounds, CHUNK)
    ]
    spawning = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(processes, mp_context=spawning) as pool:
        for tried, found in pool.map(try_chunk, chunks):
            done += tried
            failed += found
            rate = done / (time.monotonic() - began)
            say(f"{done}/{rounds} programs, {rate:.1f} a second, {len(failed)} failed")
            if len(failed) >= most:
                pool.shutdown(cancel_futures=True)
                break
    for seed, wrong in failed[:most]:
        say(f"seed {seed}: {wrong}")
        shorten_and_keep(session, seed, wrong)
    say(f"seeds {first} to {first + done - 1}: {done} programs, {len(failed)} failed")
    return 1 if failed else 0


def shorten_and_keep(session: Session, seed: int, wrong: str) -> None:
    """Make the program short, show it, and add it to the seeds that the tests repeat."""
    database = clone(session, "engine")
    ground = Ground(database)
    short = ground.shorten(program_of(seed))
    say(f"  in short: {ground.try_out(short) or wrong}")
    for command in short:
        say(f"    {command}")
    keep(seed, wrong.splitlines()[0][:300], short)
    ground.close()
    database.drop()


def say(line: str) -> None:
    """To the person who waits."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
