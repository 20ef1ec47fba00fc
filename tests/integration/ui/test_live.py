"""Pages that keep themselves up to date, on real workers and under the hands of somebody who reads them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.integration.ui.site import violations

SLOW = """from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("watched")
builder.task("first", "tools.shell.run", args=["sleep 1; echo one"])
builder.wait_for_event("gate", "open_the_gate", timeout_seconds=600)
builder.task("last", "tools.log.info", args=["through the gate"])
workflow = builder.build()
"""
BEATING = """from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("beating")
builder.activity("work", "tools.long_running.execute_with_heartbeat", kwargs={"duration_seconds": 30, "interval_seconds": 0.2})
builder.activity("later", "tools.log.info", args=["hello"], metadata={"queue": "nobodys"})
workflow = builder.build()
"""
BROKEN = """from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("broken")
builder.task("works", "tools.shell.run", args=["echo fine"])
builder.task("breaks", "tools.shell.run", args=["echo no such thing >&2; exit 3"])
workflow = builder.build()
"""


@pytest.fixture(scope="module", autouse=True)
def worker(site):
    return site.stack.start_worker()


def start(page: Page, source: str) -> str:
    """Start a run from the editor; the address of its page."""
    page.goto("/t/demo/runs/start/")
    page.evaluate("text => { document.getElementById('id_source').value = text; }", source)
    page.get_by_role("button", name="Start run").first.click()
    page.wait_for_url(re.compile(r"/runs/[0-9a-f-]{36}/$"))
    return page.url


def polls(page: Page) -> list[int]:
    """The statuses of the polls of the run's page, as they come."""
    seen: list[int] = []
    page.on("response", lambda response: "/-/live/" in response.url and seen.append(response.status))
    return seen


def wait_until(page: Page, is_so: Callable[[], bool]) -> None:
    """Let the page go on until it is so."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        page.wait_for_timeout(100)


def test_an_activity_shows_its_queue_and_how_far_it_is(visit):
    page = visit("/runs/start/")
    address = start(page, BEATING)
    expect(page.locator("#node-work")).to_have_attribute("data-state", "running")
    expect(page.locator("#node-later")).to_have_attribute("data-state", "waiting")
    page.goto(f"{address}?step=work")
    panel = page.locator("#step-panel")
    expect(panel).to_contain_text("default:activities")
    expect(panel).to_contain_text("done_seconds")
    assert violations(page) == []
    page.goto(f"{address}cancel/")
    page.get_by_role("button", name="Cancel the run").click()


def test_a_run_is_followed_to_its_end(visit, site, seed):
    page = visit("/runs/start/")
    address = start(page, SLOW)
    statuses = polls(page)
    badge = page.locator("h1 + .badge")
    expect(page.locator("#node-first")).to_have_attribute("data-state", "succeeded")
    expect(page.locator("#node-gate")).to_have_attribute("data-state", "waiting")
    expect(badge).to_have_text("Sleeping")
    expect(page.locator(".banner")).to_contain_text("open_the_gate")
    before = len(statuses)
    wait_until(page, lambda: len(statuses) - before >= 2)
    assert set(statuses[before:]) == {304}
    emit(seed, address.rstrip("/").rsplit("/", 1)[1], "open_the_gate")
    expect(badge).to_have_text("Succeeded")
    for node in ("first", "gate", "last"):
        expect(page.locator(f"#node-{node}")).to_have_attribute("data-state", "succeeded")
    expect(page).to_have_title(re.compile("^Succeeded"))
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", re.compile("succeeded"))
    after = len(statuses)
    page.wait_for_timeout(6_000)
    assert len(statuses) == after
    assert violations(page) == []


def emit(seed, run_id: str, name: str) -> None:
    from engine import facade

    facade.emit_event(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=run_id, name=name)


def test_a_failed_run_tells_its_cause(visit):
    page = visit("/runs/start/")
    start(page, BROKEN)
    expect(page.locator("h1 + .badge")).to_have_text("Failed")
    expect(page.locator("#failure h2")).to_have_text("breaks failed")
    page.locator("#failure").get_by_role("link", name="Open step").click()
    expect(page.locator("#step-panel")).to_contain_text("exit 3")
    page.get_by_role("button", name="Retry").dblclick()
    page.wait_for_url(lambda url: "?step" not in url)
    expect(page.locator("h1 + .badge")).to_have_text("Failed")
    expect(page.locator(".facts a")).to_have_count(1)


def test_reading_is_not_disturbed_by_updates(visit, seed):
    run_id = seed.sleeping_run()
    page = visit(f"/runs/{run_id}/")
    statuses = polls(page)
    pane, node = page.locator("#graph"), page.locator("#node-fraud_check")
    node.focus()
    pane.evaluate("pane => { pane.scrollTop = 120; window.scrollTo(0, 40); }")
    scrolled = page.evaluate("scrollY")
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    for number in range(3):
        seed.entry(run_id, "log", key="validate_order", level="info", message=f"update {number}")
        changed = statuses.count(200)
        wait_until(page, lambda changed=changed: statuses.count(200) > changed)
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.id") == "node-fraud_check"
    assert page.evaluate("getSelection().toString()") == "order_fulfilment"
    assert pane.evaluate("pane => pane.scrollTop") == 120
    assert page.evaluate("scrollY") == scrolled


def test_a_lost_server_is_told_and_found_again(visit, seed):
    run_id = seed.sleeping_run()
    page = visit(f"/runs/{run_id}/", tolerate="ERR_FAILED|htmx:error|Failed to fetch")
    live = page.locator("#live")
    page.route("**/-/live/**", lambda route: route.abort())
    expect(live).to_have_attribute("data-connection", "lost")
    expect(live.get_by_role("button", name="Reconnect")).to_be_visible()
    expect(page.locator(".dag")).to_be_visible()
    page.unroute("**/-/live/**")
    expect(live).to_have_attribute("data-connection", "live")


def test_new_runs_are_announced_and_never_jump_in(visit, seed):
    seed.run("completed")
    page = visit("/runs/")
    rows = page.locator("#rows tr[id^=run]").count()
    seed.run("completed")
    seed.run("completed")
    page.get_by_role("link", name="2 new runs").click()
    expect(page.locator("#rows tr[id^=run]")).to_have_count(rows + 2)


def test_loading_more_appends_rows_in_order(visit, seed):
    for index in range(110):
        seed.run("completed", name=f"many_{index % 2}")
    page = visit("/runs/?q=workflow:many_*")
    page.get_by_role("link", name="Load 50 more").click()
    expect(page.locator("#rows tr[id^=run]")).to_have_count(100)
    page.get_by_role("link", name="Load 50 more").click()
    expect(page.locator("#rows tr[id^=run]")).to_have_count(110)
    ids = page.eval_on_selector_all("#rows tr[id^=run]", "rows => rows.map(row => row.id)")
    assert ids == sorted(set(ids), reverse=True)
    expect(page.get_by_role("link", name="Load 50 more")).to_have_count(0)


def test_injected_markup_stays_inert(visit, seed):
    page = visit("/runs/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.evaluate("""() => {
        const element = document.createElement('div');
        element.setAttribute('hx-get', '/t/demo/workflows/');
        element.setAttribute('hx-trigger', 'load');
        document.getElementById('main').append(element);
        const allowed = console.error;
        console.error = () => {};
        htmx.process(element);
        console.error = allowed;
    }""")
    page.wait_for_timeout(500)
    assert not [url for url in sent if url.endswith("/workflows/")]
