"""Careful calls of an API

Call somebody else's API for many items: so many a minute and not more, never more than two at a time, with retries, and with a circuit
breaker that stops calling when the API is down. Limits are the tenant's: all runs that name the key share them.

Tags: limits, circuit breaker, retries, loop
Inputs: {"customers": ["c-1", "c-2", "c-3"]}
"""

from highway_dsl import CircuitBreakerPolicy, Duration, WorkflowBuilder

LIMITS = [
    {"kind": "rate", "key": "crm-calls", "limit": 600, "per_seconds": 60},
    {"kind": "concurrency", "key": "crm-connections", "limit": 2},
]


def each_customer(body: WorkflowBuilder) -> WorkflowBuilder:
    body.task(
        "look_up",
        "tools.shell.run",  # in real life tools.http.request with a url
        args=["echo customer $CUSTOMER"],
        env={"CUSTOMER": "{{item}}"},
        circuit_breaker_policy=CircuitBreakerPolicy(failure_threshold=5, isolation_duration=Duration.seconds(30)),
        metadata={"limits": LIMITS, "resource": "crm"},
    )
    return body.retry(max_retries=4, delay=Duration.seconds(1), backoff_factor=2.0)


builder = WorkflowBuilder("careful_api_calls", version="1.0.0")
builder.foreach("customers_in", "{{inputs.customers}}", each_customer, parallel=True, result_key="found")
builder.task("report", "tools.log.info", args=["asked for {{found.count}} customers"])
workflow = builder.build()
