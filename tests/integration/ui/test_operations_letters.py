"""Dead letters in the browser, without scripts: found by cause, requeued once, purged after a question, many at once."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from engine.model.upkeep import LetterFilter
from tests.integration.ui.operations import letter, unstarted_letter
from tests.integration.ui.seed import definition
from tests.integration.ui.test_people import IN_SIGHT


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


@pytest.fixture
def failed(seed):
    """A failed run, and no letters but those of the test."""
    seed.connection.execute("DELETE FROM highway.dead_letter WHERE tenant_id = %s", [seed.tenant_id])
    return seed.failed_run()


def letters(seed, **chosen):
    return facade.list_dead_letters(seed.connection, tenant_id=seed.tenant_id, chosen=LetterFilter(**chosen))


def test_a_letter_is_inspected_requeued_once_and_purged(plain, seed, failed):
    letter_id = letter(seed, run_id=failed)
    page = plain("/dead-letters/")
    page.get_by_role("link", name="503 Service Unavailable").click()
    expect(page.locator("#cause")).to_contain_text("HTTPError")
    form = page.locator("form[action$='/requeue/']")
    fields = {
        name: form.locator(f"input[name={name}]").get_attribute("value") for name in ("key", "csrfmiddlewaretoken")
    }
    address = form.get_attribute("action")
    page.get_by_role("button", name="Requeue").click()
    expect(page.locator(".banner").last).to_contain_text("Requeued by admin@localhost.localdomain")
    page.request.post(address, form=fields, headers={"Referer": page.url})
    (one,) = letters(seed)
    assert one.dead_letter_id == letter_id
    retries = facade.list_related(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=failed)
    assert [other.workflow_run_id for other in retries] == [one.requeued_run_id]
    page.get_by_role("link", name="Purge…").click()
    expect(page.locator(".items")).to_contain_text("503 Service Unavailable")
    page.get_by_role("button", name="Purge the letter").click()
    assert letters(seed) == []
    expect(page.get_by_role("heading", name="No dead letters", exact=True)).to_be_visible()


def test_what_never_started_is_started_by_requeueing_its_letter(plain, seed, failed):
    letter_id = unstarted_letter(seed)
    page = plain(f"/dead-letters/{letter_id}/")
    expect(page.locator("[aria-labelledby=request-title]")).to_contain_text("definition_id")
    page.get_by_role("button", name="Requeue").click()
    (one,) = letters(seed)
    run = facade.get_run(seed.connection, tenant_id=seed.tenant_id, workflow_run_id=one.requeued_run_id)
    assert run.inputs == {"order": 7}


def test_ticked_letters_are_requeued_and_what_cannot_be_is_told_and_left(plain, seed, failed):
    mine = [letter(seed, run_id=failed), letter(seed, run_id=seed.sleeping_run())]
    page = plain("/dead-letters/")
    for letter_id in mine:
        page.locator(f"input[value='{letter_id}']").check()
    page.get_by_role("button", name="Requeue selected").click()
    told = page.locator(".messages").inner_text()
    assert "1 letter was requeued. 1 was left:" in told
    assert {one.dead_letter_id: bool(one.requeued_run_id) for one in letters(seed)} == {mine[0]: True, mine[1]: False}


def test_ticked_letters_are_purged_after_they_were_named(plain, seed, failed):
    gone, kept = letter(seed, run_id=failed), letter(seed, "poison", failed)
    page = plain("/dead-letters/")
    page.get_by_role("button", name="Purge selected…").click()
    expect(page.locator(".messages")).to_contain_text("tick the letters first")
    page.locator(f"input[value='{gone}']").check()
    page.get_by_role("button", name="Purge selected…").click()
    expect(page.get_by_role("heading", name="Purge 1 dead letter?")).to_be_visible()
    assert len(letters(seed)) == 2
    page.get_by_role("button", name="Purge 1 letter").click()
    expect(page.locator(".messages")).to_have_text("1 letter was purged.")
    assert [one.dead_letter_id for one in letters(seed)] == [kept]


def test_a_filter_is_purged_whole_and_nothing_else(plain, seed, failed):
    for _ in range(3):
        letter(seed, "poison", failed)
    kept = letter(seed, run_id=failed)
    page = plain("/dead-letters/")
    page.get_by_label("Reason").select_option("poison")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_role("link", name="Purge all of these…").click()
    page.get_by_role("button", name="Purge 3 letters").click()
    assert [one.dead_letter_id for one in letters(seed)] == [kept]


def test_letters_are_paged_by_key(plain, seed, failed):
    for _ in range(53):
        letter(seed, run_id=failed)
    page = plain("/dead-letters/")
    expect(page.locator("tbody tr")).to_have_count(50)
    page.get_by_role("link", name="Older letters").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_with_scripts_one_box_ticks_all_and_says_how_many(visit, seed, failed):
    for _ in range(3):
        letter(seed, run_id=failed)
    page = visit("/dead-letters/")
    page.get_by_label("Select all on this page").check()
    expect(page.locator("[data-selected]")).to_have_text("3 selected")
    page.locator("tbody input[type=checkbox]").first.uncheck()
    expect(page.locator("[data-selected]")).to_have_text("2 selected")
    assert page.get_by_label("Select all on this page").evaluate("box => box.indeterminate")


def test_every_stop_of_the_tab_key_is_in_sight_above_the_bar_that_stays(visit, seed, failed):
    for _ in range(30):
        letter(seed, run_id=failed)
    page = visit("/dead-letters/")
    for _ in range(75):
        page.keyboard.press("Tab")
        seen = page.evaluate(IN_SIGHT)
        assert seen is True, seen


@pytest.fixture(autouse=True, scope="module")
def known(seed):
    """The definition that letters without a run ask for."""
    facade.register(seed.connection, tenant_id=seed.tenant_id, definition=definition())
