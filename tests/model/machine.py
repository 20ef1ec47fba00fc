"""Carries out one program: commands in order, each followed by the question whether everything still holds; then everything is brought to its end."""

from __future__ import annotations

import random
from collections.abc import Callable
from uuid import UUID, uuid4

from engine import facade
from engine.db.connection import Connection, Row, cursor
from engine.db.errors import StateError
from engine.kit.ids import uuid7
from engine.queue.claims import wake_due
from engine.queue.granting import grant_slots
from engine.services import SERVICES
from engine.services.admission import admit_children
from engine.services.rescue import rescue
from engine.tools import registry
from engine.worker.programs import Programs
from tests.model.answers import check_answers
from tests.model.asked import Asked
from tests.model.asking import Question
from tests.model.commands import WORKERS, Command
from tests.model.control import Control
from tests.model.counting import count_problems
from tests.model.deciding import Deciding
from tests.model.ending import Ending
from tests.model.facts import read_facts
from tests.model.fakes import Effects
from tests.model.following import Following
from tests.model.invariants import Watch
from tests.model.messages import check_messages
from tests.model.model import ENDED, check_run
from tests.model.player import DivergenceError, Player
from tests.model.scheduling import Scheduled, Scheduling
from tests.model.stages import workflow_of_child
from tests.model.submitting import Submitting

_RUNS = """
    SELECT r.workflow_run_id, r.parent_run_id, r.parent_key, r.continued_from, r.continued_to, r.inputs, k.schedule_id
      FROM highway.workflow_run AS r
      LEFT JOIN highway.schedule_tick AS k ON k.tenant_id = r.tenant_id AND k.workflow_run_id = r.workflow_run_id
     WHERE r.tenant_id = %s ORDER BY 1
"""

MOST_TURNS = 20


class Machine(Control, Deciding, Following, Scheduling, Submitting):
    """One program on one tenant and one queue. ``web`` and ``worker`` are connections of these roles; nobody else uses them meanwhile."""

    def __init__(self, web: Connection, worker: Connection) -> None:
        self.tenant = uuid4()
        self.queue = f"model-{self.tenant}"
        self.web = web
        self.worker = worker
        self.asked: dict[UUID, Asked] = {}
        self.updates: list[UUID] = []
        self.effects = Effects(worker)
        self.players: list[Player | None] = [None] * WORKERS
        self.schedules: dict[UUID, Scheduled] = {}
        self.questions: dict[UUID, Question] = {}
        self.held_queue = self.draining = False
        self._thawed = False
        self.disturbed = False  # whether a tool may have run in vain
        self._programs = Programs()
        self._seconds = 0
        self._upkeep = uuid7()
        self.watch = Watch(worker, self.tenant)
        self.move_clock(0)

    def run(self, program: list[Command]) -> None:
        """Raises `DivergenceError` with the first thing that is not as it must be."""
        try:
            for number, command in enumerate(program):
                getattr(self, f"_do_{command['do']}")(command)
                self._hold(f"after command {number} {command}")
            Ending(self).reach()
            self._hold("at the end")
            self._judge()
        finally:
            for player in self.players:
                if player is not None:
                    player.close()

    def move_clock(self, seconds: int) -> None:
        """Later by so much, for everybody; who sleeps is woken, and who may come in is let in, as they would be within a second."""
        self._seconds += seconds
        for connection in (self.web, self.worker):
            connection.execute("SELECT set_config('highway.now_offset', %s, false)", [f"{self._seconds} seconds"])
        wake_due(self.worker, quantity=500)
        admit_children(self.worker, self._upkeep)

    def player(self, number: int) -> Player:
        """The worker of this number; a new one in the place of one that was killed."""
        player = self.players[number % WORKERS]
        if player is None:
            player = self.players[number % WORKERS] = Player(
                self.worker, registry | self.effects.tools, self.queue, self._programs
            )
        return player

    def runs(self) -> list[UUID]:
        """All runs of the tenant, in the order in which they were started; children are found and get to be known."""
        rows = cursor(self.worker).execute(_RUNS, [self.tenant]).fetchall()
        found = {row["workflow_run_id"]: row for row in rows}
        for run_id, row in found.items():
            if run_id not in self.asked:
                self.asked[run_id] = self._learn(row, found)
        return list(found)

    def _learn(self, row: Row, found: dict[UUID, Row]) -> Asked:
        """What is asked of a run that the engine has started: the next of a chain, one of a schedule, or a child."""
        if row["continued_from"]:
            return self.asked[row["continued_from"]].next_of_chain()
        if row["schedule_id"]:
            schedule = self.schedules[row["schedule_id"]]
            return Asked(schedule.workflow, row["inputs"], starters=(schedule.name,))
        last = row  # of its chain: that one is the child now
        while last["continued_to"]:
            last = found[last["continued_to"]]
        above = self.asked[last["parent_run_id"]]
        return Asked(workflow_of_child(above.workflow, last["parent_key"]), {"round": 0}, starters=above.starters)

    def tell(self, act: Callable[[UUID], None], command: Command, *, may_refuse: bool = False) -> None:
        """Do something to the run that the command means. It is refused when, and only when, the run has ended, unless it is undoing.

        ``may_refuse``: there are further reasons for a refusal.
        """
        runs = self.runs()
        if not runs:
            return
        run_id = runs[command["run"] % len(runs)]
        state, phase = self.state(run_id)
        try:
            act(run_id)
        except StateError as error:
            if state not in ENDED and phase != "undoing" and not may_refuse:
                raise DivergenceError(f"{command['do']} was refused for a run that is {state}: {error}") from error
            return
        if state in ENDED:
            raise DivergenceError(f"{command['do']} was accepted by a run that is {state}")

    def rescue(self) -> None:
        """What the service does."""
        rescue(self.worker, self._upkeep)

    def serve(self, number: int) -> None:
        """One step of one of the services."""
        service = SERVICES[number % len(SERVICES)]
        if service.name == "approvals":
            self.expire()
        else:
            service.step(self.worker, self._upkeep)

    def state(self, run_id: UUID) -> tuple[str, str]:
        row = (
            cursor(self.worker).execute("SELECT state, phase FROM highway.task WHERE task_id = %s", [run_id]).fetchone()
        )
        assert row is not None
        return row["state"], row["phase"]

    def _do_claim(self, command: Command) -> None:
        player = self.player(command["worker"])
        if not player.frozen and player.claim(command["quantity"]) and self.held_queue:
            raise DivergenceError("something was claimed from a queue that is paused")

    def _do_work(self, command: Command) -> None:
        player, chance = self.player(command["worker"]), random.Random(command["chance"])
        for _ in range(command["steps"]):
            if player.frozen or not player.step(chance):
                return

    def _do_drive(self, command: Command) -> None:
        """A worker does all that it can without waiting for a time."""
        player, chance = self.player(command["worker"]), random.Random(command["chance"])
        for _ in range(MOST_TURNS):
            if player.frozen or self.held_queue:
                return
            player.look()
            worked = player.claim(3) > 0
            while player.step(chance):
                worked = True
            if not worked and not grant_slots(self.worker):
                return

    def _do_look(self, command: Command) -> None:
        player = self.player(command["worker"])
        if not player.frozen:
            player.look()

    def _do_hand_back(self, command: Command) -> None:
        player = self.player(command["worker"])
        if not player.frozen:
            self.disturbed = True
            player.hand_back()

    def _do_freeze(self, command: Command) -> None:
        self.disturbed = True
        self.player(command["worker"]).freeze()

    def _do_thaw(self, command: Command) -> None:
        self._thawed = True
        self.player(command["worker"]).thaw()

    def _do_kill(self, command: Command) -> None:
        self.disturbed = True
        self.player(command["worker"]).close()
        self.players[command["worker"] % WORKERS] = None
        self.rescue()

    def _do_serve(self, command: Command) -> None:
        self.serve(command["service"])

    def _do_advance(self, command: Command) -> None:
        self.move_clock(command["seconds"])

    def _do_emit(self, command: Command) -> None:
        payload = {"from": f"outside {len(self.asked)} {self._seconds} {random.random()}"}

        def act(run_id: UUID) -> None:
            name = command["name"]
            if facade.emit_event(self.web, tenant_id=self.tenant, workflow_run_id=run_id, name=name, payload=payload):
                self.asked[run_id].emitted[name] = payload

        self.tell(act, command)

    def _do_signal(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            sent = self.asked[run_id].sent.setdefault(command["name"], [])
            facade.send_signal(
                self.web, tenant_id=self.tenant, workflow_run_id=run_id, name=command["name"], payload=len(sent)
            )
            sent.append(len(sent))

        self.tell(act, command)

    def _do_update(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            self.updates.append(
                facade.request_update(
                    self.web, tenant_id=self.tenant, workflow_run_id=run_id, name=command["name"], payload=1
                )
            )

        self.tell(act, command)

    def _do_cancel(self, command: Command) -> None:
        def act(run_id: UUID) -> None:
            self.asked[run_id].stops.append(facade.cancel(self.web, tenant_id=self.tenant, workflow_run_id=run_id))

        self.tell(act, command)

    def _hold(self, when: str) -> None:
        wake_due(self.worker, quantity=500)  # the time that the test itself takes
        grant_slots(self.worker)
        if self._thawed:
            self.rescue()  # what a worker has claimed that thawed after its burial
        if broken := self.watch.look() + self.overlaps() + self.wrong_questions():
            raise DivergenceError(f"{when}: {broken}")

    def _judge(self) -> None:
        self.runs()
        family = read_facts(self.worker, self.tenant)
        wrong = [
            f"run {run_id} of {self.asked[run_id].workflow}: {problem}"
            for run_id, facts in family.items()
            for check in (
                check_run(facts, self.asked, family),
                check_messages(facts, self.asked[run_id]),
                check_answers(facts, self.asked[run_id], family, self.questions.values()),
            )
            for problem in check
        ]
        wrong += self.effects.problems(family, disturbed=self.disturbed)
        for update_id in self.updates:
            if not facade.get_update(self.web, tenant_id=self.tenant, update_id=update_id).is_answered:
                wrong.append(f"the update {update_id} was never answered")
        wrong += count_problems(self.worker, self.tenant, family)
        if wrong:
            raise DivergenceError("\n".join(wrong))
