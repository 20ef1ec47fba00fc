"""Every route x {owner, member without the right, other tenant, nobody}, generated from the routes themselves.

A new route is in the matrix by existing; a parameter that no example is known for fails here.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

import django
import pytest

django.setup()

from highway_platform.routes import Route, all_routes  # noqa: E402 - needs Django to be set up
from tests.integration.api import prepared  # noqa: E402
from tests.integration.api.client import Answer, Client  # noqa: E402
from tests.integration.api.definitions import GIVEN_UP, WAIT_FOR_GO, WITH_ACTIVITY  # noqa: E402
from tests.integration.api.people import Person, signed_in  # noqa: E402
from tests.support.archives import zipped  # noqa: E402
from tests.support.stack import Stack  # noqa: E402

TENANT_ROUTES = "highway_platform.tenant_urls"
UNKNOWN_ID = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"
BODIES = {
    "workflow-submit": {"workflow_definition": WAIT_FOR_GO},
    "workflow-submit-batch": {"workflow_definition": WAIT_FOR_GO, "inputs": [{}, {}]},
    "event-emit": {"event_name": "seen", "payload": 1},
    "signal-send": {"signal_name": "seen", "payload": 1},
    "update-request": {"update_name": "seen", "timeout_seconds": 0},
    "schedule-create": {"workflow_definition": WAIT_FOR_GO, "schedule_cron": "0 2 * * *"},
    "schedule-backfill": {"begin": "2026-01-01T00:00:00Z", "end": "2026-01-03T00:00:00Z"},
    "letter-purge-many": {"dry_run": True},
    "retention-change": {"keep_completed_days": 3650, "keep_failed_days": None},
    "workflow-compile": {"source": json.dumps(WAIT_FOR_GO), "source_format": "json"},
    "dsl-to-json": {
        "code": "from highway_dsl import WorkflowBuilder as B\nworkflow = B('w').task('a', 'tools.log.info', args=[1])"
    },
    "attributes-change": {"attributes": {"seen": True}},
} | prepared.BODIES
GUARDED = [route for route in all_routes() if not route.is_public and not route.name.startswith("admin:")]
API = [route for route in GUARDED if route.name.startswith("api:")]
# What belongs to the platform: no role of a tenant opens it, and what it shows is nobody's in particular.
PLATFORM = [route for route in API if str(route.permission).startswith("platform.")]
OF_TENANTS = [route for route in API if route not in PLATFORM]
# What is nobody's in particular, and a name that is free though another tenant has it.
SHARED = {"api:worker-detail", "api:template-detail", "api:module-store"}
# Answers alike whether there is something by that name, which it repeats: one to forget, one that need not be sent again.
ANSWERS = {"api:idempotency-forget": 200, "api:artifact-exists": 200}
PAGES = [route for route in GUARDED if route.urlconf == TENANT_ROUTES]
PLATFORM_PAGES = [route for route in PAGES if str(route.permission).startswith("platform.")]
OPEN = [route for route in all_routes() if route.is_public]


@dataclass(frozen=True)
class Things:
    """What tenant acme has."""

    run_id: str
    activity_id: str
    definition_id: str
    definition_hash: str
    schedule_id: str
    letter_id: str
    payload: str
    worker_id: str
    artifact_id: str
    approval_id: str

    def path_of(self, route: Route, *, unknown: bool = False) -> str:
        """The route's address with ids of acme in it, or with ids that nobody has."""
        examples = {
            "workflow_run_id": UNKNOWN_ID if unknown else self.run_id,
            "run_id": UNKNOWN_ID if unknown else self.run_id,
            "schedule_id": UNKNOWN_ID if unknown else self.schedule_id,
            "activity_id": UNKNOWN_ID if unknown else self.activity_id,
            "newest": UNKNOWN_ID if unknown else self.run_id,
            "definition_id": UNKNOWN_ID if unknown else self.definition_id,
            "definition_hash": "0" * 64 if unknown else self.definition_hash,
            "workflow_name": "nobody-knows" if unknown else "wait_for_go",
            "name": "nobody-knows" if unknown else "wait_for_go",
            "queue_name": "nobody-knows" if unknown else "acme-only",
            "approval_key": "nobody-knows" if unknown else "of-acme",
            "approval_id": UNKNOWN_ID if unknown else self.approval_id,
            "kind": "concurrency",
            "limit_key": "nobody-knows" if unknown else "acme-only",
            "dead_letter_id": UNKNOWN_ID if unknown else self.letter_id,
            "resource_key": "nobody-knows" if unknown else "broken",
            "sha256": "0" * 64 if unknown else self.payload,
            "version": "1",
            "template_name": "nobody-knows" if unknown else "etl_list",
            "drawing_format": "svg",
            "artifact_id": "0" * 64 if unknown else self.artifact_id,
            "module_name": "nobody_knows" if unknown else "of_acme",
            "step_name": "go",
            "step": "go",
            "tab": "steps",
            "task_id": UNKNOWN_ID if unknown else self.run_id,
            "idempotency_key": "nobody-knows" if unknown else "key-of-acme",
            "worker_id": UNKNOWN_ID if unknown else self.worker_id,
        }
        if route.name == "api:log-task":
            examples["task_id"] = "go"
        query = "?for_seconds=0" if route.name == "api:run-stream" else ""
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: examples[part[1]], route.path) + query


def make_schedule(owner: Client, name: str) -> str:
    body = {"name": name, "workflow_name": "wait_for_go", "schedule_cron": "@yearly", "overlap": "allow"}
    made: str = owner.post("/api/v1/schedules", body).data["schedule_id"]
    return made


def make_code(owner: Client) -> str:
    owner.send("PUT", "/api/v1/modules/of_acme", raw=b"def f(ctx): return 1")
    content = zipped({"of_acme_alone.py": "def f(ctx): return 1"})
    made: str = owner.send("POST", "/api/v1/artifacts", raw=content).data["artifact_id"]
    return made


def make_question(owner: Client) -> str:
    prepared.prepared(owner, "approval-approve")
    asked: str = owner.get("/api/v1/approvals/of-acme").data["approval_id"]
    return asked


@pytest.fixture(scope="module")
def things(owner: Client) -> Things:
    owner.submit(WAIT_FOR_GO, queue="acme-only")
    flow = {"limits": [{"kind": "concurrency", "key": "acme-only"}]}
    body = {"workflow_definition": WITH_ACTIVITY, "flow": flow, "inputs": {"text": "x" * 300_000}}
    started = owner.post("/api/v1/workflows", body, **{"X-Idempotency-Key": "key-of-acme"}).data
    run_id = started["workflow_run_id"]
    owner.wait_until(run_id, {"sleeping"})
    owner.wait_until(owner.submit(GIVEN_UP))
    (activity,) = owner.get(f"/api/v1/workflows/{run_id}/activities").data["activities"]
    return Things(
        run_id,
        activity["activity_id"],
        started["definition_id"],
        started["definition_hash"],
        make_schedule(owner, "nightly"),
        owner.get("/api/v1/dead-letters").data["dead_letters"][0]["dead_letter_id"],
        owner.get(f"/api/v1/workflows/{run_id}").data["inputs"]["$blob"]["sha256"],
        owner.get("/api/v1/workers").data["workers"][0]["worker_id"],
        make_code(owner),
        make_question(owner),
    )


def names_a_thing(route: Route) -> bool:
    return "<" in route.path


def ask(client: Client, route: Route, path: str) -> Answer:
    name = route.name.removeprefix("api:")
    return client.send(route.method, path, BODIES.get(name), raw=prepared.RAW.get(name), **{"X-Request-ID": "the-same"})


def without_time(answer: Answer) -> bytes:
    return re.sub(rb'"timestamp": "[^"]*"', b"", answer.raw)


def without_names(answer: Answer) -> bytes:
    return re.sub(rb"[0-9a-f]{64}", b"", without_time(answer))


def by_name(route: Route) -> str:
    return f"{route.method}-{route.name}"


@pytest.mark.parametrize("route", API, ids=by_name)
def test_nobody_is_unauthorized(nobody: Client, things: Things, route: Route) -> None:
    assert ask(nobody, route, things.path_of(route)).status == 401


@pytest.mark.parametrize("route", API, ids=by_name)
def test_a_member_without_the_right_is_told_which_one(member: Client, things: Things, route: Route) -> None:
    answer = ask(member, route, things.path_of(route))
    assert answer.status == 403
    assert answer.json["permission"] == route.permission


@pytest.mark.parametrize(
    "route", [route for route in OF_TENANTS if names_a_thing(route) and route.name not in SHARED], ids=by_name
)
def test_a_stranger_cannot_tell_it_from_nothing(stranger: Client, things: Things, route: Route) -> None:
    foreign = ask(stranger, route, things.path_of(route))
    unknown = ask(stranger, route, things.path_of(route, unknown=True))
    assert foreign.status == unknown.status == ANSWERS.get(route.name, 404)
    if route.name in ANSWERS:
        assert without_names(foreign) == without_names(unknown)
    else:
        assert without_time(foreign) == without_time(unknown)


@pytest.mark.parametrize("route", PLATFORM, ids=by_name)
def test_what_belongs_to_the_platform_is_closed_to_tenants_and_open_to_operators(
    owner: Client, operator: Client, things: Things, route: Route
) -> None:
    refused = ask(owner, route, things.path_of(route))
    assert (refused.status, refused.json["permission"]) == (403, route.permission)
    expected = 404 if names_a_thing(route) else 200  # let in, and nothing is there by that name
    assert ask(operator, route, things.path_of(route, unknown=True)).status == expected


@pytest.mark.parametrize("route", [route for route in OF_TENANTS if not names_a_thing(route)], ids=by_name)
def test_a_stranger_sees_their_own_tenant_only(stranger: Client, things: Things, route: Route) -> None:
    answer = ask(stranger, route, things.path_of(route))
    assert answer.status in {200, 201}
    assert things.run_id.encode() not in answer.raw


@pytest.fixture(scope="module")
def owner_page(live: Stack, tenants: None) -> Person:
    return signed_in(live, "owner@example.com", "acme", "tenant_admin")


def page_path(things: Things, route: Route, tenant: str = "acme") -> str:
    return f"/t/{tenant}{things.path_of(route)}"


@pytest.mark.parametrize("route", PAGES, ids=by_name)
def test_the_owner_is_let_into_the_page(owner_page: Person, things: Things, route: Route) -> None:
    """Before the API takes away what pages show; pages of the platform are closed to every role of a tenant."""
    path = page_path(things, route)
    if route not in PLATFORM_PAGES:
        assert owner_page.get(path).status in {200, 405}
        return
    for answer in ask_page(owner_page, path):
        assert answer.status == 403
        assert str(route.permission).encode() in answer.raw


UNANSWERED = {"api:update-request"}  # let in, and no step of the run waits for it
# These come last, in this order: they change what the others look at.
LAST = (
    "artifact-delete",
    "module-delete",
    "letter-purge",
    "breaker-reset",
    "breaker-reset-all",
    "workflow-cancel",
    "workflow-retry",
)


def late(route: Route) -> int:
    name = route.name.removeprefix("api:")
    return LAST.index(name) + 1 if name in LAST else 0


@pytest.mark.parametrize("route", sorted(OF_TENANTS, key=late), ids=by_name)
def test_the_owner_is_let_in(owner: Client, things: Things, route: Route) -> None:
    if route.name == "api:workflow-retry":
        owner.post(f"/api/v1/workflows/{things.run_id}/cancel")
        owner.wait_until(things.run_id)
    run_id = prepared.prepared(owner, route.name.removeprefix("api:"))
    which = replace(things, run_id=run_id) if run_id else things
    if route.name == "api:schedule-delete":  # one that nobody else looks at
        which = replace(which, schedule_id=make_schedule(owner, "short"))
    answer = ask(owner, route, which.path_of(route))
    assert answer.status in ({408} if route.name in UNANSWERED else {200, 201}), answer.raw


@pytest.mark.parametrize("route", OPEN, ids=by_name)
def test_public_routes_show_nothing_of_a_tenant(nobody: Client, things: Things, route: Route) -> None:
    answer = ask(nobody, route, things.path_of(route))
    assert answer.status != 401
    assert b"acme" not in answer.raw


@pytest.fixture(scope="module")
def member_page(live: Stack, tenants: None) -> Person:
    return signed_in(live, "member@example.com", "acme")


@pytest.fixture(scope="module")
def stranger_page(live: Stack, tenants: None) -> Person:
    return signed_in(live, "stranger@example.com", "other", "tenant_admin")


def ask_page(person: Person, path: str) -> list[Answer]:
    """Asked for and posted to: what the page takes. One that takes neither would be no page."""
    answers = [person.get(path, **{"X-Request-ID": "the-same"}), person.post(path)]
    taken = [answer for answer in answers if answer.status != 405]
    assert taken, path
    return taken


@pytest.mark.parametrize("route", PAGES, ids=by_name)
def test_nobody_is_sent_to_sign_in_whether_the_tenant_exists_or_not(live: Stack, things: Things, route: Route) -> None:
    person = Person(live.url)
    person.get("/login")
    for tenant in ("acme", "ghost"):
        for answer in ask_page(person, page_path(things, route, tenant)):
            assert answer.status == 302
            assert answer.headers["Location"].startswith("/login?next=/t/")


@pytest.mark.parametrize("route", PAGES, ids=by_name)
def test_a_member_without_the_right_gets_a_403_that_names_it(member_page: Person, things: Things, route: Route) -> None:
    for answer in ask_page(member_page, page_path(things, route)):
        assert answer.status == 403
        assert str(route.permission).encode() in answer.raw


@pytest.mark.parametrize("route", PAGES, ids=by_name)
def test_a_stranger_cannot_tell_a_tenant_from_none(stranger_page: Person, things: Things, route: Route) -> None:
    foreign = ask_page(stranger_page, page_path(things, route))
    unknown = ask_page(stranger_page, page_path(things, route, "ghost"))
    assert {answer.status for answer in (*foreign, *unknown)} == {404}
    assert [_plain(answer) for answer in foreign] == [_plain(answer) for answer in unknown]


def _plain(answer: Answer) -> bytes:
    """Without what changes from answer to answer: nonces, and the address that was asked for."""
    return re.sub(rb'nonce="[^"]*"|nonce-[\w+/=-]+|/t/(acme|ghost)|acme|ghost', b"", answer.raw)
