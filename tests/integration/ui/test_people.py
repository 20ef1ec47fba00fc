"""Who may do what is seen on the page, and held behind it; and everything can be done with the keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.integration.ui.site import fill_login, violations

VIEWER, PASSWORD = "viewer@acme.test", "look-but-do-not-touch-7"


@pytest.fixture(scope="module")
def runs(seed):
    return {"failed": seed.failed_run(), "sleeping": seed.sleeping_run()}


@pytest.fixture
def viewer(visit, site):
    site.make_viewer(VIEWER, PASSWORD)
    page = visit("/login", signed_in=False)
    fill_login(page, PASSWORD, VIEWER)
    page.wait_for_url("**/t/demo/**")
    return page


def test_what_a_viewer_may_not_do_is_seen_named_and_refused(viewer, runs, screenshots):
    viewer.goto(f"/t/demo/runs/{runs['sleeping']}/")
    cancel = viewer.get_by_role("button", name="Cancel…")
    expect(cancel).to_have_attribute("aria-disabled", "true")
    expect(cancel).to_have_accessible_description("Needs the permission workflows.run:cancel")
    expect(viewer.get_by_role("link", name="Start run")).to_have_count(0)
    viewer.goto(f"/t/demo/runs/{runs['sleeping']}/cancel/")
    expect(viewer.locator("main")).to_contain_text("workflows.run:cancel")
    viewer.screenshot(path=screenshots / "not-allowed-light-1440.png")
    assert violations(viewer) == []
    token = next(cookie["value"] for cookie in viewer.context.cookies() if "csrf" in cookie["name"])
    answer = viewer.request.post(
        f"/t/demo/runs/{runs['failed']}/retry/", form={"csrfmiddlewaretoken": token, "key": "k"}
    )
    assert answer.status == 403


def test_a_viewer_of_one_tenant_sees_nothing_of_another(viewer):
    assert viewer.request.get("/t/default/").status == 404
    assert viewer.request.get("/t/no-such-tenant/").status == 404


def test_a_run_is_reached_and_read_with_the_keyboard_alone(visit, runs):
    page = visit("/runs/")
    page.keyboard.press("/")
    page.keyboard.type("status:failed")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=status"))
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(str(runs["failed"])))
    page.locator("#node-validate_order").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.id") == "node-fraud_check"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("step=fraud_check"))
    expect(page.locator("#step-title")).to_have_text("fraud_check")


def test_every_stop_of_the_tab_key_is_in_sight(visit, runs):
    page = visit(f"/runs/{runs['failed']}/")
    for _ in range(60):
        page.keyboard.press("Tab")
        seen = page.evaluate(IN_SIGHT)
        assert seen is True, seen


IN_SIGHT = """() => {
    const stop = document.activeElement;
    if (stop === document.body) return true;
    const box = stop.getBoundingClientRect();
    const [x, y] = [box.left + Math.min(box.width, 40) / 2, box.top + Math.min(box.height, 24) / 2];
    const top = document.elementFromPoint(x, y);
    return top !== null && (stop.contains(top) || top.contains(stop)) || `${stop.outerHTML.slice(0, 120)} is covered by ${top?.outerHTML.slice(0, 120)}`;
}"""


def test_a_hidden_page_asks_for_nothing(visit, runs):
    page = visit(f"/runs/{runs['sleeping']}/")
    asked: list[str] = []
    page.on("request", lambda request: None if "/static/" in request.url else asked.append(request.url))
    page.evaluate(HIDE, True)
    page.wait_for_timeout(5_000)
    assert asked == []
    with page.expect_request("**/-/live/**"):
        page.evaluate(HIDE, False)


HIDE = """hidden => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
