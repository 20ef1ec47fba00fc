"""Compiling a source: what it makes, or all that is wrong with it, where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.integration.api.client import Client
from workflows.gallery.catalog import templates

BUILT = "from highway_dsl import WorkflowBuilder\n\nb = WorkflowBuilder('wrong')\n"
JSON = """{
  "name": "wrong",
  "tasks": {
    "a": {"operator_type": "task", "function": "tools.no.such"},
    "b": {"operator_type": "task", "function": "tools.log.info",
          "dependencies": ["a", "c"]},
    "d": {"operator_type": "tusk"}
  }
}"""
YAML = """name: wrong
tasks:
  a:
    operator_type: task
    function: tools.log.info
    args: ["{{missing.name}}"]
    retry_policy:
      delay: PTnonsense
"""
WARNED = """name: warned
tasks:
  fork:
    operator_type: parallel
    branch_workflows:
      one:
        tasks:
          say: {operator_type: task, function: tools.log.info, args: [1]}
"""


def problems_of(owner: Client, source: str, form: str) -> list[tuple[Any, ...]]:
    answer = owner.post("/api/v1/workflows/compile", {"source": source, "source_format": form})
    assert (answer.status, answer.code) == (422, "invalid_definition"), answer.json
    found = answer.json["problems"]
    assert [detail["code"] for detail in answer.json["details"]] == [problem["code"] for problem in found]
    first = answer.json["details"][0]
    assert answer.json["message"] == f"{first['path']}: {first['message']}"
    return [(one["line"], one["column"], one["path"], one["code"]) for one in found]


@pytest.mark.parametrize(
    ("source", "form", "expected"),
    [
        ("x = (1,\n", "python", [(1, 5, "$", "bad_source")]),
        (BUILT + "b.task('a', 'tools.log.info', args=[1 / 0])\n", "python", [(4, 37, "$", "bad_source")]),
        (BUILT + "b.nothing_like_it('a')\n", "python", [(4, 1, "$", "bad_source")]),
        (
            BUILT + "b.task('a', 'tools.log.infos')\nworkflow = b\n",
            "python",
            [(4, 9, "$.tasks.a.function", "unknown_tool")],
        ),
        (BUILT, "python", [(1, 1, "$", "bad_source")]),
        ('{"name": "x",\n "tasks": }', "json", [(2, 11, "$", "bad_json")]),
        ('{"name": "x",\n "name": "y"}', "json", [(2, 2, "$", "duplicate_key")]),
        ("name: x\ntasks:\n  - a: [\n", "yaml", [(4, 1, "$", "bad_yaml")]),
        ("name: x\nname: y\n", "yaml", [(2, 1, "$", "bad_yaml")]),
        (YAML, "yaml", [(8, 14, "$.tasks.a.retry_policy.delay", "bad_value")]),
        (JSON, "json", [(7, 28, "$.tasks.d.operator_type", "unknown_operator")]),
        (
            JSON.replace("tusk", "task"),
            "json",
            [(7, 5, "$.tasks.d.function", "missing")],
        ),
        (
            JSON.replace(',\n    "d": {"operator_type": "tusk"}', ""),
            "json",
            [
                (6, 33, "$.tasks.b.dependencies[1]", "unknown_task"),
                (4, 48, "$.tasks.a.function", "unknown_tool"),
            ],
        ),
    ],
)
def test_every_problem_has_its_place(owner: Client, source: str, form: str, expected: list[tuple[Any, ...]]) -> None:
    assert sorted(problems_of(owner, source, form)) == sorted(expected)


def test_what_is_sound_comes_back_in_all_its_forms(owner: Client) -> None:
    template = templates()["switch_routing"]
    body = {"source": template.source, "inputs": list(template.inputs)}
    made = owner.post("/api/v1/workflows/compile", body).data
    assert made["workflow_definition"] == template.definition == json.loads(made["canonical_json"])
    assert (made["workflow_name"], made["source_format"], made["warnings"]) == ("switch_routing", "python", [])
    assert made["graph"]["nodes"][0]["id"] == "route"
    assert made["graph"]["mermaid"].startswith("flowchart TD")
    for form in ("json", "yaml"):
        again = {"source": json.dumps(template.definition, indent=2), "source_format": form}
        assert owner.post("/api/v1/workflows/compile", again).data["definition_hash"] == made["definition_hash"]
    stored = owner.post("/api/v1/workflows", {"python_dsl": template.source, "execute": False}).data
    assert stored["definition_hash"] == made["definition_hash"]


def test_warnings_have_their_place_too_and_inputs_count_where_they_are_known(owner: Client) -> None:
    warned = owner.post("/api/v1/workflows/compile", {"source": WARNED, "source_format": "yaml"}).data["warnings"]
    assert [(one["line"], one["code"], one["severity"]) for one in warned] == [(3, "fork_not_awaited", "warning")]
    named = YAML.replace("PTnonsense", "PT1S")
    body = {"source": named, "source_format": "yaml", "inputs": ["nome"]}
    [problem] = owner.post("/api/v1/workflows/compile", body).json["problems"]
    assert (problem["line"], problem["column"], problem["severity"]) == (6, 12, "error")


def test_a_submission_tells_the_places_too(owner: Client) -> None:
    refused = owner.post("/api/v1/workflows", {"yaml": YAML})
    assert (refused.status, refused.json["details"][0]["path"]) == (422, "$.yaml.tasks.a.retry_policy.delay")
    assert refused.json["details"][0]["message"].startswith("line 8, column 14: ")
    code = BUILT + "b.task('a', 'tools.log.infos')\nworkflow = b\n"
    refused = owner.post("/api/v1/workflows", {"python_dsl": code})
    assert refused.json["details"][0]["message"].startswith("line 4, column 9: ")


def test_a_definition_is_brought_as_a_submission_brings_it(owner: Client) -> None:
    template = templates()["switch_routing"]
    bodies: list[dict[str, Any]] = [
        {"python_dsl": template.source},
        {"yaml": json.dumps(template.definition)},
        {"workflow_definition": template.definition},
    ]
    made = [owner.post("/api/v1/workflows/compile", body).data for body in bodies]
    assert [one["source_format"] for one in made] == ["python", "yaml", "json"]
    assert len({one["definition_hash"] for one in made}) == 1
    refused = [owner.post(f"/api/v1/workflows{route}", {"yaml": YAML}).json for route in ("/compile", "", "/batch")]
    assert refused[0]["details"] == refused[1]["details"]
    assert refused[0]["problems"] == refused[1]["problems"]
    assert refused[0]["problems"][0]["line"] == 8
    assert refused[2]["code"] == "invalid_request"  # a batch has inputs
    wrong = owner.post("/api/v1/workflows/compile", {"workflow_definition": json.loads(JSON)})
    assert wrong.json["details"][0]["path"] == "$.workflow_definition.tasks.d.operator_type"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({}, "exactly one of workflow_definition, python_dsl, yaml, source must be given; none of them is"),
        ({"yaml": YAML, "source": BUILT}, "2 of them are: yaml, source"),
        ({"yaml": YAML, "workflow_definition": {}, "python_dsl": BUILT}, "3 of them are: workflow_definition"),
        ({"yaml": YAML, "source_format": "yaml"}, "source_format says what source is"),
    ],
)
def test_none_or_two_of_the_forms_are_refused(owner: Client, body: dict[str, Any], told: str) -> None:
    answer = owner.post("/api/v1/workflows/compile", body)
    assert (answer.status, answer.code) == (422, "invalid_request")
    assert told in answer.json["message"]
    assert "Value error" not in answer.json["message"]  # what the library says of itself


def test_nothing_is_stored(owner: Client) -> None:
    source = BUILT.replace("wrong", "never_stored") + "b.task('a', 'tools.log.info', args=[1])\nworkflow = b\n"
    assert owner.post("/api/v1/workflows/compile", {"source": source}).status == 200
    assert owner.post("/api/v1/dsl_to_json", {"code": source}).status == 200
    assert owner.get("/api/v1/workflows/never_stored/versions/1").status == 404


def test_python_code_becomes_json_or_is_told_what_is_wrong(owner: Client) -> None:
    template = templates()["etl_list"]
    made = owner.post("/api/v1/dsl_to_json", {"code": template.source}).data
    assert made == {"workflow_definition": template.definition}
    refused = owner.post("/api/v1/dsl_to_json", {"code": "import nothing_of_the_kind"})
    assert (refused.status, refused.code) == (422, "invalid_definition")
    assert refused.json["details"][0]["path"] == "$.code"
    assert refused.json["problems"][0]["line"] == 1
    assert owner.post("/api/v1/dsl_to_json", {"python": "x"}).code == "invalid_request"
