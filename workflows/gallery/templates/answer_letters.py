"""Answer a letter

A model reads what somebody wrote, says what it is and drafts an answer. What it says must fit a schema: it is asked again when it does not, and
when it is busy. A question is answered by mail; anything else is laid before a person.

Tags: model, mail, switch, retries
Needs: the provider of models that the inputs name, and a mail server
Inputs: {"provider": "main", "model": "small", "sender": "ada@example.org", "letter": "Do you open on Sundays?"}
"""

from highway_dsl import Duration, WorkflowBuilder

VERDICT = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["question", "complaint", "other"]},
        "answer": {"type": "string", "minLength": 1, "maxLength": 2000},
    },
    "required": ["kind", "answer"],
}

builder = WorkflowBuilder("answer_letters", version="1.0.0")
builder.task(
    "read",
    "tools.llm.call",
    kwargs={
        "provider": "{{inputs.provider}}",
        "model": "{{inputs.model}}",
        "system": "You answer letters to a shop. Say what the letter is, and draft a short and polite answer.",
        "prompt": "{{inputs.letter}}",
        "json_schema": VERDICT,
        "max_repairs": 2,
    },
    result_key="verdict",
)
builder.retry(max_retries=5, delay=Duration.seconds(2))
builder.switch("route", "{{verdict.json.kind}}", cases={"question": "answer"}, default="lay_aside")
builder.task(
    "answer",
    "tools.email.send",
    kwargs={"to": "{{inputs.sender}}", "subject": "Your question", "body": "{{verdict.json.answer}}"},
    dependencies=["route"],
)
builder.retry(max_retries=5, delay=Duration.seconds(2))
builder.task(
    "lay_aside", "tools.log.info", args=["for a person: {{inputs.letter}}, {{inputs.sender}}"], dependencies=["route"]
)
builder.task("close", "tools.log.info", args=["{{verdict.json.kind}} of {{inputs.sender}}"], dependencies=["route"])
workflow = builder.build()
