"""W12: the API and the pages with a million runs of one tenant: `POST` and `GET` as many as it can and at a steady 200 a second, and how long pages take."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from bench.results import Figure, Result, latency
from bench.sizes import Sizes
from bench.systems.base import NotHereError, System, put_up
from bench.systems.highway.adapter import Highway
from bench.systems.highway.definitions import DEFINITIONS
from bench.systems.highway.web import Api, Web
from bench.workloads.history import grow

LINES = 8
STEADY_RATE = 200
PAGE_TRIES = 20
BODY = {"workflow_definition": DEFINITIONS["one_step"]}
PAGES = {
    "dashboard": "",
    "runs": "runs/",
    "failed runs": "runs/?status=failed",
    "run": "runs/{run}/",
    "workflows": "workflows/",
}


def run(system: System, sizes: Sizes) -> Result:
    """A web server (two processes) and a worker on one database that has a past."""
    if not isinstance(system, Highway):
        raise NotHereError("only ours has these pages")
    with put_up(system):
        system.start()
        web = Web(system)
        example = web.finish_one(BODY)
        with system.ground.administer(system.database) as connection:
            grow(connection, example, 0, sizes.api_runs)
        apis = [web.api() for _ in range(LINES)]
        read = f"/workflows/{example}"
        figures = (
            *_requests("POST", apis, sizes.api_requests, lambda api: api.ask("POST", "/workflows", BODY)),
            *_requests("GET", apis, sizes.api_requests, lambda api: api.ask("GET", read)),
            *(_page(web, name, path.format(run=example)) for name, path in PAGES.items()),
        )
    return Result("W12", system.name, figures, (f"{sizes.api_runs:,} runs",))


def _requests(name: str, apis: list[Api], count: int, ask: Callable[[Api], object]) -> tuple[Figure, Figure]:
    """As many as it can, then at a steady rate."""
    _spread(apis, LINES * 2, ask, 0)
    began = time.perf_counter()
    taken = _spread(apis, count, ask, 0)
    fast = replace(latency(taken, f"{name} as many as it can"), per_second=count / (time.perf_counter() - began))
    return fast, latency(_spread(apis, count, ask, STEADY_RATE), f"{name} at {STEADY_RATE}/s")


def _spread(apis: list[Api], count: int, ask: Callable[[Api], object], rate: float) -> list[float]:
    """Seconds of each request. At a rate they are counted from the time at which the request was due, so that waiting in line counts, too."""
    numbers = iter(range(count))
    began = time.perf_counter()

    def work(api: Api) -> list[float]:
        taken: list[float] = []
        for number in numbers:
            due = began + number / rate if rate else time.perf_counter()
            time.sleep(max(0.0, due - time.perf_counter()))
            ask(api)
            taken.append(time.perf_counter() - due)
        return taken

    with ThreadPoolExecutor(len(apis)) as executor:
        return [seconds for part in executor.map(work, apis) for seconds in part]


def _page(web: Web, name: str, path: str) -> Figure:
    """The page itself, without what a browser would load for it."""
    web.page_seconds(path)
    return latency([web.page_seconds(path) for _ in range(PAGE_TRIES)], f"page: {name}")
