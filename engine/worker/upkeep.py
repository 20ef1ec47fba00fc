"""The thread that runs the services: it outlives any bad step and any lost connection."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from uuid import UUID

from engine.db.connection import Connection, connect
from engine.db.errors import ConnectionLostError, DatabaseError, EngineError, translate
from engine.kit.backoff import Backoff
from engine.kit.fault_points import FaultPoint, reach
from engine.services.schedule import Service

_logger = logging.getLogger(__name__)
STEP_SECONDS = 60.0  # as long as one statement may last


class Upkeep:
    """Runs services in turn, each when it is due, until it is stopped."""

    def __init__(self, dsn: str, worker_id: UUID, services: Sequence[Service]) -> None:
        self._dsn = dsn
        self._worker_id = worker_id
        self._due = dict.fromkeys(services, 0.0)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop after the step that is under way."""
        self._stopped.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        backoff = Backoff(first_seconds=0.2, most_seconds=5.0)
        while not self._stopped.is_set():
            try:
                with connect(
                    self._dsn, name="highway upkeep", lock_seconds=1.0, whole_seconds=STEP_SECONDS
                ) as connection:
                    backoff.reset()
                    self._work(connection)
            except (ConnectionLostError, DatabaseError) as error:
                _logger.info("upkeep waits for the database: %s", error)
                self._stopped.wait(backoff.next_seconds())

    def _work(self, connection: Connection) -> None:
        while not self._stopped.is_set():
            service = min(self._due, key=self._due.__getitem__)
            if self._stopped.wait(max(0.0, self._due[service] - time.monotonic())):
                return
            self._due[service] = time.monotonic() + service.every_seconds
            self._step(connection, service)

    def _step(self, connection: Connection, service: Service) -> None:
        try:
            reach(FaultPoint.RECOVERY_LOOP)
            service.step(connection, self._worker_id)
        except ConnectionLostError:
            raise
        except DatabaseError as error:
            lost = translate(error)
            if isinstance(lost, ConnectionLostError):
                raise lost from error
            _logger.warning("service %s: %s", service.name, error)
        except EngineError as error:
            _logger.warning("service %s: %s", service.name, error)
        except Exception:
            _logger.exception("service %s failed; it goes on with its next round", service.name)
