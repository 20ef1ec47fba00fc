"""Retention and workers in the browser, without scripts; and who may do what on the pages of operations."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from engine import facade
from engine.model.upkeep import Retention
from tests.integration.ui.operations import breaker, letter, worker
from tests.integration.ui.site import fill_login

OPERATOR, VIEWER, PASSWORD = "operator@acme.test", "looks-only@acme.test", "correct horse battery"


@pytest.fixture
def plain(visit):
    return lambda path, **options: visit(path, java_script_enabled=False, **options)


@pytest.fixture
def old_runs(seed):
    """Three completed runs of two months ago and a failed one, and no policy of the tenant's own."""
    seed.connection.execute("DELETE FROM highway.retention_policy WHERE tenant_id = %s", [seed.tenant_id])
    runs = [seed.run("completed") for _ in range(3)] + [seed.run("failed")]
    seed.connection.execute(
        "UPDATE highway.workflow_run SET finished_at = now() - interval '60 days' WHERE workflow_run_id = ANY (%s)",
        [runs],
    )
    yield runs
    seed.connection.execute(
        "UPDATE highway.workflow_run SET finished_at = now() WHERE workflow_run_id = ANY (%s)", [runs]
    )


def policy(seed):
    return facade.get_retention(seed.connection, tenant_id=seed.tenant_id)


def test_the_next_sweep_is_told_and_agrees_with_what_the_workers_delete(plain, seed, old_runs):
    page = plain("/settings/retention/")
    sweep = page.locator("#sweep").inner_text()
    assert "What the next sweep deletes" in sweep
    assert "Completed runs\n3\nFailed, cancelled, compensated\n0" in sweep
    with seed.connection.transaction(force_rollback=True):
        (gone,) = seed.connection.execute("SELECT highway.forget_old_runs(%s, 50)", [seed.tenant_id]).fetchone()
    assert gone == 3


def test_a_policy_that_deletes_more_asks_first(plain, seed, old_runs):
    page = plain("/settings/retention/")
    page.get_by_label("Failed, cancelled and compensated runs, days").fill("59")
    page.get_by_role("button", name="Set the policy").click()
    expect(page.get_by_role("alert")).to_contain_text("4 runs will be deleted")
    assert policy(seed) == Retention(30, 90)
    page.get_by_role("button", name="Set it and delete 4 runs").click()
    expect(page.locator(".messages")).to_have_text("The policy was set.")
    assert policy(seed) == Retention(30, 59)


def test_a_policy_that_keeps_more_is_set_at_once_and_a_wrong_one_is_refused_at_its_place(plain, seed, old_runs):
    page = plain("/settings/retention/")
    page.evaluate("document.querySelectorAll('#retention-form input').forEach(field => field.type = 'text')")
    page.get_by_label("Completed runs, days").fill("0")
    page.get_by_role("button", name="Set the policy").click()
    expect(page.locator("#id_keep_completed_days-error")).to_contain_text("greater than or equal to 1")
    page.get_by_label("Completed runs, days").fill("")
    page.get_by_role("button", name="Set the policy").click()
    assert policy(seed) == Retention(None, 90)
    expect(page.locator(".facts")).to_contain_text("for ever")


def test_with_scripts_the_count_follows_the_form(visit, seed, old_runs):
    page = visit("/settings/retention/")
    page.get_by_label("Failed, cancelled and compensated runs, days").fill("7")
    page.get_by_label("Completed runs, days").click()
    expect(page.locator("#sweep")).to_contain_text("What this would delete")
    expect(page.locator("#sweep dd").nth(1)).to_have_text("1")
    assert policy(seed) == Retention(30, 90)


@pytest.fixture(scope="module")
def operator_exists(site):
    """A member of `demo` who may also tell workers what to do."""
    site.stack.manage(
        "shell",
        "-c",
        "from tenants.models import Role; from tenants.services import membership_set, user_create; "
        "from tenants.selectors import tenant_by_slug; tenant = tenant_by_slug('demo'); "
        "Role.objects.create(tenant=tenant, name='fleet', permissions=['workflows.worker:read', 'platform.worker:manage']); "
        f"user, _ = user_create(email={OPERATOR!r}, password={PASSWORD!r}, actor='test'); "
        "membership_set(tenant=tenant, user=user, roles=['fleet'], actor='test')",
    )


@pytest.fixture
def operator(visit, operator_exists):
    page = visit("/login", signed_in=False, java_script_enabled=False)
    fill_login(page, PASSWORD, OPERATOR)
    return page


def test_a_worker_is_paused_resumed_bounded_and_drained(operator, seed):
    worker_id = worker(seed, "worker-told", queues=["default"])
    operator.goto("/t/demo/workers/")
    operator.get_by_role("link", name="worker-told").click()
    operator.get_by_role("link", name="Pause…").click()
    operator.get_by_label("Reason").fill("hot")
    operator.get_by_role("button", name="Pause the worker").click()
    expect(operator.locator("h1 + .badge")).to_have_text("Paused")
    expect(operator.locator(".banner")).to_contain_text("hot")
    operator.get_by_role("button", name="Resume").click()
    expect(operator.locator("h1 + .badge")).to_have_text("Online")
    operator.get_by_label("Tasks it holds").fill("5")
    operator.get_by_role("button", name="Set the capacity").click()
    told = facade.get_worker(seed.connection, worker_id=worker_id)
    assert (told.capacity, told.batch) == (5, None)
    operator.get_by_role("link", name="Drain…").click()
    operator.get_by_role("button", name="Drain the worker").click()
    expect(operator.locator("h1 + .badge")).to_have_text("Draining")


def test_a_worker_that_is_gone_is_taken_off_the_list_and_a_living_one_is_not(operator, seed):
    gone, living = worker(seed, "worker-gone", queues=["default"], alive=False), worker(seed, "worker-lives", queues=[])
    operator.goto(f"/t/demo/workers/{gone}/")
    operator.get_by_role("link", name="Take it off the list…").click()
    operator.get_by_role("button", name="Take it off the list").click()
    expect(operator.locator("tbody tr", has_text="worker-gone")).to_have_count(0)
    operator.goto(f"/t/demo/workers/{living}/forget/")
    operator.get_by_role("button", name="Take it off the list").click()
    expect(operator.locator(".messages")).to_contain_text("is alive")


def test_who_may_only_look_sees_what_it_would_take_and_is_refused(visit, site, seed):
    site.make_viewer(VIEWER, PASSWORD)
    breaker(seed, "looked-at", "open")
    letter_id = letter(seed)
    seed.run("pending", queue="looked-at", delay_seconds=0)
    page = visit("/login", signed_in=False)
    fill_login(page, PASSWORD, VIEWER)
    page.wait_for_url("**/t/demo/**")
    needed = {
        "/circuits/of/looked-at": ("Close", "workflows.guard:manage"),
        f"/dead-letters/{letter_id}/": ("Requeue", "workflows.letter:manage"),
        "/queues/looked-at/": ("Pause…", "workflows.queue:manage"),
        f"/workers/{worker(seed, 'looked-at', queues=[])}/": ("Drain…", "platform.worker:manage"),
    }
    for path, (button, permission) in needed.items():
        page.goto(f"/t/demo{path}")
        expect(page.get_by_role("button", name=button)).to_have_attribute("aria-disabled", "true")
        expect(page.get_by_role("button", name=button)).to_have_accessible_description(
            f"Needs the permission {permission}"
        )
    page.goto("/t/demo/settings/retention/")
    expect(page.locator("main")).to_contain_text("workflows.retention:manage")
    token = next(cookie["value"] for cookie in page.context.cookies() if "csrf" in cookie["name"])
    for path in ("circuits/close/looked-at", f"dead-letters/{letter_id}/requeue/", "queues/looked-at/resume/"):
        answer = page.request.post(f"/t/demo/{path}", form={"csrfmiddlewaretoken": token, "key": "k"})
        assert answer.status == 403
