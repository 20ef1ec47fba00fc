"""The circuit breaker of a call, from its definition: the policy, and from the metadata which resource it guards and for whom."""

from __future__ import annotations

from engine.language.definition import Activity, Task
from engine.model.breakers import BreakerPolicy


def breaker_of(definition: Task | Activity) -> BreakerPolicy | None:
    """None when the author asked for no breaker. ``metadata.resource`` names what is called, ``metadata.circuit_breaker_scope`` "workflow" keeps
    the breaker to this workflow.
    """
    policy = definition.circuit_breaker_policy
    if policy is None:
        return None
    counted = policy.catch_exceptions
    return BreakerPolicy(
        failure_threshold=policy.failure_threshold,
        success_threshold=policy.success_threshold,
        isolation_seconds=policy.isolation_duration,
        counted=None if counted is None else frozenset(counted),
        ignored=frozenset(policy.ignore_exceptions or ()),
        resource=str(definition.metadata.get("resource") or ""),
        per_workflow=definition.metadata.get("circuit_breaker_scope") == "workflow",
    )
