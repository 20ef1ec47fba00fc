"""Every page of operations in every dress: no violation, no complaint in the console, nothing wider than the window."""

from __future__ import annotations

import pytest

from tests.integration.ui.operations import compensated_run, seed_operations, waits_for_a_person
from tests.integration.ui.site import looks_sound

SCREENS = {
    "breakers": "/circuits/",
    "breakers-state": "/circuits/?state=half_open",
    "breakers-none": "/t/default/circuits/",
    "breaker": "/circuits/of/{pay}",
    "breaker-half-open": "/circuits/of/tools.shell.run?workflow=order_fulfilment",
    "breaker-by-hand": "/circuits/of/warehouse",
    "breaker-open": "/circuits/open/?resource={pay}",
    "breaker-reset": "/circuits/reset/{pay}",
    "letters": "/dead-letters/",
    "letters-nothing-found": "/dead-letters/?reason=definition",
    "letters-none": "/t/default/dead-letters/",
    "letter": "/dead-letters/{letter}/",
    "letter-unstarted": "/dead-letters/{unstarted}/",
    "letters-purge": "/dead-letters/purge/?reason=poison",
    "queues": "/queues/",
    "queue": "/queues/gpu/",
    "queue-unserved": "/queues/nobody-serves/",
    "queue-pause": "/queues/gpu/pause/",
    "limits": "/limits/",
    "limits-none": "/t/default/limits/",
    "limit": "/limits/of/concurrency/erp-eu",
    "limit-rate": "/limits/of/rate/mail",
    "retention": "/settings/retention/",
    "workers": "/workers/",
    "worker": "/workers/{online}/",
    "worker-paused": "/workers/{resting}/",
    "worker-gone": "/workers/{gone}/",
    "run-compensated": "/runs/{compensated}/",
    "dashboard-with-troubles": "/",
    "run-needs-a-person": "/runs/{person}/",
    "run-arguments": "/runs/{person}/arguments/",
}


@pytest.fixture(scope="module")
def things(seed, site):
    given = {
        "charge_card": {"args": ["charge --card 4711"], "kwargs": {}},
        "notify_customer": {"args": [], "kwargs": {"command": "mail maria", "timeout": 5}},
    }
    person = waits_for_a_person(seed, site.database.worker, given)
    return {**seed_operations(seed, site.database.worker), "person": person, "compensated": compensated_run(seed)}


@pytest.mark.parametrize("name", SCREENS)
def test_a_screen_is_sound(visit, things, screenshots, name):
    page = visit(SCREENS[name].format(**things))
    looks_sound(page, screenshots, name)


def test_pages_carry_the_strict_policy_and_no_inline_code(visit, things):
    page = visit("/queues/")
    for path in SCREENS.values():
        answer = page.request.get((path if path.startswith("/t/") else f"/t/demo{path}").format(**things))
        assert answer.status == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        html = answer.text()
        assert " style=" not in html
        assert " onclick=" not in html


@pytest.mark.parametrize(
    "path", ["/circuits/of/nothing", "/dead-letters/{missing}/", "/queues/nothing/", "/limits/of/rate/nothing"]
)
def test_an_unknown_thing_and_one_of_another_tenant_are_the_same_nothing(visit, things, path):
    page = visit("/queues/")
    known = {"nothing": "nobody-serves" if "queues" in path else "mail" if "limits" in path else "warehouse"}
    here = page.request.get("/t/demo" + path.format(missing="018f0000-0000-7000-8000-000000000000"))
    foreign = path.replace("nothing", known["nothing"]).format(missing=things["letter"])
    there = page.request.get("/t/default" + foreign)
    assert (here.status, there.status) == (404, 404)
