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


# Groups that belong to other parts of the platform: whoever serves one takes it from here and gives its operations checks.
NOT_YET_GROUPS = frozenset(
    {
        "api_keys",
        "apps",
        "audit_logs",
        "default",
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
