"""R2: random programs end in the state of the model (tests.model). One that does not is made short and kept for the tests."""

from __future__ import annotations

import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.model.search import Ground, keep, program_of, try_chunk
from tests.support.databases import clone
from tests.support.session import Session

CHUNK = 250  # a database is cloned for each
PROCESSES = 2
MOST = 5  # when so many have failed there is enough to look at


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """The programs of the seeds from ``seed`` on."""
    logging.disable(logging.ERROR)  # killed workers and refused commands are what the programs are about
    try:
        return _search(stage.session, range(seed, seed + quantity), tick)
    finally:
        logging.disable(logging.NOTSET)


def _search(session: Session, seeds: range, tick: Tick) -> Tally:
    tally = Tally()
    chunks = [(session.share(), seeds[at : at + CHUNK]) for at in range(0, len(seeds), CHUNK)]
    failed: list[tuple[int, str]] = []
    with ProcessPoolExecutor(PROCESSES, mp_context=multiprocessing.get_context("spawn")) as pool:
        for tried, found in pool.map(try_chunk, chunks):
            tally.done += tried
            failed += found
            tick(tried)
            if len(failed) >= MOST:
                pool.shutdown(cancel_futures=True)
                break
    tally.problems = [_shorten_and_keep(session, number, wrong) for number, wrong in failed[:MOST]]
    tally.figures = {"programs": str(tally.done), "not as the model says": str(len(failed))}
    return tally


def _shorten_and_keep(session: Session, seed: int, wrong: str) -> str:
    """Make the program short, and add it to those that the tests repeat. Returns what is wrong, and the short program."""
    database = clone(session, "engine")
    ground = Ground(database)
    try:
        short = ground.shorten(program_of(seed))
        still_wrong = ground.try_out(short) or wrong
        keep(seed, wrong.splitlines()[0][:300], short)
    finally:
        ground.close()
        database.drop()
    return "\n    ".join([f"program {seed}: {still_wrong}", *map(str, short)])
