"""The pages of schedules: made, looked at, paused, resumed, run, backfilled, changed and deleted, without scripts; and their times."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from engine import facade
from engine.model.schedules import ScheduleSpec
from tests.integration.ui.seed import definition
from tests.integration.ui.site import fill_login, violations

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def nightly(seed):
    """A schedule with a history of every outcome."""
    facade.register(seed.connection, tenant_id=seed.tenant_id, definition=definition())
    return make_schedule(seed)


def make_schedule(seed, name="nightly", **more):
    values = {"timing": "30 2 * * *", "zone": "Europe/Berlin", "overlap": "allow", "inputs": {"day": "{{ds}}"}} | more
    spec = ScheduleSpec(name=name, workflow_name="order_fulfilment", **values)
    made = facade.create_schedule(seed.connection, tenant_id=seed.tenant_id, spec=spec, created_by="maria@acme.test")
    return made.schedule_id


@pytest.fixture
def plain(visit):
    def open_page(path: str, **options):
        return visit(path, java_script_enabled=False, **options)

    return open_page


def test_a_schedule_is_made_with_its_next_times_seen_first(plain, nightly):
    page = plain("/schedules/")
    page.get_by_role("link", name="New schedule").first.click()
    page.get_by_label("Name").fill("quarter")
    page.get_by_label("Workflow").fill("order_fulfilment")
    page.get_by_label("When", exact=True).fill("30 2 28 3 *")
    page.get_by_label("Time zone").fill("Berlin")
    page.get_by_role("button", name="Show next times").click()
    expect(page.locator("#times")).to_contain_text("did you mean 'Europe/Berlin'")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Show next times").click()
    expect(page.locator("#times li")).to_have_count(10)
    expect(page.locator("#times .notice")).to_contain_text("At 02:30 on March 28")
    page.get_by_role("button", name="Save").first.click()
    expect(page.get_by_role("heading", name="quarter")).to_be_visible()
    expect(page.locator("h1 + .badge")).to_have_text("Active")


def test_a_change_of_the_clocks_is_seen_in_the_next_times(plain, seed, nightly):
    begins = datetime(2027, 3, 26, 12, tzinfo=UTC)
    page = plain(f"/schedules/{make_schedule(seed, 'spring', starts_at=begins)}/")
    shown = page.locator(".times li span:first-child").all_inner_texts()
    assert shown[:3] == [
        "Sat 27 Mar 2027, 02:30 +01:00",
        "Sun 28 Mar 2027, 03:00 +02:00",
        "Mon 29 Mar 2027, 02:30 +02:00",
    ]
    expect(page.locator(".times time").first).to_have_attribute("datetime", re.compile("^2027-03-27T01:30"))


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(plain, nightly):
    page = plain("/schedules/new/")
    page.get_by_label("Name").fill("nightly")
    page.get_by_label("Workflow").fill("nobody_knows")
    page.get_by_label("When", exact=True).fill("61 * * * *")
    page.get_by_label("Inputs").fill('{"day": "{{dss}}"}')
    page.get_by_role("button", name="Save").first.click()
    alert = page.get_by_role("alert").inner_text()
    assert "Bad minute" in alert
    assert "did you mean 'ds'" in alert
    expect(page.get_by_label("Workflow")).to_have_value("nobody_knows")
    page.get_by_label("When", exact=True).fill("0 2 * * *")
    page.get_by_label("Inputs").fill("{}")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("#id_workflow_name-error")).to_contain_text("no workflow definition 'nobody_knows'")
    page.get_by_label("Workflow").fill("order_fulfilment")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator("#id_name-error")).to_contain_text("already")


def test_a_pause_needs_a_reason_that_is_then_shown(plain, seed, nightly):
    page = plain(f"/schedules/{make_schedule(seed, 'rested')}/")
    page.get_by_role("link", name="Pause…").click()
    page.evaluate("document.getElementById('reason').required = false")
    page.get_by_role("button", name="Pause the schedule").click()
    expect(page.locator("#reason-error")).to_contain_text("Say why")
    page.get_by_label("Reason").fill("month end")
    page.get_by_role("button", name="Pause the schedule").click()
    expect(page.locator("h1 + .badge")).to_have_text("Paused")
    expect(page.locator(".banner")).to_contain_text("month end")
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("h1 + .badge")).to_have_text("Active")


def test_run_now_starts_one_run_also_when_the_form_is_sent_twice(plain, seed, nightly):
    address = f"/schedules/{make_schedule(seed, 'pressed')}/"
    page = plain(address)
    key = page.locator("form[action$='/run/'] input[name=key]").get_attribute("value")
    token = page.locator("form[action$='/run/'] input[name=csrfmiddlewaretoken]").get_attribute("value")
    page.get_by_role("button", name="Run now").click()
    again = {"key": key, "csrfmiddlewaretoken": token}
    page.request.post(f"/t/demo{address}run/", form=again, headers={"Referer": page.url})
    page.goto(f"/t/demo{address}")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("Run now")
    page.locator("tbody a").click()
    expect(page.get_by_role("heading", name="order_fulfilment")).to_be_visible()


def test_a_backfill_says_how_many_before_it_does_anything(plain, seed, nightly):
    page = plain(f"/schedules/{make_schedule(seed, 'filled')}/")
    page.get_by_role("link", name="Backfill…").click()
    page.get_by_label("From").fill("2026-01-01T00:00")
    page.get_by_label("To").fill("2026-01-04T00:00")
    page.get_by_role("button", name="Count the ticks").click()
    expect(page.locator(".notice")).to_contain_text("3 ticks will fire")
    page.get_by_role("button", name="Fire 3 ticks").click()
    expect(page.locator(".messages")).to_have_text("3 ticks were filled in.")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Backfill…").click()
    page.get_by_label("From").fill("2026-01-04T00:00")
    page.get_by_label("To").fill("2026-01-01T00:00")
    page.get_by_role("button", name="Count the ticks").click()
    expect(page.get_by_role("alert")).to_contain_text("ends before it begins")


def test_a_schedule_is_changed_and_deleted(plain, seed, nightly):
    page = plain(f"/schedules/{make_schedule(seed, 'short')}/")
    page.get_by_role("link", name="Change").click()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("When", exact=True).fill("@every 2h")
    page.get_by_label("When the run before is still open").select_option("buffer_one")
    page.get_by_role("button", name="Save").first.click()
    expect(page.locator(".facts")).to_contain_text("Every 2 hours")
    expect(page.locator(".values")).to_contain_text("wait, one tick at most")
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete the schedule").click()
    expect(page.get_by_role("heading", name="Schedules")).to_be_visible()
    expect(page.get_by_role("link", name="short")).to_have_count(0)


def test_with_scripts_the_next_times_follow_the_form(visit, nightly):
    page = visit("/schedules/new/")
    page.get_by_label("When", exact=True).fill("0 4 * * *")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Queue").click()
    expect(page.locator("#times")).to_contain_text("04:00 +09:00")
    assert violations(page) == []


def test_the_page_follows_what_happens(visit, seed, nightly):
    schedule_id = make_schedule(seed, "followed")
    page = visit(f"/schedules/{schedule_id}/")
    expect(page.locator("#schedule")).to_contain_text("No tick has come yet.")
    facade.run_schedule_now(seed.connection, tenant_id=seed.tenant_id, schedule_id=schedule_id, by="tom@acme.test")
    expect(page.locator("tbody tr")).to_contain_text("tom@acme.test", timeout=15_000)
    region = page.locator("#schedule")
    answer = page.request.get(region.get_attribute("hx-get"), headers={"HX-PTag": region.get_attribute("hx-ptag")})
    assert (answer.status, answer.body()) == (304, b"")


def test_somebody_who_may_only_look_sees_what_it_would_take(visit, site, nightly):
    site.make_viewer("looker@acme.test", "correct horse battery")
    page = visit("/login", signed_in=False)
    fill_login(page, "correct horse battery", email="looker@acme.test")
    page.goto(f"/t/demo/schedules/{nightly}/")
    button = page.get_by_role("button", name="Run now")
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(page.locator(f"#{button.get_attribute('aria-describedby')}")).to_contain_text("workflows.schedule:operate")
    expect(page.get_by_role("link", name="Delete…")).to_have_count(0)
    assert page.request.get("/t/demo/schedules/new/").status == 403
