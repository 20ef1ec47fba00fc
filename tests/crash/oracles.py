"""What must hold whatever was done to the engine. Each oracle gives the list of what it found wrong: always empty."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from engine.db.connection import connect
from engine.db.queries import load
from tests.crash.arena import Arena
from tests.crash.deciding import i12_approvals_are_decided_once
from tests.crash.workload import Workload
from tests.support.interleaving import problems

_sql = load("invariants")
Oracle = Callable[[Arena], list[str]]
MANY = 20


def i01_each_counter_reads_one(arena: Arena, workload: Workload, runs: Sequence[UUID]) -> list[str]:
    """I1: the database effect of a checkpointed step happened exactly once."""
    counted = dict(arena.query("SELECT name, value FROM highway.counter"))
    ended = _ended(arena, workload, runs)
    wanted = [f"{run}/{counter}" for run in ended for counter in workload.counters]
    return [f"I1 {name} is {counted.get(name, 0)}" for name in wanted if counted.get(name) != 1]


def i02_effects_have_one_key(arena: Arena, workload: Workload, runs: Sequence[UUID]) -> list[str]:
    """I2: an external effect happened at least once, and under one key."""
    wanted = [f"/{effect}/{run}" for run in _ended(arena, workload, runs) for effect in workload.effects]
    return [
        f"I2 {path} under {keys}" for path in wanted if len(keys := set(arena.effects.keys[path])) != 1 or "" in keys
    ]


def i03_accepted_is_ended(arena: Arena) -> list[str]:
    """I3: each submission in the clients' ledger is in the database, and ended."""
    accepted = {entry["run"] for entry in arena.ledger() if entry["do"] == "submit"}
    ended = {
        str(run)
        for (run,) in arena.query("SELECT workflow_run_id FROM highway.workflow_run WHERE finished_at IS NOT NULL")
    }
    return [f"I3 accepted run {run} has not ended" for run in accepted - ended]


def i04_tasks_are_as_declared(arena: Arena, workload: Workload, runs: Sequence[UUID]) -> list[str]:
    """I4: branches are those of the definition, and a child was started once."""
    rows = arena.query(
        "SELECT workflow_run_id, array_agg(key ORDER BY key) FROM highway.task WHERE workflow_run_id = ANY (%s) GROUP BY 1",
        list(runs),
    )
    wanted, ended = sorted(workload.tasks), set(_ended(arena, workload, runs))
    found = [f"I4 {run} has tasks {keys}" for run, keys in rows if run in ended and sorted(keys) != wanted]
    doubled = arena.query(
        "SELECT parent_run_id, count(*) FROM highway.workflow_run WHERE parent_run_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1"
    )
    with connect(arena.database.worker) as connection:
        homeless = _sql.homeless.many(connection, quantity=MANY)
    return (
        found
        + [f"I4 {run} has {number} children" for run, number in doubled]
        + [f"I4 {row['problem']}" for row in homeless]
    )


def i05_nothing_is_stuck(arena: Arena) -> list[str]:
    """I5 and I15: what the doctor finds, with the time that the services need to react."""
    return [f"I5 {problem}" for problem in problems(arena.database.worker, grace_seconds=5)]


def i06_messages_are_taken_once(arena: Arena, run: UUID) -> list[str]:
    """I6: what the client has sent the inbox was taken once and in order, and its update got one answer."""
    taken = arena.query(
        "SELECT step_key, result -> 'payload' FROM highway.checkpoint WHERE workflow_run_id = %s AND operator = 'task' "
        "AND step_key IN ('one', 'two', 'ask') ORDER BY seq",
        run,
    )
    answers = arena.query("SELECT state, result FROM highway.update_request WHERE workflow_run_id = %s", run)
    sent = arena.query("SELECT payload FROM highway.signal WHERE workflow_run_id = %s ORDER BY seq", run)
    found = [] if taken == [("one", 1), ("two", 2), ("ask", "of tea")] else [f"I6 {run} has taken {taken}"]
    found += [] if answers == [("completed", "of tea")] else [f"I6 updates of {run}: {answers}"]
    return found + ([] if sent == [(1,), (2,)] else [f"I18 signals of {run}: {sent}"])


def i07_timers_are_not_early(arena: Arena) -> list[str]:
    """I7: no timer ended before its time, nor did one move."""
    early = arena.query(
        """SELECT t.workflow_run_id, t.step_key, t.due_at, k.finished_at FROM crash.timer AS t
             JOIN highway.task AS o ON o.task_id = t.task_id
             JOIN highway.checkpoint AS k ON k.workflow_run_id = t.workflow_run_id AND k.scope = o.key AND k.step_key = t.step_key
            WHERE k.finished_at < t.due_at AND k.outcome = 'succeeded' LIMIT 20"""
    )
    moved = arena.query(
        "SELECT task_id, step_key FROM crash.timer WHERE kind = 'timer' GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 20"
    )
    return [f"I7 early: {row}" for row in early] + [f"I7 registered twice: {row}" for row in moved]


def i08_terminal_is_terminal(arena: Arena) -> list[str]:
    """I8: history knows no edge out of an end."""
    rows = arena.query(
        "SELECT task_id, old_state, new_state FROM crash.task_change WHERE NOT highway.is_open(old_state) AND new_state <> old_state LIMIT 20"
    )
    return [f"I8 task {task} left {old} for {new}" for task, old, new in rows]


def i09_the_last_thing_done_is_undone_first(arena: Arena) -> list[str]:
    """I9: what was registered was undone, each thing once, in the opposite order."""
    rows = arena.query(
        """SELECT r.workflow_run_id,
                  (SELECT array_agg(c.step_key ORDER BY c.seq DESC) FROM highway.compensation AS c
                    WHERE c.workflow_run_id = r.workflow_run_id),
                  (SELECT array_agg(replace(k.step_key, '@undo', '') ORDER BY k.seq) FROM highway.checkpoint AS k
                    WHERE k.workflow_run_id = r.workflow_run_id AND k.step_key LIKE '%%@undo' AND k.outcome = 'succeeded')
             FROM highway.workflow_run AS r WHERE r.status = 'compensated'"""
    )
    return [
        f"I9 {run} registered {registered}, undone {undone}" for run, registered, undone in rows if registered != undone
    ]


def i10_late_writers_wrote_nothing(arena: Arena) -> list[str]:
    """I10: no checkpoint was written, and no claim ended, by a worker whose claim it was not."""
    written = arena.query("SELECT workflow_run_id, scope, step_key, writer, owner FROM crash.late_write LIMIT 20")
    ended = arena.query(
        """SELECT c.task_id, c.new_state, c.session, n.name FROM crash.task_change AS c
             JOIN crash.worker_name AS n ON n.worker_id = c.old_worker
            WHERE c.old_state = 'running' AND c.session LIKE 'highway worker %%'
              AND split_part(c.session, ' ', 3) <> n.name LIMIT 20"""
    )
    twice = arena.query(
        "SELECT task_id, new_epoch FROM crash.task_change WHERE new_worker IS DISTINCT FROM old_worker AND new_worker IS NOT NULL "
        "GROUP BY 1, 2 HAVING count(*) > 1 LIMIT 20"
    )
    return (
        [f"I10 late checkpoint {row}" for row in written]
        + [f"I10 late exit {row}" for row in ended]
        + [f"I10 one epoch, two claims {row}" for row in twice]
    )


def i11_tenants_are_apart(arena: Arena) -> list[str]:
    """I11: no row belongs to nobody, and the canary tenant sees nothing, with its filter taken away."""
    found = []
    with connect(arena.database.worker) as connection:
        found += [
            f"I11 {row['relation']} of {row['workflow_run_id']}"
            for row in _sql.foreign_rows.many(connection, quantity=MANY)
        ]
    tables = [
        name
        for (name,) in arena.query(
            "SELECT table_name::text FROM information_schema.columns WHERE table_schema = 'highway' AND column_name = 'tenant_id'"
        )
    ]
    with connect(arena.database.web) as connection, connection.transaction():
        connection.execute("SELECT set_config('highway.tenant_id', %s, true)", [str(arena.canary)])
        for table in tables:
            seen = connection.execute(f"SELECT count(*) FROM highway.{table}".encode()).fetchone()
            found += [f"I11 the canary sees {seen[0]} rows of {table}"] if seen and seen[0] else []
    return found


def i13_the_trail_only_grows(before: Mapping[str, str], after: Mapping[str, str], refused: Sequence[str]) -> list[str]:
    """I13: audit facts that were there are there, word for word, and each request that was told of its refusal has left one.

    Facts by their id, each with its request's id in front; ``refused`` are ids of requests.
    """
    changed = [
        f"I13 the fact {key} was {fact}, and is {after.get(key)}"
        for key, fact in before.items()
        if after.get(key) != fact
    ]
    left = Counter(fact.split(" ", 1)[0] for fact in after.values())
    return changed + [f"I13 the refusal {one} has left {left[one]} facts" for one in refused if left[one] != 1]


def i14_ticks_are_fired_once(arena: Arena, queue: str, ticks: int) -> list[str]:
    """I14: a schedule that begins so many seconds ago, ends now and allows everything has fired each second, once, and has ended."""
    found: list[str] = []
    schedules = arena.query("SELECT schedule_id, starts_at, state FROM highway.schedule WHERE queue = %s", queue)
    for schedule, starts_at, state in schedules:
        rows = arena.query(
            "SELECT t.tick_at, t.outcome, r.status FROM highway.schedule_tick AS t LEFT JOIN highway.workflow_run AS r "
            "USING (tenant_id, workflow_run_id) WHERE t.schedule_id = %s ORDER BY 1",
            schedule,
        )
        wanted = [(starts_at + timedelta(seconds=number), "fired", "completed") for number in range(ticks + 1)]
        found += [] if rows == wanted and state == "ended" else [f"I14 {schedule} is {state}: {rows}, not {wanted}"]
        runs = arena.query(
            "SELECT count(*) FROM highway.workflow_run WHERE attributes ->> 'schedule_id' = %s", str(schedule)
        )
        found += [] if runs == [(len(rows),)] else [f"I14 {schedule} has {runs} runs"]
    return found if len(schedules) == 1 else [f"I18 {len(schedules)} schedules of {queue}"]


def i15_status_is_derived(arena: Arena) -> list[str]:
    """I15: nothing but the trigger set a status."""
    return [f"I15 {row}" for row in arena.query("SELECT workflow_run_id, status FROM crash.forged_status LIMIT 20")]


def i16_code_is_the_same(arena: Arena) -> list[str]:
    """I16: each run has the definition that it started with."""
    with connect(arena.database.worker) as connection:
        return [f"I16 {row['workflow_run_id']}" for row in _sql.other_code.many(connection, quantity=MANY)]


def i18_answers_have_effects(arena: Arena) -> list[str]:
    """I18: one key, one run, one answer."""
    with connect(arena.database.worker) as connection:
        found = [f"I18 {row['key']}" for row in _sql.answered_by_nothing.many(connection, quantity=MANY)]
    runs: dict[str, set[str]] = {}
    for entry in arena.ledger():
        if entry["do"] == "submit":
            runs.setdefault(entry["key"], set()).add(entry["run"])
    return found + [f"I18 key {key} gave {given}" for key, given in runs.items() if len(given) > 1]


DATABASE_WIDE: tuple[Oracle, ...] = (
    i03_accepted_is_ended,
    i05_nothing_is_stuck,
    i07_timers_are_not_early,
    i08_terminal_is_terminal,
    i09_the_last_thing_done_is_undone_first,
    i10_late_writers_wrote_nothing,
    i11_tenants_are_apart,
    i12_approvals_are_decided_once,
    i15_status_is_derived,
    i16_code_is_the_same,
    i18_answers_have_effects,
)


def everywhere(arena: Arena) -> list[str]:
    """All oracles that look at the whole database."""
    return [problem for oracle in DATABASE_WIDE for problem in oracle(arena)]


def completed_rightly(arena: Arena, workload: Workload, runs: Sequence[UUID]) -> list[str]:
    """All runs have ended as they shall, and did what their definition says, once."""
    ended = dict(
        arena.query(
            "SELECT workflow_run_id, CASE status WHEN %s THEN status ELSE status || coalesce(' ' || left(error::text, 300), '') END "
            "FROM highway.workflow_run WHERE workflow_run_id = ANY (%s)",
            workload.ends,
            list(runs),
        )
    )
    found = [f"I3 run {run} is {ended.get(run, 'lost')}" for run in runs if ended.get(run) != workload.ends]
    found += i01_each_counter_reads_one(arena, workload, runs)
    found += i02_effects_have_one_key(arena, workload, runs)
    return found + i04_tasks_are_as_declared(arena, workload, runs) if workload.counters else found


def _ended(arena: Arena, workload: Workload, runs: Sequence[UUID]) -> list[UUID]:
    rows = arena.query(
        "SELECT workflow_run_id FROM highway.workflow_run WHERE status = %s AND workflow_run_id = ANY (%s)",
        workload.ends,
        list(runs),
    )
    return [run for (run,) in rows]
