"""What a page costs: requests and bytes on the wire, with nothing cached."""

from __future__ import annotations

import pytest

KILOBYTE = 1000
BUDGETS = {
    "/": (10, 60),
    "/runs/": (10, 60),
    "/runs/{full}/": (10, 70),
    "/runs/start/": (12, 230),
    "/templates/": (10, 75),
    "/schedules/": (10, 60),
    "/schedules/new/": (10, 60),
}


@pytest.fixture(scope="module")
def runs(seed):
    for _ in range(60):
        seed.run("completed")
    return {"full": seed.full_run(), "sleeping": seed.sleeping_run()}


@pytest.mark.parametrize("path", BUDGETS)
def test_a_page_keeps_its_budget(visit, runs, path):
    page = visit("/workflows/")
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto("/t/demo" + path.format(**runs), wait_until="networkidle")
    requests, kilobytes = BUDGETS[path]
    assert len(sizes) <= requests
    assert sum(sizes) <= kilobytes * KILOBYTE


def test_a_poll_of_an_unchanged_run_is_a_few_bytes(visit, runs):
    page = visit(f"/runs/{runs['sleeping']}/")
    region = page.locator("#run")
    answer = page.request.get(region.get_attribute("hx-get"), headers={"HX-PTag": region.get_attribute("hx-ptag")})
    assert (answer.status, answer.body()) == (304, b"")


def test_every_part_of_a_page_comes_from_here(visit, site, runs):
    page = visit("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in BUDGETS:
        page.goto("/t/demo" + path.format(**runs), wait_until="networkidle")
    assert [url for url in asked if not url.startswith((site.url, "data:"))] == []
