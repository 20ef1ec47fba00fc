"""R12: each request to a mutating endpoint repeated, sixteen times at once, and while its server is killed: one effect, one answer."""

from __future__ import annotations

import itertools
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from launch import process
from tests.crash.campaigns.base import Stage, Tally, Tick
from tests.crash.endpoints import ENDPOINTS, Endpoint
from tests.crash.oracles import i13_the_trail_only_grows
from tests.crash.world import ACME, OTHER, World
from tests.integration.api.client import Answer, Client
from tests.integration.api.conftest import make_key
from tests.support.databases import clone
from tests.support.stack import Stack

AT_ONCE = 16
TOGETHER = 6  # endpoints whose requests are under way when the server is killed
PATIENCE_SECONDS = 90.0
OPERATOR = ("--role", "tenant_admin", "--permission", "platform.worker:manage")


@dataclass
class Case:
    """One key, under which one request is made again and again."""

    name: str
    endpoint: Endpoint
    thing: str
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def ask(self, clients: dict[str, Client], *, otherwise: bool = False) -> Answer:
        """Send the request, or another one under the same key."""
        body = (self.endpoint.sent_otherwise if otherwise else self.endpoint.sent)(self.thing)
        query = "?other=1" if otherwise and self.endpoint.other is None else ""
        path = f"/api/v1/{self.endpoint.path.format(self.thing)}{query}"
        raw = body if isinstance(body, bytes) else None
        client = clients[self.endpoint.tenant]
        return client.send(self.endpoint.method, path, body, raw=raw, **{"Idempotency-Key": self.key})

    def wrong(self, answers: Sequence[Answer], under: tuple[int, int]) -> list[str]:
        """What is wrong with these answers, and with what happened under the key."""
        found = [
            f"{self.name}: {one.status} {one.raw[:300]!r}" for one in answers if one.status != self.endpoint.status
        ]
        if len({_meaning(one) for one in answers}) > 1:
            found.append(f"{self.name}: answers differ: {Counter(one.raw for one in answers)}")
        if under != (1, 1):
            found.append(f"{self.name}: answered in {under[0]} transactions, of which {under[1]} changed something")
        return found[:3]


@dataclass
class Site:
    """A web server on a database that notes what it changes."""

    stack: Stack
    world: World
    clients: dict[str, Client]
    lost: int = 0  # requests that the server had got and never answered
    refused: list[str] = field(default_factory=list)  # requests that were told that they may not

    def case(self, name: str) -> Case:
        """A new thing to ask about."""
        return Case(name, ENDPOINTS[name], ENDPOINTS[name].prepare(self.world))

    def under(self, case: Case) -> tuple[int, int]:
        """Transactions that answered the key, and those of them that changed something."""
        row = self.world.superuser.execute("SELECT * FROM requests.under(%s)", [case.key]).fetchone()
        assert row is not None
        return int(row[0]), int(row[1])

    def refuse(self) -> None:
        """A request of nobody, which has to leave a fact in the audit trail."""
        request_id = uuid.uuid4().hex
        asked = Client(self.stack.url).send("POST", "/api/v1/workflows", {}, **{"X-Request-ID": request_id})
        assert asked.status == HTTPStatus.UNAUTHORIZED
        self.refused.append(request_id)

    def trail(self) -> dict[str, str]:
        """The audit trail: fact by id."""
        query = "SELECT id::text, request_id || ' ' || to_jsonb(a)::text FROM tenants_auditentry AS a"
        return dict(self.world.superuser.execute(query).fetchall())

    def strays(self) -> list[str]:
        """Changes that were made beside the transaction of a key."""
        row = self.world.superuser.execute("SELECT requests.stray()").fetchone()
        return [f"{row[0]} transactions changed something without their key"] if row and row[0] else []

    def repeated(self, name: str) -> list[str]:
        """The same sixteen times at once and once more; then something else under the same key."""
        case, barrier = self.case(name), threading.Barrier(AT_ONCE, timeout=30)

        def once(_: int) -> Answer:
            barrier.wait()
            return case.ask(self.clients)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = [*pool.map(once, range(AT_ONCE)), case.ask(self.clients)]
        other = case.ask(self.clients, otherwise=True)
        refused = (other.status, other.json.get("code")) == (HTTPStatus.CONFLICT, "idempotency_conflict")
        found = [] if refused else [f"{name}: another request under its key got {other.status} {other.raw[:200]!r}"]
        return found + case.wrong(answers, self.under(case))

    def killed(self, names: Sequence[str], wait_seconds: float) -> list[str]:
        """The server is killed while sixteen ask for each; all ask again until they are answered."""
        cases = [self.case(name) for name in names]
        ended = threading.Event()
        with ThreadPoolExecutor(AT_ONCE * len(cases)) as pool:
            asked = [[pool.submit(self._insist, case, ended) for _ in range(AT_ONCE)] for case in cases]
            time.sleep(wait_seconds)
            process.kill_group(self.stack.web)
            self.stack.web.wait()
            self.stack.start_web(port=int(self.stack.url.rsplit(":", 1)[1]))
            timer = threading.Timer(PATIENCE_SECONDS, ended.set)
            timer.start()
            answered = [_results(each) for each in asked]
            timer.cancel()
        found = [case.wrong(answers, self.under(case)) for case, answers in zip(cases, answered, strict=True)]
        silent = [case.name for case, answers in zip(cases, answered, strict=True) if len(answers) < AT_ONCE]
        return [f"killed: {problem}" for one in found for problem in one] + [
            f"killed: no answer {name}" for name in silent
        ]

    def _insist(self, case: Case, ended: threading.Event) -> Answer | None:
        """As a client does whose server is gone or busy: ask again under the same key."""
        while not ended.is_set():
            try:
                answer = case.ask(self.clients)
            except (OSError, ValueError, EOFError) as error:
                self.lost += not isinstance(getattr(error, "reason", error), ConnectionRefusedError)
                ended.wait(0.1)
                continue
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                return answer
            ended.wait(0.1)
        return None


def run(stage: Stage, quantity: int, seed: int, tick: Tick) -> Tally:
    """So many endpoints, each in turn, first in peace and then with their server killed."""
    chance, tally = random.Random(seed), Tally()  # noqa: S311 - repeatable
    names = chance.sample(sorted(ENDPOINTS), len(ENDPOINTS))
    chosen = list(itertools.islice(itertools.cycle(names), quantity))
    kills = 0
    with _site(stage, stage.folder / f"web-{uuid.uuid4().hex[:6]}") as site:
        for name in chosen:
            tally.problems += site.repeated(name)
            tick(1)
        site.refuse()
        trail = site.trail()
        for batch in _batches(chosen):
            site.refuse()
            tally.problems += site.killed(batch, chance.uniform(0.0, 0.3))
            kills += 1
        tally.problems += site.strays() + i13_the_trail_only_grows(trail, site.trail(), site.refused)
        tally.figures["answers lost"] = str(site.lost)
    tally.done = len(chosen)
    tally.figures |= {
        "endpoints": f"{len(set(chosen))} of {len(ENDPOINTS)}",
        "requests": str(len(chosen) * (2 * AT_ONCE + 2)),
        "servers killed": str(kills),
    }
    return tally


def _batches(names: Sequence[str]) -> Iterator[list[str]]:
    """Endpoints that leave each other alone, several at a time, and the others one by one."""
    apart = [name for name in names if not ENDPOINTS[name].sweeps]
    yield from (apart[first : first + TOGETHER] for first in range(0, len(apart), TOGETHER))
    yield from ([name] for name in names if ENDPOINTS[name].sweeps)


@contextmanager
def _site(stage: Stage, folder: Path) -> Iterator[Site]:
    folder.mkdir(parents=True)
    database = clone(stage.session, "platform")
    stack = Stack(database, folder)
    try:
        first, second = _at_once(
            lambda: _tenant(stack, ACME, *OPERATOR), lambda: _tenant(stack, OTHER, "--role", "tenant_admin")
        )
        stack.start_web()
        world = World(database)
        world.superuser.execute((Path(__file__).parents[1] / "requests.sql").read_bytes())
        yield Site(stack, world, {ACME: Client(stack.url, first), OTHER: Client(stack.url, second)})
        world.close()
    finally:
        stack.stop()
        database.drop()


def _tenant(stack: Stack, slug: str, *rights: str) -> str:
    """A new tenant; a key of it."""
    stack.manage("create_tenant", slug)
    return make_key(stack, slug, *rights)


def _at_once(*acts: Callable[[], str]) -> list[str]:
    with ThreadPoolExecutor(len(acts)) as pool:
        return [each.result() for each in [pool.submit(act) for act in acts]]


def _results(asked: Sequence[Future[Answer | None]]) -> list[Answer]:
    return [answer for one in asked if (answer := one.result()) is not None]


def _meaning(answer: Answer) -> bytes:
    """The answer without what names the request; that of a success is the same to the byte."""
    if answer.status < HTTPStatus.BAD_REQUEST:
        return answer.raw
    told = {name: value for name, value in answer.json.items() if name not in ("request_id", "timestamp")}
    return repr(sorted(told.items())).encode()
