"""Draft, verify, correct

Let one tool write something and another judge it, a few times at most, as one activity: every draft is kept, so none is written twice. Put
tools.llm.call in the generator's place, and what is refused is written again with what was wrong.

Tags: reflexive, activity, agents
Inputs: {"topic": "durable work"}
"""

from highway_dsl import WorkflowBuilder

JUDGE = """
words = draft["stdout"].split()
result = {"passed": 3 <= len(words) <= 20, "feedback": f"{len(words)} words; between 3 and 20 are wanted"}
"""

builder = WorkflowBuilder("draft_and_verify", version="1.0.0")
builder.reflexive(
    "write",
    generator="tools.shell.run",
    generator_kwargs={"command": "printf 'A few words on %s' \"$TOPIC\"", "env": {"TOPIC": "{{inputs.topic}}"}},
    verifier="tools.code.exec",
    verifier_kwargs={"code": JUDGE, "inputs": {"draft": "%CONTENT%"}},
    max_turns=3,
)
builder.task("written", "tools.workflow.wait_for_activity", kwargs={"activity": "{{write}}"}, result_key="outcome")
builder.task("publish", "tools.log.info", args=["{{outcome.result.content.stdout}} ({{outcome.result.turns}} turn)"])
workflow = builder.build()
