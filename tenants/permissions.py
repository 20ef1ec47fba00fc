"""The one registry of permissions, and the roles a tenant can give. Custom roles are rows; these are fixed.

A name that public clients use for a permission is an alias in its entry; an alias may stand for several permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from highway_platform.kit.permissions import Permission

_ALL = (
    Permission("account.self:read", "See their own account"),
    Permission("platform.admin:use", "Use the administration pages of the platform"),
    Permission("platform.worker:manage", "Pause, drain and bound the workers of the platform", ("manage_workers",)),
    Permission("tenants.member:read", "See members and their roles", ("view_users",)),
    Permission("tenants.member:manage", "Invite, change and remove members", ("manage_users",)),
    Permission("tenants.key:manage", "Create, rotate and revoke API keys", ("manage_api_keys",)),
    Permission("tenants.audit:read", "Read the audit trail", ("view_audit_logs",)),
    Permission("workflows.run:read", "See runs, steps, events and logs", ("view_workflows", "view_workflow_status")),
    Permission("workflows.run:submit", "Start and retry runs", ("submit_workflows", "run_workflows")),
    Permission("workflows.run:cancel", "Cancel runs", ("cancel_workflows",)),
    Permission(
        "workflows.run:pause",
        "Pause and resume runs, and answer for steps that wait for a person",
        ("manage_workflows",),
    ),
    Permission("workflows.run:kill", "End runs at once", ("manage_workflows",)),
    Permission("workflows.run:change", "Change the priority and the start of runs", ("manage_workflows",)),
    Permission("workflows.run:bulk", "Change many runs at once", ("manage_workflows",)),
    Permission("workflows.run:purge", "Delete ended runs for ever"),
    Permission("workflows.run:signal", "Send events and signals to runs", ("submit_workflows", "manage_workflows")),
    Permission("workflows.queue:read", "See queues", ("view_workflows",)),
    Permission("workflows.queue:manage", "Pause, drain and cap queues", ("manage_workflows",)),
    Permission("workflows.limit:read", "See limits and who holds them", ("view_workflows",)),
    Permission("workflows.limit:manage", "Change the figures of limits", ("manage_workflows",)),
    Permission("workflows.guard:read", "See circuit breakers", ("view_workflows",)),
    Permission("workflows.guard:manage", "Reset circuit breakers", ("manage_workflows",)),
    Permission("workflows.letter:read", "See dead letters", ("view_workflows",)),
    Permission("workflows.letter:manage", "Requeue and purge dead letters", ("manage_workflows",)),
    Permission("workflows.approval:read", "See what runs ask people", ("view_workflows",)),
    Permission("workflows.approval:decide", "Approve and reject what runs ask people", ("approve_workflows",)),
    Permission("workflows.retention:read", "See how long runs are kept", ("view_workflows",)),
    Permission("workflows.retention:manage", "Set how long runs are kept"),
    Permission("workflows.activity:manage", "Clean up the heartbeats of activities", ("manage_workflows",)),
    Permission("workflows.worker:read", "See workers and how busy they are", ("view_workers",)),
    Permission("workflows.idempotency:reset", "Forget idempotency keys", ("reset_idempotency",)),
    Permission("workflows.definition:read", "See workflow definitions", ("view_workflows",)),
    Permission("workflows.definition:write", "Register workflow definitions", ("submit_workflows", "manage_workflows")),
    Permission("workflows.code:read", "See and download artifacts and stored modules", ("view_workflows",)),
    Permission(
        "workflows.code:write",
        "Upload and delete artifacts and modules, which runs execute",
        ("submit_workflows", "manage_workflows"),
    ),
    Permission("workflows.schedule:read", "See schedules and what became of their ticks", ("view_workflows",)),
    Permission("workflows.schedule:operate", "Pause, resume and run schedules", ("manage_workflows",)),
    Permission(
        "workflows.schedule:write",
        "Create, change, backfill and delete schedules, which start runs",
        ("submit_workflows", "manage_workflows"),
    ),
)

PERMISSIONS: Mapping[str, Permission] = MappingProxyType({permission.name: permission for permission in _ALL})

_READ = frozenset(
    {
        "workflows.run:read",
        "workflows.definition:read",
        "workflows.code:read",
        "workflows.queue:read",
        "workflows.limit:read",
        "workflows.schedule:read",
        "workflows.guard:read",
        "workflows.letter:read",
        "workflows.approval:read",
        "workflows.retention:read",
        "workflows.worker:read",
    }
)
_CONTROL = frozenset({"workflows.run:cancel", "workflows.run:pause", "workflows.run:kill", "workflows.run:change"})
_MANAGE = frozenset(
    {
        "workflows.queue:manage",
        "workflows.limit:manage",
        "workflows.schedule:operate",
        "workflows.guard:manage",
        "workflows.letter:manage",
        "workflows.activity:manage",
    }
)
_OPERATE = _READ | _CONTROL | _MANAGE | {"workflows.run:submit", "workflows.run:signal", "workflows.run:bulk"}
_AUTHOR = _OPERATE | {"workflows.definition:write", "workflows.code:write", "workflows.schedule:write"}
_NOT_OF_A_TENANT = frozenset({"platform.admin:use", "platform.worker:manage", "account.self:read"})

ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "tenant_admin": frozenset(PERMISSIONS) - _NOT_OF_A_TENANT,
        "workflow_author": _AUTHOR,
        "workflow_operator": _OPERATE,
        "workflow_viewer": _READ,
        "approver": _READ | {"workflows.approval:decide"},
        "app_manager": _READ,
        "developer": _AUTHOR,
        "support": _READ | {"workflows.run:cancel", "tenants.member:read"},
        "analytics": _READ,
    }
)


def permissions_named(names: Iterable[str]) -> frozenset[str]:
    """The permissions that these names and aliases stand for. Raises KeyError with the first name that is unknown."""
    found: set[str] = set()
    for name in names:
        matching = {entry.name for entry in _ALL if name == entry.name or name in entry.aliases}
        if not matching:
            raise KeyError(name)
        found |= matching
    return frozenset(found)
