"""Order pipeline

Reserve, charge, ship. A charge that fails is tried again by its retry policy; when it fails for good, whatever was done is undone, the last
thing first, and the run ends as compensated. Start it with "card": "declined" to see that.

Tags: retries, compensation
Inputs: {"order": "A-1001", "amount": 42, "card": "valid"}
"""

from highway_dsl import Duration, WorkflowBuilder

builder = WorkflowBuilder("order_pipeline", version="1.0.0")
builder.set_description("Reserve, charge and ship an order; undo all of it when one of them fails.")
builder.task(
    "reserve",
    "tools.simple_counter.increment",
    kwargs={"name": "reserved:{{inputs.order}}"},
    result_key="reservation",
    metadata={
        "compensation": {"function": "tools.simple_counter.decrement", "kwargs": {"name": "reserved:{{inputs.order}}"}}
    },
)
builder.task(
    "charge",
    "tools.shell.run",
    # Stands for a call of the bank: the first attempt is too early, a declined card never passes. What comes from outside goes into the
    # environment and never into the command line.
    args=["[ $CARD = valid ] && [ $HIGHWAY_ATTEMPT -ge 2 ] && printf 'charged %s' $AMOUNT"],
    kwargs={"env": {"CARD": "{{inputs.card}}", "AMOUNT": "{{inputs.amount}}"}},
    result_key="payment",
    metadata={
        "compensation": {"function": "tools.log.info", "args": ["refunded {{inputs.amount}} of {{inputs.order}}"]}
    },
)
builder.retry(max_retries=2, delay=Duration.seconds(0.2), backoff_factor=2.0)
builder.task("ship", "tools.log.info", args=["shipped {{inputs.order}}: {{payment.stdout}}"])
workflow = builder.build()
