"""Run control from the page of a run, without JavaScript: every button is a form, every change is told."""

from __future__ import annotations

import os
import re

import pytest
from playwright.sync_api import expect

from engine import facade
from engine.model.errors import StepError
from engine.queue.commit import commit
from engine.queue.writes import Suspended, TaskWrites, WaitWrite
from tests.integration.ui.operations import compensated_run, waits_for_a_person
from tests.integration.ui.site import overflow, violations
from tests.support.runs import WORKER, scalar, take


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


def _badge(page) -> str:
    return page.locator("h1 + .badge").inner_text()


def test_a_run_is_paused_and_goes_on(plain, seed):
    page = plain(f"/runs/{seed.sleeping_run()}/")
    page.get_by_role("button", name="Pause").click()
    assert _badge(page) == "Paused"
    expect(page.locator("[aria-labelledby=why-title]")).to_contain_text("paused by")
    page.get_by_role("button", name="Resume").click()
    assert _badge(page) in ("Sleeping", "Queued")
    expect(page.locator(".messages")).to_have_text("The run goes on.")


def test_a_run_is_killed_with_a_reason_and_restarted_where_it_was_stopped(plain, seed):
    page = plain(f"/runs/{seed.sleeping_run()}/")
    page.get_by_role("link", name="Kill…").click()
    page.get_by_label("Reason").fill("wrong customer")
    page.get_by_role("button", name="Kill the run").click()
    assert _badge(page) == "Cancelled"
    page.get_by_role("button", name="Restart where it was stopped").click()
    assert _badge(page) == "Queued"


def test_a_run_is_forked_from_a_step_and_a_wrong_one_is_explained(plain, seed):
    source = seed.failed_run()
    page = plain(f"/runs/{source}/")
    page.get_by_role("link", name="Fork…").click()
    page.get_by_label("From step").fill("notify_custmer")
    page.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("alert")).to_contain_text("notify_customer")
    page.get_by_label("From step").fill("notify_customer")
    page.get_by_label("Inputs").fill('{"order": 7}')
    page.get_by_role("button", name="Fork").click()
    assert _badge(page) == "Queued"
    expect(page.locator(".facts")).to_contain_text("Fork of")
    expect(page).not_to_have_url(re.compile(str(source)))


def test_a_fork_of_a_run_that_was_undone_begins_with_what_was_done_first(plain, seed):
    source = compensated_run(seed)
    seed.connection.execute(
        "UPDATE highway.task SET phase = 'undoing' WHERE tenant_id = %s AND task_id = %s", [seed.tenant_id, source]
    )
    seed.connection.execute(
        "INSERT INTO highway.compensation (tenant_id, workflow_run_id, scope, step_key, call) VALUES (%s, %s, '', 'validate_order', '{}')",
        [seed.tenant_id, source],
    )
    page = plain(f"/runs/{source}/")
    page.get_by_role("link", name="Fork…").click()
    expect(page.get_by_label("From step")).to_have_value("validate_order")
    page.get_by_label("From step").fill("fraud_check")
    page.get_by_role("button", name="Fork").click()
    expect(page.get_by_role("alert")).to_contain_text("validate_order")
    page.get_by_label("From step").fill("validate_order")
    page.get_by_role("button", name="Fork").click()
    expect(page.locator(".facts")).to_contain_text("Fork of")


def test_a_step_that_waits_for_a_person_is_shown_and_given_up(plain, visit, seed, site):
    run = seed.run("pending")
    (task,) = [task for task in take(site.database.worker, quantity=100) if task.task_id == run]
    error = StepError("tool", "the bank did not answer")
    asked = {"kind": "exhausted", "tool": "tools.shell.run", "input": None, "error": error.to_json()}
    wait = WaitWrite("charge_card", "person", attempt=3, error=error, request=asked)
    commit(seed.connection, [TaskWrites(task, waits=[wait], pause_for="charge_card failed", exit=Suspended())], WORKER)
    seen = visit(f"/runs/{run}/")
    assert violations(seen) == []
    assert overflow(seen) == 0
    if folder := os.environ.get("SCREENSHOTS"):
        seen.screenshot(path=f"{folder}/paused.png")
    page = plain(f"/runs/{run}/")
    expect(page.locator("#exhausted")).to_contain_text("the bank did not answer")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Give up charge_card").click()
    assert _badge(page) == "Queued"
    assert facade.list_exhausted(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=run) == []


def test_a_form_that_is_sent_twice_has_one_effect_and_one_with_something_else_its_own(plain, seed, site):
    run = waits_for_a_person(seed, site.database.worker, {"a": {}, "b": {}, "c": {}})
    page = plain(f"/runs/{run}/")
    form = page.locator("form[action$='/give-up/']").first
    fields = {
        name: form.locator(f"input[name={name}]").get_attribute("value") for name in ("key", "csrfmiddlewaretoken")
    }
    for step in ("a", "a", "b"):
        answer = page.request.post(
            form.get_attribute("action"), form={**fields, "step": step}, headers={"Referer": page.url}
        )
        assert answer.status == 200
    left = facade.list_exhausted(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=run)
    assert [step.path for step in left] == ["c"]
    gave_up = "SELECT count(*) FROM highway.journal WHERE workflow_run_id = %s AND kind = 'gave_up'"
    assert scalar(seed.connection, gave_up, run) == 2


@pytest.mark.parametrize("what", ["kill", "fork"])
def test_the_pages_that_ask_first_are_accessible_and_fit_a_phone(visit, seed, what):
    page = visit(f"/runs/{seed.sleeping_run()}/{what}/", width=320)
    assert violations(page) == []
    assert overflow(page) == 0
