"""Every campaign, read first: what is done, how often, what is promised, and what the others prove."""

from __future__ import annotations

from tests.crash.campaigns import (
    environment,
    examples,
    modes,
    r01_everywhere,
    r01_statements,
    r02_programs,
    r03_server,
    r04_connections,
    r05_zombies,
    r06_reclaim,
    r07_timers,
    r08_races,
    r11_cron,
    r12_endpoints,
    r12_once,
    tools,
)
from tests.crash.campaigns.base import Campaign
from tests.crash.endpoints import ENDPOINTS

_ALL = "0 lost, 0 doubled, 0 stuck"

# name, title, target, anchor, (in `make test`, in `make crash`, in full), function
CAMPAIGNS: tuple[Campaign, ...] = (
    Campaign(
        "R1.points",
        "killed at every fault point",
        f"100 seeds each: {_ALL}",
        "DBOS: 2 crash points",
        (0, 2, 100),
        r01_everywhere.points,
    ),
    Campaign(
        "R1.statements",
        "killed before and after every statement",
        _ALL,
        "SQLite: every Nth operation fails",
        (2, 12, 0),
        r01_statements.of_everything,
    ),
    Campaign(
        "R1.examples",
        "the same of the golden examples",
        _ALL,
        "SQLite: every Nth operation fails",
        (1, 6, 0),
        r01_statements.of_examples,
    ),
    Campaign(
        "R1.random",
        "hurt anywhere in any way",
        f"10,000: {_ALL}",
        "DBOS: PostgreSQL restarts only",
        (4, 60, 10_000),
        r01_everywhere.at_random,
    ),
    Campaign(
        "R2",
        "random programs over the whole surface against a plain model",
        "100,000: none differs",
        "Restate: 100,000 a day",
        (0, 10_000, 100_000),  # its slice is tests/model/test_model.py
        r02_programs.run,
    ),
    Campaign(
        "R3",
        "immediate stops of PostgreSQL, also in recovery",
        f"500, 20,000 workflows: {_ALL}",
        "DBOS: 20,030 workflows an hour",
        (2, 15, 500),
        r03_server.run,
    ),
    Campaign(
        "R4.answers",
        "commits whose answer is lost",
        f"5,000: {_ALL}",
        "Temporal: ExecuteAndTimeout",
        (5, 60, 5000),
        r04_connections.lost_answers,
    ),
    Campaign(
        "R4.backends",
        "killed backends",
        f"5,000: {_ALL}",
        "Temporal: ExecuteAndTimeout",
        (5, 60, 5000),
        r04_connections.killed_backends,
    ),
    Campaign(
        "R5",
        "zombies: stopped past their lease",
        "1,000: 0 late commits, reclaimed within lease + 5 s",
        "Restate: pause nemesis",
        (6, 24, 1000),
        r05_zombies.run,
    ),
    Campaign(
        "R6",
        "reclaim after kill -9",
        "p99 under 2 s",
        "Oban, River 1 h; oban-py 300 s; Absurd 120 s",
        (6, 30, 200),
        r06_reclaim.run,
    ),
    Campaign(
        "R7",
        "timers while workers die",
        "100,000: 0 early, 0 lost, p99 under 1 s late",
        "Restate: 2 cases",
        (300, 5_000, 100_000),
        r07_timers.run,
    ),
    Campaign(
        "R8",
        "an event emitted while somebody begins to wait for it",
        "100,000: 0 lost",
        "DBOS: 10,000",
        (300, 5_000, 100_000),
        r08_races.run,
    ),
    Campaign(
        "R11",
        "years of cron in every zone whose clocks change, its schedulers killed",
        "10 years, 500 kills: 0 doubled, 0 missed",
        "robfig/cron #541",
        (0, 60, r11_cron.FULL_KILLS),  # its slice is tests/schedules/test_trials.py
        r11_cron.run,
    ),
    Campaign(
        "R12.facade",
        "the same mutation 16 times at once and again",
        "one effect, one answer",
        "none",
        (2, 20, 200),
        r12_once.front_door,
    ),
    Campaign(
        "R12.endpoints",
        "every mutating endpoint: repeated, 16 at once, its server killed",
        "one effect, one answer; the key is for nothing else",
        "none",
        (4, 2 * len(ENDPOINTS), 100 * len(ENDPOINTS)),
        r12_endpoints.run,
    ),
    Campaign("clock", "worker clocks a day off", "no effect", "none", (3, 10, 100), environment.wrong_clocks),
    Campaign("deaf", "every notification dropped", "slower, and right", "none", (3, 10, 100), environment.deaf),
    Campaign(
        "hole",
        "connections that swallow everything",
        "others take over after the lease",
        "none",
        (2, 5, 20),
        environment.black_hole,
    ),
    Campaign(
        "halfhole",
        "a loop whose line swallows answers while its heart beats",
        "it begins anew after its lease",
        "none",
        (2, 5, 20),
        environment.half_hole,
    ),
    Campaign(
        "held",
        "a session holds a row and does nothing (I17)",
        "others are claimed as usual",
        "none",
        (2, 10, 100),
        environment.held_row,
    ),
    Campaign("disk", "the disk is full", "refused or late, nothing lost", "none", (1, 3, 20), environment.full_disk),
    Campaign(
        "tools",
        "mail, models, MCP, databases, agents, modules, loops: hurt around their calls",
        f"1,000: {_ALL}, one key over all attempts",
        "none",
        (1, 24, 1000),
        tools.run,
    ),
    Campaign(
        "examples",
        "every example at once through the REST API while workers die",
        "each with its own trace",
        "none",
        (0, 20, 500),  # its slice is tests/workflow_examples/test_under_fire.py
        examples.run,
    ),
    Campaign(
        "modes", "the functional tests: always suspend, no notifications", "all pass", "none", (0, 1, 5), modes.run
    ),
)
