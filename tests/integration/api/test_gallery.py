"""The gallery: every template compiles to what is shown of it, is sound without a warning, and runs to its end as it is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator

import pytest

from engine import facade
from engine.teaching.model import OPERATORS
from tests.integration.api.client import Client
from tests.support.databases import Database
from tests.support.interleaving import problems
from tests.support.lent import Lent, lent
from tests.support.stack import Stack
from tests.workflow_examples.gallery import OTHERWISE, GalleryRun, runs
from tests.workflow_examples.side_by_side import play
from workflows.gallery import build
from workflows.gallery.catalog import COMPILED, find, read_template, tags, templates

NAMES = build.names()
Runs = dict[str, GalleryRun]


ANSWER = {"kind": "question", "answer": "Yes, from ten to four."}
STATEMENT = "SELECT name, quantity FROM goods ORDER BY quantity LIMIT 1"


@pytest.fixture(scope="module")
def house(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lent]:
    """What the templates need. The models know what they will say."""
    with lent(tmp_path_factory.mktemp("lent"), stack.database.superuser) as house:
        house.main.say("Surely.")
        house.main.say(json.dumps(ANSWER))
        house.agents.say(calls=[("database_query", {"sql": STATEMENT})])
        house.agents.say("Rusk: one is left.")
        yield house


@pytest.fixture(scope="module")
def live(stack: Stack, house: Lent) -> Stack:
    """A web server and a worker to which all of it is lent."""
    stack.set(HIGHWAY_SERVICES=str(house.file))
    stack.start_web()
    stack.start_worker()
    return stack


@pytest.fixture(scope="module")
def ended(owner: Client) -> Runs:
    """A run of each way of each template, side by side."""
    every = runs(owner, lent=True)
    play(every, seconds=60)
    return {run.name: run for run in every}


@pytest.mark.parametrize("name", NAMES)
def test_a_template_compiles_to_what_is_kept_of_it(name: str) -> None:
    assert build.compiled(name) == templates()[name].definition, "run: make gallery"


def test_nothing_else_is_kept() -> None:
    kept = {name: template.definition for name, template in templates().items()}
    assert list(kept) == NAMES
    assert COMPILED.read_text() == build.as_text(kept)


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_sound_whatever_is_known_of_its_inputs(name: str) -> None:
    template = templates()[name]
    assert facade.check_definition(template.definition) == []
    assert facade.check_definition(template.definition, template.inputs.keys()) == []
    assert template.definition["name"] == name
    assert template.title
    assert template.about.endswith(".")


@pytest.mark.parametrize("name", [*NAMES, *(f"{name}, otherwise" for name in OTHERWISE)])
def test_a_template_ends_as_its_text_says(ended: Runs, name: str) -> None:
    assert ended[name].problems() == []


def test_a_letter_is_answered_when_the_model_has_said_it_in_the_form_that_is_asked_for(
    ended: Runs, house: Lent
) -> None:
    read = ended["answer_letters"].run["result"]["read"]
    assert (read["json"], read["repairs"]) == (ANSWER, 1)
    [asked, again] = [one["body"]["messages"] for one in house.main.seen]
    assert asked[-1]["content"] == "Do you open on Sundays?"
    assert [one["content"] for one in again].count("Surely.") == 1
    [mail] = [one for one in house.mail.handed if one.recipients == ["ada@example.org"]]
    assert mail.message.get_content().strip() == ANSWER["answer"]


def test_an_agent_is_shown_the_rows_and_not_the_database(ended: Runs, house: Lent) -> None:
    work = ended["ask_the_data"].run["result"]["work"]
    assert (work["status"], work["calls"]) == ("achieved", ["tools.database.query"])
    [first, second] = [one["body"] for one in house.agents.seen]
    [offered] = [one["function"] for one in first["tools"] if one["function"]["name"] == "database_query"]
    assert not {"database", "max_rows"} & offered["parameters"]["properties"].keys()
    assert '"rusk"' in second["messages"][-1]["content"]


def test_what_runs_low_is_mailed_once_and_nothing_when_nothing_does(ended: Runs, house: Lent) -> None:
    [mail] = [one for one in house.mail.handed if one.recipients == ["orders@example.org"]]
    assert mail.message["subject"] == "2 goods run low"
    [file] = mail.message.iter_attachments()
    assert file.get_content() == "name,quantity\nrusk,1\ntea,3\n"
    quiet = ended["mail_what_runs_low, otherwise"].run["result"]
    assert quiet["rest"]["message"] == "nothing runs low"


def test_a_callback_that_does_not_come_leads_another_way(owner: Client) -> None:
    definition = copy.deepcopy(templates()["wait_for_callback"].definition)
    definition["tasks"]["settled"]["timeout_seconds"] = 0.2  # type: ignore[call-overload,index]
    body = {"workflow_definition": definition, "inputs": {"payment": "P-9"}}
    run = owner.wait_until(owner.post("/api/v1/workflows", body).data["workflow_run_id"])
    assert run["status"] == "completed", (run["error"], run["result"])
    assert run["result"]["remind"]["message"].startswith("settled: ")
    assert run["result"]["close"]["message"] == "P-9 is closed"


def test_nothing_is_left_behind(ended: Runs, platform_database: Database) -> None:
    assert problems(platform_database.worker, grace_seconds=3) == []


def test_all_operators_are_shown() -> None:
    assert {operator for template in templates().values() for operator in template.operators} == OPERATORS.keys()


def test_templates_are_found_by_their_words_and_tags() -> None:
    assert [one.name for one in find("DIES heartbeat")] == ["long_job"]
    assert [one.name for one in find("tools.lock.acquire")] == ["one_at_a_time"]
    assert [one.name for one in find(tag="schedule")] == ["nightly_report"]
    assert find("no such words") == find(tag="no such tag") == []
    assert all(find(tag=tag) for tag in tags())


def test_what_is_sent_must_be_of_a_known_form() -> None:
    with pytest.raises(ValueError, match="not of the form"):
        read_template("x", '"""T\n\nAbout.\n\nTags: a\nInputs: {}\nSend: pigeon home {}\n"""', {"tasks": {}})


def test_the_list_and_a_template_by_name(owner: Client) -> None:
    listed = owner.get("/api/v1/dsl_templates?tag=people").data
    assert [one["name"] for one in listed["templates"]] == ["human_decision"]
    assert listed["count"] == 1
    assert "code" not in listed["templates"][0]
    whole = owner.get("/api/v1/dsl_templates/human_decision").data
    assert whole["sends"] == [{"kind": "signal", "name": "decision", "payload": {"approved": True, "by": "maria"}}]
    assert whole["code"].startswith('"""Human decision\n')
    assert whole["workflow_definition"]["name"] == "human_decision"
    for name in ("no_such_template", "..%2Fcatalog", "human_decision.py"):
        assert owner.get(f"/api/v1/dsl_templates/{name}").code == "not_found"
