"""Approvals in the browser, without scripts: found, read, decided once, and told to who comes late."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from tests.integration.ui.asking import TWO_STAGES, asks_people, says
from tests.integration.ui.site import looks_sound


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


@pytest.fixture
def asks(seed, site):
    return lambda message="Deploy release 7.4?", **how: asks_people(seed, site.database.worker, message, **how)


def state_of(seed, asked):
    return facade.get_approval(seed.connection, tenant_id=seed.tenant_id, name=str(asked.approval_id)).state


def test_a_question_is_found_from_its_run_and_approved(plain, seed, asks):
    asked = asks()
    page = plain(f"/runs/{asked.workflow_run_id}/")
    banner = page.locator("#approval").inner_text()
    assert "Needs approval" in banner
    assert "Deploy release 7.4?" in banner
    assert "0 of 1 agreed" in banner
    page.get_by_role("link", name="Review notify_customer").click()
    expect(page.locator("[aria-labelledby=data-title]")).to_contain_text('"release": "7.4"')
    page.get_by_label("Comment").fill("the roll back is ready")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".messages")).to_contain_text("Approved. The run goes on.")
    expect(page.locator("#decided")).to_contain_text("Approved by admin@localhost.localdomain")
    expect(page.locator("[aria-labelledby=votes-title]")).to_contain_text("the roll back is ready")
    assert state_of(seed, asked) == "approved"


def test_a_rejection_says_why(plain, seed, asks):
    asked = asks()
    page = plain(f"/approvals/{asked.approval_id}/")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator(".messages")).to_contain_text("say why you reject it")
    assert state_of(seed, asked) == "pending"
    page.get_by_label("Comment").fill("not on a Friday")
    page.get_by_role("button", name="Reject").click()
    assert state_of(seed, asked) == "rejected"


def test_who_comes_late_is_told_who_was_first(plain, seed, asks):
    asked = asks()
    page = plain(f"/approvals/{asked.approval_id}/")
    says(seed, asked.approval_id, "reject", "otto@acme.test", "too early")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".messages")).to_contain_text("It was already rejected by otto@acme.test at 20")
    expect(page.locator("[aria-labelledby=votes-title]")).to_contain_text("too early")


def test_who_has_no_say_sees_why_and_buttons_that_do_nothing(plain, asks):
    asked = asks(stages=[{"approvers": ["otto@acme.test", "role:finance"], "quorum": 1}])
    page = plain(f"/approvals/{asked.approval_id}/")
    told = page.locator("[aria-labelledby=decide-title]").inner_text()
    assert "is not one of those who decide this now: otto@acme.test, role:finance" in told
    expect(page.get_by_role("button", name="Approve")).to_have_attribute("aria-disabled", "true")


def test_one_of_several_is_told_that_others_have_to_agree(plain, seed, asks):
    asked = asks(stages=TWO_STAGES)
    page = plain(f"/approvals/{asked.approval_id}/")
    page.get_by_role("button", name="Approve").click()
    expect(page.locator(".messages")).to_contain_text("Your approval counts; others have to agree, too.")
    expect(page.locator("[aria-labelledby=stages-title]")).to_contain_text("1 of 2 · stage 1 of 2")
    expect(page.locator("[aria-labelledby=decide-title]")).to_contain_text("You have spoken already.")
    says(seed, asked.approval_id, "approve", "otto@acme.test")
    page.reload()
    expect(page.locator("[aria-labelledby=stages-title]")).to_contain_text("0 of 1 · stage 2 of 2")


def test_the_list_shows_what_waits_and_what_was_decided(plain, seed, asks):
    waiting, decided = asks("Pay 4,711 EUR?"), asks("Delete the old ledger?")
    says(seed, decided.approval_id, "approve", "otto@acme.test")
    page = plain("/approvals/")
    table = page.locator("table").inner_text()
    assert "Pay 4,711 EUR?" in table
    assert "Delete the old ledger?" not in table
    page.get_by_role("link", name="All", exact=True).click()
    row = page.locator("tr", has_text="Delete the old ledger?").inner_text()
    assert "Approved" in row
    assert "otto@acme.test" in row
    says(seed, waiting.approval_id, "reject", "otto@acme.test")


def test_a_step_that_asks_is_drawn_with_a_person(visit, asks):
    page = visit(f"/runs/{asks().workflow_run_id}/steps/")
    expect(page.locator("tr[data-state=approval]")).to_contain_text("Needs approval")


@pytest.fixture(scope="module")
def addresses(seed, site):
    """Of each page of approvals."""
    waits = asks_people(seed, site.database.worker, "Deploy? " * 30, stages=TWO_STAGES)
    said = {name: asks_people(seed, site.database.worker) for name in ("approve", "reject")}
    for vote, asked in said.items():
        says(seed, asked.approval_id, vote, "otto@acme.test", "after a long talk with everybody who was there")
    return {
        "approvals": "/approvals/",
        "approvals-all": "/approvals/?show=all",
        "approvals-none": "/t/default/approvals/",
        "approvals-never": "/t/default/approvals/?show=all",
        "approval": f"/approvals/{waits.approval_id}/",
        "approval-approved": f"/approvals/{said['approve'].approval_id}/",
        "approval-rejected": f"/approvals/{said['reject'].approval_id}/",
        "run-needs-approval": f"/runs/{waits.workflow_run_id}/",
        "dashboard-needs-approval": "/",
    }


SCREENS = (
    *("approvals", "approvals-all", "approvals-none", "approvals-never"),
    *("approval", "approval-approved", "approval-rejected", "run-needs-approval", "dashboard-needs-approval"),
)


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_sound(visit, addresses, screenshots, name):
    page = visit(addresses[name])
    looks_sound(page, screenshots, name)
