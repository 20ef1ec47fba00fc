"""`highway-sdk` 1.0.1: the operations that exist now, through its own API classes and models."""

from __future__ import annotations

import json
from collections.abc import Iterator

import highway_sdk
import pytest
from highway_sdk import api as sdk
from highway_sdk.exceptions import ApiException, NotFoundException, UnauthorizedException
from highway_sdk.models.error_response_e7ebca9 import ErrorResponseE7ebca9

from tests.integration.api.client import Client
from tests.integration.api.definitions import GIVEN_UP, SAY_HELLO, task, workflow

UNKNOWN_ID = "01a1fa9e-c762-7e26-bd49-713d1a24fde0"


@pytest.fixture(scope="module")
def sdk_client(api: Client) -> Iterator[highway_sdk.ApiClient]:
    with highway_sdk.ApiClient(highway_sdk.Configuration(host=api.url, access_token=api.key)) as client:
        yield client


@pytest.fixture(scope="module")
def run_id(api: Client) -> str:
    started = api.submit(SAY_HELLO)
    api.wait_until(started)
    return started


@pytest.mark.parametrize(
    "operation",
    [
        "get_api_v1_workflowsworkflow_run_id",
        "get_api_v1_workflowsworkflow_run_id_checkpoints",
        "get_api_v1_workflowsworkflow_run_id_events",
        "get_api_v1_workflowsworkflow_run_id_graph",
        "get_api_v1_workflowsworkflow_run_id_graph_dot",
    ],
)
def test_workflows(sdk_client: highway_sdk.ApiClient, run_id: str, operation: str) -> None:
    raw = getattr(sdk.WorkflowsApi(sdk_client), f"{operation}_without_preload_content")(run_id)
    assert raw.status == 200, raw.data
    assert json.loads(raw.data)["status"] == "success"
    getattr(sdk.WorkflowsApi(sdk_client), operation)(run_id)


def test_lists_runs_steps_signals_and_variables(sdk_client: highway_sdk.ApiClient, run_id: str) -> None:
    sdk.WorkflowsApi(sdk_client).get_api_v1_workflows()
    sdk.RunsApi(sdk_client).get_api_v1_runs()
    sdk.RunsApi(sdk_client).get_api_v1_runsrun_id(run_id)
    sdk.RunsApi(sdk_client).get_api_v1_runsrun_id_checkpoints(run_id)
    sdk.StepsApi(sdk_client).get_api_v1_workflowsworkflow_run_id_steps(run_id)
    sdk.StepsApi(sdk_client).get_api_v1_workflowsworkflow_run_id_stepsstep_name(run_id, "hello")
    sdk.SignalsApi(sdk_client).get_api_v1_workflowsworkflow_run_id_signals(run_id)
    sdk.UpdatesApi(sdk_client).get_api_v1_workflowsworkflow_run_id_updates(run_id)
    sdk.UpdatesApi(sdk_client).get_api_v1_workflowsworkflow_run_id_updates_history(run_id)
    sdk.WorkflowsApi(sdk_client).get_api_v1_workflowsworkflow_run_id_sagas(run_id)
    sdk.QueriesApi(sdk_client).get_api_v1_workflowsworkflow_run_id_query(run_id)
    retried = sdk.WorkflowsApi(sdk_client).post_api_v1_workflowsworkflow_run_id_retry_without_preload_content(run_id)
    assert json.loads(retried.data)["data"]["new_workflow_run_id"] != run_id


def test_activities_and_their_logs(sdk_client: highway_sdk.ApiClient, api: Client) -> None:
    work = {**task("work", "tools.log.info", "hello"), "operator_type": "activity"}
    run_id = api.submit(workflow(work, name="with_activity"))
    api.wait_until(run_id)
    activities, logs = sdk.ActivitiesApi(sdk_client), sdk.LogsApi(sdk_client)
    listed = activities.get_api_v1_workflowsworkflow_run_id_activities_without_preload_content(run_id)
    activity_id = json.loads(listed.data)["data"]["activities"][0]["activity_id"]
    activities.get_api_v1_activities()
    activities.get_api_v1_activities_stale()
    activities.get_api_v1_activities_status()
    activities.get_api_v1_activitiesactivity_id(activity_id)
    activities.get_api_v1_activitiesactivity_id_heartbeats(activity_id)
    activities.get_api_v1_workflowsworkflow_run_id_activities(run_id)
    activities.post_api_v1_activities_cleanup_heartbeats()
    logs.get_api_v1_logs_activities()
    logs.get_api_v1_logs_workflowsworkflow_run_id_activities(run_id)
    logs.get_api_v1_logs_workflowsworkflow_run_id_activitiesactivity_id(run_id, activity_id)


def test_definitions(sdk_client: highway_sdk.ApiClient, api: Client, run_id: str) -> None:
    run = api.get(f"/api/v1/workflows/{run_id}").data
    definitions = sdk.DefaultApi(sdk_client)
    definitions.get_api_v1_workflows_definitionsdefinition_id(run["definition_id"])
    definitions.get_api_v1_workflows_definitions_jsondefinition_id(run["definition_id"])
    definitions.get_api_v1_workflows_definitions_dsl_pythondefinition_id(run["definition_id"])
    definitions.get_api_v1_workflows_by_hashdefinition_hash(run["definition_hash"])
    definitions.get_api_v1_workflowsworkflow_name_versionsversion("say_hello", 1)
    definitions.get_api_v1_workflowsworkflow_run_id_stepsstep_name_checkpoints(run_id, "hello")
    definitions.get_ping()


def test_schedules(sdk_client: highway_sdk.ApiClient, api: Client) -> None:
    body = {"name": "by_sdk", "workflow_definition": SAY_HELLO, "schedule_cron": "0 9 * * *", "overlap": "allow"}
    schedule_id = api.post("/api/v1/schedules", body).data["schedule_id"]
    run_id = api.post(f"/api/v1/schedules/{schedule_id}/run").data["workflow_run_id"]
    schedules = sdk.SchedulesApi(sdk_client)
    detail = json.loads(schedules.get_api_v1_schedulesschedule_id_without_preload_content(schedule_id).data)["data"]
    assert {"schedule_id", "workflow_name", "schedule_cron", "is_active", "last_run_at", "next_run_at", "created_at", "timezone",
            "execution_count", "last_error"} <= detail.keys()  # fmt: skip
    history = json.loads(schedules.get_api_v1_schedulesschedule_id_history_without_preload_content(schedule_id).data)[
        "data"
    ]
    assert {"schedule_id", "workflow_name", "executions", "total", "limit", "offset"} <= history.keys()
    assert history["executions"][0]["workflow_run_id"] == history["executions"][0]["run_id"] == run_id
    for operation, arguments in (
        ("get_api_v1_schedules", ()),
        ("get_api_v1_schedulesschedule_id", (schedule_id,)),
        ("get_api_v1_schedulesschedule_id_history", (schedule_id,)),
        ("patch_api_v1_schedulesschedule_id", (schedule_id,)),
        ("post_api_v1_schedules_scan", ()),
        ("delete_api_v1_schedulesschedule_id", (schedule_id,)),
    ):
        raw = getattr(schedules, f"{operation}_without_preload_content")(*arguments)
        assert raw.status == 200, raw.data
        if not operation.startswith("delete"):
            getattr(schedules, operation)(*arguments)
    with pytest.raises(NotFoundException):
        schedules.delete_api_v1_schedulesschedule_id(schedule_id)
    with pytest.raises(ApiException) as refused:  # this client has no way to send a body
        schedules.post_api_v1_schedules()
    assert ErrorResponseE7ebca9.from_json(refused.value.body).code == "invalid_request"


def test_circuit_breakers_and_locks(sdk_client: highway_sdk.ApiClient, api: Client, run_id: str) -> None:
    api.wait_until(api.submit(GIVEN_UP))
    breakers = sdk.CircuitBreakersApi(sdk_client)
    listed = json.loads(breakers.get_api_v1_circuit_breakers_without_preload_content().data)["data"]
    assert [one["state"] for one in listed["circuit_breakers"]] == ["OPEN"]
    breakers.get_api_v1_circuit_breakers()
    breakers.get_api_v1_circuit_breakersresource_key("broken")
    breakers.post_api_v1_circuit_breakersresource_key_reset("broken")
    with pytest.raises(NotFoundException):
        breakers.get_api_v1_circuit_breakersresource_key("broken")
    breakers.post_api_v1_circuit_breakers_reset()
    sdk.WorkflowsApi(sdk_client).get_api_v1_workflowsworkflow_run_id_locks(run_id)


def test_health_is_read_by_its_model(sdk_client: highway_sdk.ApiClient) -> None:
    health = sdk.SystemApi(sdk_client).get_api_v1_health()
    assert health.data.status == "healthy"
    assert health.data.checks["workers"]["live"] == 1
    sdk.SystemApi(sdk_client).get_api_v1_version()


def test_errors_are_read_by_their_model(sdk_client: highway_sdk.ApiClient, api: Client) -> None:
    with pytest.raises(NotFoundException) as missing:
        sdk.WorkflowsApi(sdk_client).get_api_v1_workflowsworkflow_run_id(UNKNOWN_ID)
    assert ErrorResponseE7ebca9.from_json(missing.value.body).code == "not_found"
    nobody = highway_sdk.ApiClient(highway_sdk.Configuration(host=api.url, access_token="hw_k1_" + "x" * 32))
    with pytest.raises(UnauthorizedException):
        sdk.WorkflowsApi(nobody).get_api_v1_workflows()
    with pytest.raises(ApiException) as refused:
        sdk.WorkflowsApi(sdk_client).post_api_v1_workflows()
    parsed = ErrorResponseE7ebca9.from_json(refused.value.body)
    assert parsed.code == "invalid_request"
    assert parsed.details.actual_instance[0].var_field.startswith("$")
