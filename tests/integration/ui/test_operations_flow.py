"""Queues and limits in the browser, without scripts: paused with a reason, drained, capped, figures set by hand."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from engine.model.flow import TenantPolicy
from tests.integration.ui.operations import seed_limits


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


@pytest.fixture(scope="module")
def limited(seed, site):
    """Five runs that want three slots."""
    return seed_limits(seed, site.database.worker)


def queue(seed, name):
    return facade.get_queue(seed.connection, tenant_id=seed.tenant_id, name=name)


def test_a_queue_is_paused_with_a_reason_and_resumed(plain, seed):
    seed.run("pending", queue="cards", delay_seconds=0)
    page = plain("/queues/")
    row = page.locator("tbody tr", has_text="cards")
    expect(row).to_contain_text("No worker")
    row.get_by_role("link", name="cards").click()
    expect(page.locator(".banner")).to_contain_text("manage.py runworker --queues cards")
    page.get_by_role("link", name="Pause…").click()
    page.evaluate("document.getElementById('reason').required = false")
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.locator("#reason-error")).to_contain_text("Say why")
    page.get_by_label("Reason").fill("new cards")
    page.get_by_role("button", name="Pause the queue").click()
    expect(page.locator("h1 + .badge")).to_have_text("Paused")
    expect(page.locator(".banner").first).to_contain_text("new cards")
    assert queue(seed, "cards").pause_reason == "new cards"
    page.get_by_role("button", name="Resume").click()
    assert queue(seed, "cards").paused_at is None


def test_a_queue_is_drained_and_takes_runs_again(plain, seed):
    seed.run("pending", queue="drains", delay_seconds=0)
    page = plain("/queues/drains/")
    page.get_by_role("link", name="Drain…").click()
    page.get_by_role("button", name="Drain the queue").click()
    assert queue(seed, "drains").draining
    with pytest.raises(facade.StateError):
        seed.run("pending", queue="drains")
    page.get_by_role("button", name="Take new runs").click()
    assert not queue(seed, "drains").draining


def test_a_cap_is_set_refused_at_its_place_and_taken_away(plain, seed):
    seed.run("pending", queue="capped", delay_seconds=0)
    page = plain("/queues/capped/")
    page.get_by_label("Tasks at a time").fill("4")
    page.get_by_role("button", name="Set the cap").click()
    assert queue(seed, "capped").max_running == 4
    page.evaluate("document.getElementById('id_max_running').type = 'text'")
    page.get_by_label("Tasks at a time").fill("many")
    page.get_by_role("button", name="Set the cap").click()
    expect(page.locator("#id_max_running-error")).to_contain_text("whole number")
    page.get_by_label("Tasks at a time").fill("")
    page.get_by_role("button", name="Set the cap").click()
    assert queue(seed, "capped").max_running is None


def test_the_platforms_word_about_the_tenant_is_read(plain, seed):
    policy = TenantPolicy(weight=3, max_running=50, pause_reason="the bill", paused_by="operator")
    facade.set_tenant_policy(seed.connection, tenant_id=seed.tenant_id, policy=policy, paused=True)
    try:
        page = plain("/queues/")
        expect(page.locator("[aria-labelledby=tenant-paused]")).to_contain_text("the bill")
        told = page.locator("[aria-labelledby=tenant-title]").inner_text()
        assert "/ 50" in told
        assert "Weight of its turns\n3" in told
    finally:
        facade.set_tenant_policy(seed.connection, tenant_id=seed.tenant_id, policy=TenantPolicy(), paused=False)


def test_a_limit_shows_its_holders_and_its_line(plain, limited):
    page = plain("/limits/")
    row = page.locator("tbody tr", has_text="erp-eu").inner_text()
    assert "3 at a time" in row
    assert "3 / 3" in row
    page.get_by_role("link", name="erp-eu").click()
    expect(page.locator("[aria-labelledby=holders-title] tbody tr")).to_have_count(3)
    line = page.locator("[aria-labelledby=line-title] a")
    assert [link.get_attribute("href").strip("/").rsplit("/", 1)[1] for link in line.all()] == [
        str(run) for run in limited[3:]
    ]


def test_a_limit_is_set_by_hand_and_let_go(plain, seed, limited):
    page = plain("/limits/of/rate/mail")
    page.get_by_label("Starts").fill("2000")
    page.get_by_role("button", name="Set the limit").click()
    expect(page.locator("#id_capacity-error")).to_contain_text("A rate has 1 to 1000 starts")
    page.get_by_label("Starts").fill("20")
    page.get_by_label("In how many seconds").fill("30.5")
    page.get_by_role("button", name="Set the limit").click()
    expect(page.locator(".facts")).to_contain_text("20 in 30.5 s")
    expect(page.locator(".facts")).to_contain_text("admin@localhost.localdomain, by hand")
    page.get_by_role("button", name="Let definitions say it again").click()
    assert not facade.get_limit(seed.connection, tenant_id=seed.tenant_id, kind="rate", key="mail").pinned


def test_the_list_of_queues_follows_what_happens_and_is_quiet_otherwise(visit, seed):
    page = visit("/queues/")
    seed.run("pending", queue="brand-new", delay_seconds=0)
    expect(page.locator("tbody")).to_contain_text("brand-new", timeout=15_000)
    region = page.locator("#queues")
    answer = page.request.get(region.get_attribute("hx-get"), headers={"HX-PTag": region.get_attribute("hx-ptag")})
    assert answer.status == 304
