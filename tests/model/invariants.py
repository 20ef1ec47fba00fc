"""What holds after every command, whatever the program: nothing stuck, nothing contradictory, and the past stays as it was."""

from __future__ import annotations

from uuid import UUID

from engine.db.connection import Connection, cursor
from engine.db.queries import load

_doctor = load("doctor")
_TASKS = "SELECT task_id, state, epoch, highway.is_open(state) AS open FROM highway.task WHERE tenant_id = %s"
# A question whose time is over is nobody's to decide until the service ends it: programs may look at it meanwhile.
_UNDECIDED = "it waits for an approval that nobody can give"
_OVERDUE = (
    "SELECT task_id FROM highway.approval WHERE tenant_id = %s AND state = 'pending' AND expires_at <= highway.now()"
)
_PAST = """
    SELECT concat_ws('/', 'checkpoint', k.workflow_run_id, k.scope, k.step_key) AS place, md5(k::text) AS hash
      FROM highway.checkpoint AS k WHERE k.tenant_id = %(tenant)s
     UNION ALL
    SELECT concat_ws('/', 'event', e.workflow_run_id, e.name), md5(e::text) FROM highway.event AS e WHERE e.tenant_id = %(tenant)s
     UNION ALL
    SELECT concat_ws('/', 'answer', u.update_id), md5(u::text) FROM highway.update_request AS u
     WHERE u.tenant_id = %(tenant)s AND u.answered_at IS NOT NULL
     UNION ALL
    SELECT concat_ws('/', 'undo', c.workflow_run_id, c.scope, c.step_key), md5(c::text) FROM highway.compensation AS c WHERE c.tenant_id = %(tenant)s
"""
_MEETINGS = """
    SELECT 'several hold the one slot of ' || s.key AS problem FROM highway.slot AS s
     WHERE s.tenant_id = %(tenant)s AND s.granted_at IS NOT NULL GROUP BY s.key HAVING count(*) > 1
     UNION ALL
    SELECT 'several are open as the only one of ' || r.singleton_key FROM highway.workflow_run AS r
     WHERE r.tenant_id = %(tenant)s AND r.singleton_key IS NOT NULL AND r.finished_at IS NULL GROUP BY r.singleton_key HAVING count(*) > 1
     UNION ALL
    SELECT format('%%s runs without the slot of %%s', r.workflow_run_id, l ->> 'key') FROM highway.workflow_run AS r
      JOIN highway.task AS t ON t.tenant_id = r.tenant_id AND t.task_id = r.workflow_run_id AND t.state = 'running'
     CROSS JOIN LATERAL jsonb_array_elements(r.limits) AS l
     WHERE r.tenant_id = %(tenant)s
       AND NOT EXISTS (SELECT FROM highway.slot AS s WHERE s.tenant_id = t.tenant_id AND s.task_id = t.task_id
                          AND s.key = l ->> 'key' AND s.granted_at IS NOT NULL)
"""


class Watch:
    """Remembers what it saw last."""

    def __init__(self, connection: Connection, tenant: UUID) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tasks: dict[UUID, tuple[str, int, bool]] = {}
        self._past: dict[str, str] = {}

    def look(self) -> list[str]:
        """Everything that does not hold."""
        stuck = _doctor.stuck.many(self._connection, grace_seconds=0.0, quantity=10)
        wrong = _doctor.inconsistent.many(self._connection, quantity=10)
        overdue = {row["task_id"] for row in cursor(self._connection).execute(_OVERDUE, [self._tenant]).fetchall()}
        stuck = [row for row in stuck if row["problem"] != _UNDECIDED or row["task_id"] not in overdue]
        found = [
            f"task {row['key']!r} of {row['workflow_run_id']} is {row['state']}: {row['problem']}" for row in stuck
        ]
        wrong += _doctor.flow_problems.many(self._connection, grace_seconds=0.0, quantity=10)
        found += [f"run {row['workflow_run_id']}: {row['problem']}" for row in wrong]
        meetings = cursor(self._connection).execute(_MEETINGS, {"tenant": self._tenant}).fetchall()
        found += [row["problem"] for row in meetings]
        return found + self._changes_of_tasks() + self._changes_of_the_past()

    def forget(self) -> None:
        """A run was restarted, which is the one way out of an end, and takes failed steps out."""
        self._tasks, self._past = {}, {}

    def _changes_of_tasks(self) -> list[str]:
        rows = cursor(self._connection).execute(_TASKS, [self._tenant]).fetchall()
        now = {row["task_id"]: (row["state"], row["epoch"], row["open"]) for row in rows}
        before, self._tasks = self._tasks, now
        found = []
        for task_id, (state, epoch, was_open) in before.items():
            if task_id not in now:
                found.append(f"task {task_id} is gone")
            elif not was_open and now[task_id][:2] != (state, epoch):
                found.append(f"task {task_id} was {state} at epoch {epoch} and is {now[task_id]}")
            elif now[task_id][1] < epoch:
                found.append(f"the epoch of task {task_id} went back from {epoch} to {now[task_id][1]}")
        return found

    def _changes_of_the_past(self) -> list[str]:
        rows = cursor(self._connection).execute(_PAST, {"tenant": self._tenant}).fetchall()
        before, self._past = self._past, {row["place"]: row["hash"] for row in rows}
        return [f"{place} was changed or removed" for place, seen in before.items() if self._past.get(place) != seen]
