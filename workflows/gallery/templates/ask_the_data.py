"""Ask the data

An agent answers a question out of a database. It writes the statements itself and may use no tool but this one, whose database is fixed and which
only reads. Each turn and each statement is a checkpoint: whatever dies, none is done again. An agent that gives up, or has had its turns, fails
the run.

Tags: model, agents, database, condition
Needs: the provider of models and the database that the inputs name
Inputs: {"provider": "agents", "model": "small", "database": "shop", "question": "Which good is nearly sold out?"}
"""

from highway_dsl import WorkflowBuilder

builder = WorkflowBuilder("ask_the_data", version="1.0.0", deadline_seconds=3600)
builder.task(
    "set_out",
    "tools.agent.init_goal",
    kwargs={
        "goal": "{{inputs.question}}",
        "criteria": ["the answer is one sentence", "it names what stands in the rows, and nothing else"],
        "provider": "{{inputs.provider}}",
        "model": "{{inputs.model}}",
        "system": "You answer questions out of PostgreSQL. The table goods has the columns name and quantity.",
        "tools": [{"tool": "tools.database.query", "fixed": {"database": "{{inputs.database}}", "max_rows": 100}}],
        "max_turns": 6,
    },
)
builder.task("work", "tools.agent.run_goal")
builder.condition(
    "reached",
    "{{work.status}} == 'achieved'",
    if_true=lambda side: side.task("tell", "tools.log.info", args=["{{work.result}}"]),
    if_false=lambda side: side.terminate("give_up", status="failed", reason="no answer: {{work.status}}"),
)
workflow = builder.build()
