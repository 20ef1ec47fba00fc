"""Everything works without JavaScript: sign in, filter, page, look into a run, cancel it, start one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.integration.ui.site import fill_login
from workflows.gallery.catalog import templates


@pytest.fixture(scope="module")
def runs(seed):
    for index in range(55):
        seed.run("completed", name=f"nightly_{index % 3}")
    return {"failed": seed.failed_run(), "sleeping": seed.sleeping_run()}


@pytest.fixture
def plain(visit):
    def open_page(path: str, **options):
        return visit(path, java_script_enabled=False, **options)

    return open_page


def test_somebody_signs_in_and_out(plain, site):
    page = plain("/login", signed_in=False)
    fill_login(page, "wrong password")
    expect(page.get_by_role("alert")).to_contain_text("not correct")
    fill_login(page, site.password)
    page.get_by_role("link", name="Demo").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/t/demo/runs/")
    expect(page).to_have_url(re.compile("/login"))


def test_runs_are_filtered_by_status_and_paged(plain, runs):
    page = plain("/runs/")
    expect(page.locator("#rows tr[id^=run]")).to_have_count(50)
    page.get_by_role("link", name="Load 50 more").click()
    expect(page.locator("#rows tr[id^=run]")).to_have_count(7)
    page.goto("/t/demo/runs/")
    page.get_by_role("link", name="Failed 1").click()
    expect(page.locator("#rows tr[id^=run]")).to_have_count(1)
    expect(page.get_by_label("Filter runs")).to_have_value("status:failed")


def test_a_run_is_opened_down_to_its_step_and_its_logs(plain, runs):
    page = plain("/runs/?q=status:failed")
    page.locator("#rows a").first.click()
    page.locator(".dag a.node", has_text="reserve_stock").click()
    expect(page.locator("#step-panel")).to_contain_text("reserve_stock done")
    page.get_by_role("link", name="Steps 12").click()
    expect(page.locator("tbody tr")).to_have_count(12)
    page.locator("#tab-logs").click()
    expect(page.get_by_role("log")).to_contain_text("line 40 of the story")


def test_a_run_is_cancelled_with_a_reason(plain, runs):
    page = plain(f"/runs/{runs['sleeping']}/")
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_label("Reason").fill("not needed any more")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("h1 + .badge")).to_have_text("Cancelled")
    expect(page.locator(".messages")).to_have_text("The run was asked to stop.")


def test_a_failed_run_is_retried_and_both_lead_to_each_other(plain, runs):
    page = plain(f"/runs/{runs['failed']}/")
    page.get_by_role("button", name="Retry").click()
    expect(page.locator("h1 + .badge")).to_have_text("Queued")
    page.locator(".facts a").click()
    expect(page).to_have_url(re.compile(str(runs["failed"])))
    expect(page.locator(".facts")).to_contain_text("Retried as")


def test_a_definition_is_checked_and_started(plain):
    page = plain("/runs/start/")
    page.get_by_role("radio", name="JSON").check()
    page.get_by_label("Definition").fill('{"name": "plain", "tasks": {"a": {"operator_type": "task", "function": 5}}}')
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#problems li").first).to_be_visible()
    page.get_by_label("Definition").fill(
        '{"name": "plain", "tasks": {"a": {"operator_type": "task", "function": "tools.log.info", "args": ["hi"]}}}'
    )
    page.get_by_label("Inputs").fill("[]")
    page.get_by_role("button", name="Start run").first.click()
    expect(page.get_by_role("alert")).to_contain_text("JSON object")
    page.get_by_label("Inputs").fill('{"x": 1}')
    page.get_by_role("button", name="Start run").first.click()
    expect(page.get_by_role("heading", name="plain")).to_be_visible()
    expect(page.locator("h1 + .badge")).to_have_text("Queued")


def test_a_run_is_begun_with_a_template(plain):
    page = plain("/t/default/")
    page.get_by_role("link", name="Begin with a template").click()
    page.get_by_label("Search templates").fill("tools.lock.acquire")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 template. It runs as it is")).to_be_visible()
    page.get_by_role("link", name="Use this template One at a time").click()
    expect(page.get_by_label("Definition")).to_have_value(re.compile(r'WorkflowBuilder\("one_at_a_time"'))
    page.get_by_role("button", name="Start run").first.click()
    expect(page.get_by_role("heading", name="one_at_a_time")).to_be_visible()
    assert page.goto("/t/default/runs/start/?template=of_nobody").status == 404


def test_templates_are_narrowed_by_tag_and_word_and_shown_again(plain):
    page = plain("/templates/")
    expect(page.locator(".gallery > li")).to_have_count(len(templates()))
    page.get_by_role("link", name="parallel", exact=True).click()
    page.get_by_label("Search templates").fill("multi_choice")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".gallery h2")).to_have_text(["Notify whom it concerns"])
    page.get_by_label("Search templates").fill("no such thing")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", name="No template fits")).to_be_visible()
    page.get_by_role("link", name="Show all").click()
    expect(page.locator(".gallery > li")).to_have_count(len(templates()))


def test_theme_and_density_are_kept(plain):
    page = plain("/runs/")
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Compact").click()
    expect(page.locator("html")).to_have_attribute("data-density", "compact")
    expect(page).to_have_url(re.compile("/t/demo/runs/$"))
    page.get_by_role("button", name="System").click()
    expect(page.locator("html:not([data-theme])")).to_be_attached()
