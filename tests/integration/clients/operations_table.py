"""Which operations of `highway-sdk` are driven, by which check; and, by name, which are not served yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.integration.clients.sdk import Sdk
from tests.integration.clients.world import World


@dataclass(frozen=True)
class Cast:
    """Who calls: an administrator of a tenant, and an operator of the platform; and what the tenant has."""

    owner: Sdk
    operator: Sdk
    world: World


Check = Callable[[Cast], None]
CHECKS: dict[str, Check] = {}


def covers(*names: str) -> Callable[[Check], Check]:
    """The decorated check drives these operations."""

    def register(check: Check) -> Check:
        for name in names:
            assert name not in CHECKS, f"{name} has a check already"
            CHECKS[name] = check
        return check

    return register


_WORKFLOW = "/api/v1/workflows/{workflow_run_id}"
# Operations of other parts of the platform: whoever serves one takes it from here and gives it a check.
NOT_YET: dict[str, tuple[str, ...]] = {
    "activities": (
        "GET /api/v1/activities",
        "GET /api/v1/activities/stale",
        "GET /api/v1/activities/status",
        "GET /api/v1/activities/{activity_id}",
        "GET /api/v1/activities/{activity_id}/heartbeats",
        f"GET {_WORKFLOW}/activities",
        "POST /api/v1/activities/cleanup-heartbeats",
    ),
    "logs": (
        "GET /api/v1/logs/activities",
        "GET /api/v1/logs/workflows/{workflow_run_id}/activities",
        "GET /api/v1/logs/workflows/{workflow_run_id}/activities/{activity_id}",
    ),
}
# Whole groups that belong to issues of their own.
NOT_YET_GROUPS = frozenset(
    {
        "api_keys",
        "approvals",
        "apps",
        "artifacts",
        "audit_logs",
        "default",
        "dsl_templates",
        "invitations",
        "rbac",
        "replay",
        "schemas",
        "tenant_apps",
        "tenants",
        "tokens",
        "users",
    }
)
