"""Checks of the operations on templates and on sources."""

from __future__ import annotations

from tests.integration.clients.operations_table import Cast, covers

TEMPLATES = "GET /api/v1/dsl_templates"
TEMPLATE = "GET /api/v1/dsl_templates/{template_name}"
TO_JSON = "POST /api/v1/dsl_to_json"


@covers(TEMPLATES, TEMPLATE, TO_JSON)
def begin_with_a_template(cast: Cast) -> None:
    listed = cast.owner.call(TEMPLATES)
    names = [template["name"] for template in listed["templates"]]
    assert names == sorted(names)
    assert listed["count"] == len(names) > 10
    template = cast.owner.call(TEMPLATE, "fan_out_fan_in")
    assert template["name"] == "fan_out_fan_in"
    assert cast.owner.refused(TEMPLATE, "no-such-template") == (404, "not_found")
    made = cast.owner.call(TO_JSON, body={"code": template["code"]})
    assert made["workflow_definition"] == template["workflow_definition"]
    refused = cast.owner.call(TO_JSON, body={"code": "workflow = ("}, answers=422)
    assert (refused["code"], refused["problems"][0]["line"]) == ("invalid_definition", 1)
