"""The worker's identity in the database, in a thread of its own: a lock that dies with the connection, a heartbeat, and an ear for hints."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from engine.db.connection import Connection, connect
from engine.db.errors import BusyError, DatabaseError, EngineError, translate
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.kit.ids import uuid7
from engine.kit.json_text import dumps
from engine.model.json import JsonObject
from engine.model.task import ClaimedTask
from engine.worker.config import HEARTBEAT_SECONDS, RUMOUR_SECONDS, WorkerConfig
from engine.worker.heartbeats import Heartbeats, Pulsing
from engine.worker.inbox import ControlHint, IdentityLost, Inbox, OrdersHeard, WorkHint
from engine.worker.orders import Orders, read_orders

_logger = logging.getLogger(__name__)
_sql = load("worker")


@dataclass(frozen=True, slots=True)
class Load:
    """What the heartbeat tells about the worker: how much it holds, whether it is leaving, which steps have been running for a while, and the
    attempts of activities.
    """

    running: int = 0
    draining: bool = False
    steps: dict[UUID, tuple[ClaimedTask, list[JsonObject]]] = field(default_factory=dict)
    activities: Sequence[Pulsing] = ()


class Liveness:
    """Holds one identity until it is closed or lost; a lost one is reported to the inbox, once, and never taken up again."""

    def __init__(self, config: WorkerConfig, inbox: Inbox, describe: Callable[[], Load], orders: Orders) -> None:
        self.worker_id = uuid7()
        self._config = config
        self._inbox = inbox
        self._describe = describe
        self._orders = orders
        self._stopped = threading.Event()
        self._shown: dict[UUID, tuple[ClaimedTask, str]] = {}
        self._heartbeats = Heartbeats(self.worker_id)
        self._queues = [*config.run_queues, *config.activity_queues]
        self._rumour_heard_until = 0.0
        self._connection = self._introduce()
        self._thread = threading.Thread(target=self._live, name="liveness", daemon=True)

    def start(self) -> None:
        """Begin to beat and to listen."""
        self._thread.start()

    def close(self) -> None:
        """Leave in order. Claims that are still held are free for others at once."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * HEARTBEAT_SECONDS)
        try:
            if not self._thread.is_alive():  # else it waits for a server that does not answer, and so would we
                _sql.deregister.run(self._connection, worker_id=self.worker_id)
        except (EngineError, DatabaseError) as error:
            _logger.info("left without a goodbye: %s", error)
        finally:
            self._connection.close()

    def _introduce(self) -> Connection:
        connection = connect(
            self._config.dsn,
            name=f"highway worker {self._config.name} liveness",
            whole_seconds=self._config.whole_seconds,
        )
        try:
            self._register(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _register(self, connection: Connection) -> None:
        lock_key = secrets.randbits(62)
        # The lock first: a row without a held lock would be taken for a dead worker's.
        _sql.take_lock.run(connection, lock_key=lock_key)
        _sql.register.run(
            connection,
            worker_id=self.worker_id,
            name=self._config.name,
            lock_key=lock_key,
            queues=self._queues,
            slots=self._config.slots,
            capacity=self._config.capacity,
            code_version=self._config.code_version,
            lease_seconds=self._config.lease_seconds,
            state=self._orders.state,
            reason=self._orders.reason,
            capacity_override=self._orders.capacity,
            batch_override=self._orders.batch,
        )
        if self._config.listens:
            connection.execute("LISTEN highway_work")
            connection.execute("LISTEN highway_control")
        else:
            _sql.listen.run(connection, worker_id=self.worker_id, listens=False)

    def _live(self) -> None:
        beat = time.monotonic()
        try:
            while not self._stopped.is_set():
                self._listen(max(0.0, beat - time.monotonic()))
                if time.monotonic() >= beat:
                    beat = time.monotonic() + HEARTBEAT_SECONDS
                    self._beat()
        except (EngineError, DatabaseError) as error:
            if not self._stopped.is_set():
                self._inbox.put(IdentityLost(str(translate(error) if isinstance(error, DatabaseError) else error)))
        except Exception:
            _logger.exception("the heartbeat failed")
            self._inbox.put(IdentityLost("the heartbeat failed"))

    def _listen(self, seconds: float) -> None:
        hints = self._connection.notifies(timeout=seconds, stop_after=1)
        for channel, payload in {(hint.channel, hint.payload) for hint in hints}:
            worker, _, queue = payload.partition(" ")
            is_for_another = worker not in ("", str(self.worker_id))
            if channel == "highway_work":
                self._hear_of_work(queue, is_for_another=is_for_another)
            elif not is_for_another:
                self._inbox.put(ControlHint())

    def _hear_of_work(self, queue: str, *, is_for_another: bool) -> None:
        """What is for another wakes the loop once for all that comes before it looks, and not at all for a queue that is not served here."""
        if is_for_another:
            now = time.monotonic()
            if now < self._rumour_heard_until or queue not in self._queues:
                return
            self._rumour_heard_until = now + RUMOUR_SECONDS
        self._inbox.put(WorkHint(queue, is_for_another))

    def _beat(self) -> None:
        load_now = self._describe()
        reach(FaultPoint.HEARTBEAT_BEFORE)
        try:
            alive = _sql.heartbeat.one(
                self._connection,
                worker_id=self.worker_id,
                running=load_now.running,
                draining=load_now.draining,
                lease_seconds=self._config.lease_seconds,
            )
            reach(FaultPoint.HEARTBEAT_AFTER)
            if alive is None:
                raise EngineError("this worker was declared dead")
            self._inbox.put(OrdersHeard(read_orders(alive)))
            self._show(load_now)
            self._heartbeats.tell(self._connection, load_now.activities)
        except BusyError as error:
            _logger.warning("a heartbeat was late: %s", error)  # the lease is much longer than a beat
        self._inbox.put(ControlHint())

    def _show(self, load_now: Load) -> None:
        shown = {task_id: (task, dumps(list(steps))) for task_id, (task, steps) in load_now.steps.items()}
        changed: list[tuple[ClaimedTask, str | None]] = [
            entry for task_id, entry in shown.items() if self._shown.get(task_id) != entry
        ]
        changed += [(task, None) for task_id, (task, _) in self._shown.items() if task_id not in shown]
        if changed:
            written = _sql.show_running.many(
                self._connection,
                tenant_ids=[task.tenant_id for task, _ in changed],
                task_ids=[task.task_id for task, _ in changed],
                epochs=[task.epoch for task, _ in changed],
                steps=[text for _, text in changed],
            )
            passed_by = {task.task_id for task, _ in changed} - {row["task_id"] for row in written}
            shown = {task_id: entry for task_id, entry in shown.items() if task_id not in passed_by}
        self._shown = shown
