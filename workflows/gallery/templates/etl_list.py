"""ETL over a list

Extract and transform each file of a list, all of them at the same time, and load what came out in one step. A file that fails is tried again
alone.

Tags: loop, parallel, retries
Inputs: {"files": ["north.csv", "south.csv", "west.csv"]}
"""

from highway_dsl import Duration, WorkflowBuilder

TRANSFORM = """
rows = [line.split(",") for line in text.splitlines()]
result = {"file": file, "rows": len(rows), "sum": sum(int(amount) for _, amount in rows)}
"""


def each_file(body: WorkflowBuilder) -> WorkflowBuilder:
    body.task(
        "extract",
        "tools.shell.run",
        args=["printf 'a,1\\nb,2\\n%s,3\\n' $FILE"],
        env={"FILE": "{{item}}"},
        result_key="raw",
    )
    body.retry(max_retries=3, delay=Duration.seconds(1))
    return body.task("transform", "tools.code.exec", args=[TRANSFORM, {"text": "{{raw.stdout}}", "file": "{{item}}"}])


builder = WorkflowBuilder("etl_list", version="1.0.0")
builder.foreach("files_in", "{{inputs.files}}", each_file, parallel=True, result_key="done")
builder.task(
    "load",
    "tools.code.exec",
    args=["result = {'files': len(parts), 'sum': sum(p['sum'] for p in parts)}", {"parts": "{{done.results}}"}],
    result_key="loaded",
)
builder.task("report", "tools.log.info", args=["{{loaded.files}} files, sum {{loaded.sum}}"])
workflow = builder.build()
