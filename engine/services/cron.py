"""Cron: every worker looks for due ticks; whoever holds a schedule's row decides them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from uuid import UUID

from engine.db.connection import Connection, Row
from engine.db.errors import BusyError, ConnectionLostError, DatabaseError, StateError, translate
from engine.db.queries import load
from engine.kit.fault_points import FaultPoint, reach
from engine.language.timing import TimingError, ZoneError
from engine.schedules.deciding import decide, release
from engine.schedules.rows import Held, held_of

_logger = logging.getLogger(__name__)
_sql = load("schedule")
MOST_SECONDS = 0.2  # neither half of a round takes longer, so that the other, and rescue above all, gets its turn
POSTPONE_SECONDS = 60.0  # a schedule that could not be decided is looked at again so soon
BUSY_SECONDS = 2.0  # and so soon one of which somebody holds what it needs
CHECK_SECONDS = 3600.0  # how often each chain is compared with what its timing says
_CHECKS = 100
_FIRST = UUID(int=0)


def fire_due_ticks(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """Decide due ticks, the longest due first, and let waiting ones go whose turn has come. Returns how many runs were started."""
    fired = _while_any(connection, lambda _: _sql.take_due.one(connection), decide)
    return fired + _while_any(connection, lambda last: _sql.take_waiting.one(connection, **_behind(last)), release)


def check_chains(connection: Connection, worker_id: UUID) -> int:  # noqa: ARG001 - a service's signature
    """The watchdog: chains whose next tick is not what their timing says now (the rules of a zone have changed) are mended. Returns how many."""
    mended = 0
    with connection.transaction():
        for row in _sql.take_unchecked.many(connection, every_seconds=CHECK_SECONDS, quantity=_CHECKS):
            mended += _mend(connection, held_of(row))
    return mended


def _while_any(
    connection: Connection,
    take: Callable[[Held | None], Row | None],
    work: Callable[[Connection, Held], int],
) -> int:
    """One transaction a schedule: what goes wrong with one is undone and put off, and the others go on."""
    fired, held, until = 0, None, time.monotonic() + MOST_SECONDS
    while time.monotonic() < until:
        taken: Held | None = None
        try:
            with connection.transaction():
                row = take(held)
                if row is None:
                    return fired
                held = taken = held_of(row)
                fired += work(connection, held)
            reach(FaultPoint.CRON_AFTER_COMMIT)
        except ConnectionLostError:
            raise
        except DatabaseError as error:
            if isinstance(translated := translate(error), ConnectionLostError):
                raise
            _put_off(connection, taken, translated)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this schedule's alone; it is written down and logged
            _put_off(connection, taken, error)
    return fired


def _put_off(connection: Connection, held: Held | None, error: Exception) -> None:
    if held is None:
        raise error
    if isinstance(error, StateError | BusyError):
        _logger.info("schedule %s: %s", held.schedule_id, error)
    else:
        _logger.exception("schedule %s could not be decided; it is looked at again", held.schedule_id, exc_info=error)
    trouble = (str(error) or repr(error)).splitlines()[0][:500]
    seconds = BUSY_SECONDS if isinstance(error, BusyError) else POSTPONE_SECONDS
    _sql.postpone.run(connection, **held.key, seconds=seconds, trouble=trouble)


def _behind(held: Held | None) -> dict[str, UUID]:
    if held is None:
        return {"after_tenant": _FIRST, "after_schedule": _FIRST}
    return {"after_tenant": held.tenant_id, "after_schedule": held.schedule_id}


def _mend(connection: Connection, held: Held) -> int:
    try:
        chain = held.chain()
        next_at = chain.first_after(held.last_at)
    except (TimingError, ZoneError) as error:
        _sql.postpone.run(connection, **held.key, seconds=POSTPONE_SECONDS, trouble=str(error))
        return 0
    _sql.set_chain.one(
        connection,
        **held.key,
        expected=held.next_at,
        state="active" if next_at else "ended",
        last_at=held.last_at,
        next_at=next_at,
        due_at=chain.due_at(next_at) if next_at else None,
        trouble=None,
    )
    if next_at == held.next_at:
        return 0
    _logger.warning("schedule %s comes next at %s, not at %s: mended", held.schedule_id, next_at, held.next_at)
    return 1
