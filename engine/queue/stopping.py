"""Stopping runs from inside, one transaction each."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from uuid import UUID

from engine.db.connection import Connection
from engine.db.errors import ConnectionLostError, DatabaseError, EngineError, NotFoundError, StateError
from engine.db.queries import load

_logger = logging.getLogger(__name__)
_sql = load("service")


def stop_runs(
    connection: Connection, runs: Iterable[tuple[UUID, UUID, str]], reason: str, *, orphans: bool = False
) -> int:
    """Stop runs given as (tenant, run, outcome). Returns how many: not those that ended by themselves meanwhile, nor those that somebody holds or that
    cannot be stopped: whatever it is, it is that run's alone. Raises `ConnectionLostError`.

    ``orphans``: nor those whose parent has been restarted meanwhile.
    """
    query = _sql.cancel_orphan if orphans else _sql.cancel
    done = 0
    for tenant_id, run_id, outcome in runs:
        try:
            query.run(connection, tenant_id=tenant_id, run_id=run_id, reason=reason, outcome=outcome)
            done += 1
        except (StateError, NotFoundError):
            continue
        except ConnectionLostError:
            raise
        except (EngineError, DatabaseError) as error:
            _logger.warning("run %s could not be stopped now: %s", run_id, error)  # the next round tries again
    return done
