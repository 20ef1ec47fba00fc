"""Mail what runs low

Ask a database for what is nearly sold out and mail it to whoever orders, with the rows as a file. The bound is given beside the statement and never
written into it. When there is nothing to say, nobody gets a mail. Both steps are tried again while the other side is away.

Tags: database, mail, condition, retries
Needs: the database that the inputs name, and a mail server
Inputs: {"database": "shop", "below": 5, "to": ["orders@example.org"]}
"""

from highway_dsl import Duration, WorkflowBuilder

TABLE = """
lines = ["name,quantity"] + [f"{row['name']},{row['quantity']}" for row in rows]
result = {"csv": "\\n".join(lines) + "\\n", "names": ", ".join(row["name"] for row in rows)}
"""


def write(side: WorkflowBuilder) -> WorkflowBuilder:
    side.task("arrange", "tools.code.exec", args=[TABLE, {"rows": "{{low.rows}}"}], result_key="table")
    side.task(
        "send",
        "tools.email.send",
        kwargs={
            "to": "{{inputs.to}}",
            "subject": "{{low.row_count}} goods run low",
            "body": "Please order: {{table.names}}.",
            "attachments": [{"filename": "low.csv", "content": "{{table.csv}}", "content_type": "text/csv"}],
        },
        result_key="mail",
    )
    return side.retry(max_retries=5, delay=Duration.seconds(2))


builder = WorkflowBuilder("mail_what_runs_low", version="1.0.0")
builder.task(
    "look",
    "tools.database.query",
    kwargs={
        "database": "{{inputs.database}}",
        "sql": "SELECT name, quantity FROM goods WHERE quantity < %(below)s ORDER BY quantity, name",
        "parameters": {"below": "{{inputs.below}}"},
    },
    result_key="low",
)
builder.retry(max_retries=5, delay=Duration.seconds(2))
builder.condition(
    "any",
    "{{low.row_count}} > 0",
    if_true=write,
    if_false=lambda side: side.task("rest", "tools.log.info", args=["nothing runs low"]),
)
builder.task("close", "tools.log.info", args=["{{low.row_count}} goods below {{inputs.below}}"], dependencies=["any"])
workflow = builder.build()
