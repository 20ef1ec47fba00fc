"""Durable code with a saga

Write the whole story as one Python function: each step of it happens once, also when workers die in the middle, and what was done is undone
in the opposite order when a later step fails. Start it with "fail": true to see that.

Tags: durable code, compensation
Inputs: {"trip": "T-5", "fail": false}
"""

from highway_dsl import WorkflowBuilder

BOOK = """
def main(ctx, trip, fail):
    with ctx.saga("booking") as saga:
        flight = saga.step("flight", lambda: f"flight of {trip}", undo=lambda done: ctx.log(f"cancelled: {done}"))
        hotel = saga.step("hotel", lambda: f"hotel of {trip}", undo=lambda done: ctx.log(f"cancelled: {done}"))
        ctx.sleep(0.2)  # could be weeks: no slot, no process, no connection is held meanwhile

        def confirm():
            if fail:
                raise ValueError("the car is gone")
            return f"car of {trip}"

        car = saga.step("car", confirm, undo=lambda done: ctx.log(f"cancelled: {done}"))
    return {"booked": [flight, hotel, car]}
"""

builder = WorkflowBuilder("durable_saga", version="1.0.0")
builder.task(
    "book",
    "tools.code.durable",
    kwargs={"code": BOOK, "inputs": {"trip": "{{inputs.trip}}", "fail": "{{inputs.fail}}"}},
)
builder.task("tell", "tools.log.info", args=["booked: {{book.booked}}"])
workflow = builder.build()
