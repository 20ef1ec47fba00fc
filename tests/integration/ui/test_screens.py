"""Every screen in every dress: no violation, no complaint in the console, nothing wider than the window. Pictures are kept to be looked at."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.integration.ui.schedules import seed_schedules
from tests.integration.ui.site import overflow, violations

SCREENS = {
    "dashboard": "/",
    "runs": "/runs/",
    "runs-nothing-found": "/runs/?q=workflow:nobody_*&t=24h",
    "runs-bad-query": "/runs/?q=statu:failed+started:yesterday",
    "run-failed": "/runs/{failed}/",
    "run-done": "/runs/{full}/?step=each_item/print_label",
    "run-asleep": "/runs/{sleeping}/",
    "run-queued": "/runs/{queued}/",
    "run-timeline": "/runs/{full}/timeline/",
    "run-timeline-failed": "/runs/{failed}/timeline/",
    "run-steps": "/runs/{failed}/steps/?step=prepare.charge/charge_card",
    "run-events": "/runs/{failed}/events/",
    "run-logs": "/runs/{failed}/logs/",
    "run-data": "/runs/{full}/io/",
    "run-cancel": "/runs/{sleeping}/cancel/",
    "start": "/runs/start/",
    "start-from-template": "/runs/start/?template=human_decision",
    "templates": "/templates/",
    "templates-found": "/templates/?tag=parallel&q=branches",
    "templates-none-found": "/templates/?q=nothing+of+the+kind",
    "workflows": "/workflows/",
    "workflow": "/workflows/order_fulfilment/",
    "schedules": "/schedules/",
    "schedules-none": "/t/default/schedules/",
    "schedule": "/schedules/{schedule}/",
    "schedule-paused": "/schedules/{rested}/",
    "schedule-new": "/schedules/new/",
    "schedule-edit": "/schedules/{schedule}/edit/",
    "schedule-pause": "/schedules/{schedule}/pause/",
    "schedule-backfill": "/schedules/{schedule}/backfill/",
    "schedule-delete": "/schedules/{schedule}/delete/",
    "first-use": "/t/default/",
    "first-use-runs": "/t/default/runs/",
    "not-found": "/runs/018f0000-0000-7000-8000-000000000000/",
}


@pytest.fixture(scope="module")
def runs(seed):
    """One run of each interesting kind among many plain ones."""
    for index in range(60):
        seed.run("completed", name=f"nightly_etl_{index % 4}")
    seed.run("cancelled")
    return {
        **seed_schedules(seed),
        "failed": seed.failed_run(),
        "full": seed.full_run(),
        "sleeping": seed.sleeping_run(),
        "queued": seed.run("pending", tags=["eu", "vip"]),
    }


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_sound(visit, runs, screenshots, name):
    page = visit(SCREENS[name].format(**runs))
    for theme in ("light", "dark"):
        wear(page, theme)
        page.set_viewport_size({"width": 1440, "height": 900})
        page.reload()
        if name.startswith("start"):
            page.wait_for_selector("#problems[data-valid=true]")
        page.screenshot(path=screenshots / f"{name}-{theme}-1440.png")
        assert violations(page) == []
        assert overflow(page) == 0
        page.set_viewport_size({"width": 320, "height": 640})
        page.screenshot(path=screenshots / f"{name}-{theme}-320.png", full_page=True)
        assert overflow(page) == 0


def wear(page, theme):
    """Choose a theme as the form in the navigation would."""
    page.context.add_cookies([{"name": "theme", "value": theme, "url": page.url}])


@pytest.mark.parametrize(("name", "path"), [("login", "/login"), ("not-found-outside", "/nowhere")])
def test_a_screen_before_signing_in_is_sound(visit, screenshots, name, path):
    page = visit(path, signed_in=False)
    for theme in ("dark", "light"):
        wear(page, theme)
        page.reload()
        page.screenshot(path=screenshots / f"{name}-{theme}-1440.png")
        assert violations(page) == []
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) == 0


def test_the_chooser_lists_the_tenants_of_a_person(visit, site, screenshots):
    page = visit("/")
    page.goto("/?choose")
    page.screenshot(path=screenshots / "chooser-light-1440.png")
    expect(page.get_by_role("link", name="Demo")).to_be_visible()
    expect(page.get_by_role("link", name="Default")).to_be_visible()
    assert violations(page) == []


def test_pages_carry_the_strict_policy_and_no_inline_code(visit, runs):
    page = visit("/")
    for path in SCREENS.values():
        answer = page.request.get((path if path.startswith("/t/") else f"/t/demo{path}").format(**runs))
        policy = answer.headers["content-security-policy"]
        for part in (
            "default-src 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types htmx",
            "base-uri 'none'",
        ):
            assert part in policy
        assert "unsafe" not in policy
        html = answer.text()
        assert " style=" not in html
        assert " onclick=" not in html


def test_an_unknown_tenant_and_a_foreign_run_are_the_same_nothing(visit, runs):
    page = visit("/")
    here = page.request.get("/t/demo/runs/018f0000-0000-7000-8000-000000000000/")
    foreign = page.request.get(f"/t/default/runs/{runs['failed']}/")
    assert (here.status, foreign.status) == (404, 404)
    assert without_nonce(here.text()) == without_nonce(foreign.text())


def without_nonce(html: str) -> str:
    return re.sub(r'nonce="[^"]+"', "", html)


@pytest.mark.parametrize("width", [320, 1440])
def test_regions_of_a_run_page_do_not_lie_on_each_other(visit, runs, width):
    page = visit(f"/runs/{runs['failed']}/", width=width)
    boxes = [
        page.locator(each).bounding_box() for each in (".page-header", "#failure", ".card:has(#graph)", "#step-panel")
    ]
    for first in boxes:
        for second in boxes:
            apart = (
                first is second
                or first["y"] + first["height"] <= second["y"] + 0.5
                or second["y"] + second["height"] <= first["y"] + 0.5
                or first["x"] + first["width"] <= second["x"] + 0.5
                or second["x"] + second["width"] <= first["x"] + 0.5
            )
            assert apart, (first, second)


def test_the_cause_of_a_failure_is_in_the_first_view(visit, runs):
    page = visit(f"/runs/{runs['failed']}/")
    for text in ("charge_card failed after 5 attempts", "503 Service Unavailable"):
        box = page.locator("#failure").get_by_text(text).bounding_box()
        assert box["y"] + box["height"] <= 900
    for name in ("Open step", "Logs"):
        assert page.locator("#failure").get_by_role("link", name=name).bounding_box()["y"] <= 900
    assert page.get_by_role("button", name="Retry").bounding_box()["y"] <= 900


def test_without_motion_nothing_moves(visit, runs):
    page = visit("/runs/", reduced_motion="reduce")
    assert page.evaluate("document.getAnimations().filter((each) => each.playState === 'running').length") == 0


def test_states_are_told_apart_without_colour(visit, runs):
    page = visit("/runs/", forced_colors="active")
    badges = page.locator(".badge").all()
    shapes = {(badge.inner_text(), badge.locator("use").get_attribute("href")) for badge in badges}
    assert len({shape for _, shape in shapes}) == len({word for word, _ in shapes}) >= 4
