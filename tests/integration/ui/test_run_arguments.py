"""A run that waits for a person: the cause is shown, the arguments are edited, what is wrong stands at its place, and the run goes on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from tests.integration.ui.operations import waits_for_a_person
from tests.support.runs import scalar

STEPS = {
    "charge_card": {"args": ["charge --card 4711"], "kwargs": {}},
    "notify_customer": {"args": [], "kwargs": {"command": "mail maria"}},
}


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


@pytest.fixture
def run(seed, site):
    return waits_for_a_person(seed, site.database.worker, STEPS)


def given(seed, run, step):
    """What a person has given the step."""
    query = "SELECT given FROM highway.wait WHERE workflow_run_id = %s AND step_key = %s"
    return scalar(seed.connection, query, run, step)


def test_the_cause_is_told_once_and_the_edited_step_alone_gets_other_arguments(plain, seed, run):
    page = plain(f"/runs/{run}/")
    assert page.locator("#exhausted").inner_text().count("the bank did not answer") == 2
    expect(page.locator("[aria-labelledby=why-title]")).to_have_count(0)
    page.get_by_role("link", name="Edit arguments and resume…").click()
    expect(page.locator("#step-1")).to_contain_text("the bank did not answer")
    page.get_by_label("Arguments by place (JSON list) charge_card").fill('["charge --card 4242"]')
    page.get_by_role("button", name="Resume with these").click()
    expect(page.locator(".messages")).to_have_text("The run goes on with the new arguments.")
    expect(page.locator("h1 + .badge")).to_have_text("Queued")
    assert given(seed, run, "charge_card")["args"] == ["charge --card 4242"]
    assert "args" not in given(seed, run, "notify_customer")
    assert given(seed, run, "notify_customer")["try_again"] is True


def test_what_cannot_be_read_stands_at_its_field_and_nothing_is_lost(plain, seed, run):
    page = plain(f"/runs/{run}/arguments/")
    page.get_by_label("Arguments by place (JSON list) charge_card").fill('["charge"')
    page.get_by_label("Arguments by name (JSON object) notify_customer").fill("[1]")
    page.get_by_role("button", name="Resume with these").click()
    expect(page.locator("#args-1-error")).to_contain_text("no valid JSON")
    expect(page.locator("#kwargs-2-error")).to_contain_text("An object in JSON")
    expect(page.get_by_label("Arguments by place (JSON list) charge_card")).to_have_value('["charge"')
    assert given(seed, run, "charge_card") is None


def test_what_the_tool_refuses_stands_at_its_step(plain, seed, run):
    page = plain(f"/runs/{run}/arguments/")
    page.get_by_label("Arguments by name (JSON object) notify_customer").fill('{"comand": "mail maria"}')
    page.get_by_role("button", name="Resume with these").click()
    expect(page.locator("#step-2-error")).to_contain_text("comand is not an argument")
    expect(page.locator("#step-1-error")).to_have_count(0)
    assert len(facade.list_exhausted(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=run)) == 2
    page.get_by_label("Arguments by name (JSON object) notify_customer").fill('{"command": "mail tom"}')
    page.get_by_role("button", name="Resume with these").click()
    assert given(seed, run, "notify_customer")["kwargs"] == {"command": "mail tom"}


def test_a_run_that_waits_for_nobody_says_so(plain, seed):
    page = plain(f"/runs/{seed.sleeping_run()}/arguments/")
    expect(page.locator("main")).to_contain_text("No step of this run waits for a person.")
