"""Circuit breakers in the browser: seen, opened with a reason, closed, reset; without scripts, and followed with them."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from tests.integration.ui.operations import PAY, breaker
from tests.integration.ui.site import violations


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


def state(seed, resource: str, workflow: str = "") -> str:
    found = facade.get_breaker(seed.connection, tenant_id=seed.tenant_id, resource_key=resource, workflow_name=workflow)
    return found.state


def test_an_open_breaker_tells_why_and_is_closed_and_reset(plain, seed):
    breaker(seed, PAY, "open")
    page = plain("/circuits/")
    row = page.locator("tbody tr", has_text=PAY).inner_text()
    assert "Open" in row
    assert "5 failures in a row: 503 Service Unavailable" in row
    page.get_by_role("link", name=PAY).click()
    expect(page.locator("h1 + .badge")).to_have_text("Open")
    expect(page.locator(".banner")).to_contain_text("Nobody calls this resource")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("h1 + .badge")).to_have_text("Closed")
    expect(page.locator("[aria-labelledby=error-title]")).to_contain_text("503 Service Unavailable")
    assert state(seed, PAY) == "closed"
    page.get_by_role("link", name="Reset…").click()
    page.get_by_role("button", name="Reset the breaker").click()
    expect(page.locator(".messages")).to_have_text("The breaker was reset.")
    expect(page.locator("tbody tr", has_text=PAY)).to_have_count(0)


def test_a_breaker_is_opened_by_hand_with_a_reason_that_is_shown(plain, seed):
    page = plain("/circuits/")
    page.get_by_role("link", name="Open a breaker…").click()
    page.get_by_label("Resource").fill("warehouse")
    page.get_by_label("Minutes").fill("5")
    page.evaluate("document.getElementById('id_reason').required = false")
    page.get_by_role("button", name="Open the breaker").click()
    expect(page.locator("#id_reason-error")).to_contain_text("required")
    expect(page.get_by_label("Resource")).to_have_value("warehouse")
    page.get_by_label("Reason").fill("it moves house")
    page.get_by_role("button", name="Open the breaker").click()
    expect(page.locator(".banner")).to_contain_text("Opened by admin@localhost.localdomain: it moves house")
    found = facade.get_breaker(seed.connection, tenant_id=seed.tenant_id, resource_key="warehouse")
    assert found.state == "open"
    assert 290 < (found.seconds_until_half_open or 0) <= 300


def test_breakers_of_a_workflow_are_kept_apart_from_the_tenants(plain, seed):
    breaker(seed, "shared", "open")
    breaker(seed, "shared", "open", workflow_name="order_fulfilment")
    page = plain("/circuits/?state=open")
    page.locator("tbody tr", has_text="Workflow order_fulfilment").get_by_role("link", name="shared").click()
    page.get_by_role("button", name="Close").click()
    assert (state(seed, "shared"), state(seed, "shared", "order_fulfilment")) == ("open", "closed")


def test_all_breakers_are_reset_after_they_were_counted(plain, seed):
    breaker(seed, "one-more", "half_open")
    page = plain("/circuits/")
    number = page.locator("tbody tr").count()
    page.get_by_role("link", name="Reset all…").click()
    expect(page.locator("form.pad p")).to_contain_text(f"{number} breaker")
    page.get_by_role("button", name="Reset them all").click()
    expect(page.get_by_role("heading", name="No circuit breaker has counted a failure")).to_be_visible()


def test_the_page_follows_the_breaker_and_asks_for_nothing_when_nothing_changed(visit, seed):
    breaker(seed, "followed", "open")
    page = visit("/circuits/of/followed")
    facade.close_breaker(seed.connection, tenant_id=seed.tenant_id, resource_key="followed")
    expect(page.locator("h1 + .badge")).to_have_text("Closed", timeout=15_000)
    region = page.locator("#breaker")
    answer = page.request.get(region.get_attribute("hx-get"), headers={"HX-PTag": region.get_attribute("hx-ptag")})
    assert (answer.status, answer.body()) == (304, b"")
    assert violations(page) == []
