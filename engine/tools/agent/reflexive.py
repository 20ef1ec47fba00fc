"""Generator, verifier, corrected generator. Source of the pattern: "Sherlock", arXiv:2511.00330."""

from __future__ import annotations

import json
from typing import Annotated, cast

from pydantic import BaseModel, Field, JsonValue

from engine.durable.tool_context import ToolContext
from engine.model.json import Json, JsonObject
from engine.model.requests import Request
from engine.tools.agent.journal import Journal, Suspended
from engine.tools.agent.verdict import Verdict, verdict
from engine.tools.errors import ToolError, ToolInputError
from engine.tools.llm.call import unfenced
from engine.tools.results import storable_text
from engine.tools.spec import ToolInput

CONTENT = "%CONTENT%"
CORRECTION = "%PROMPT%\n\nYour answer was:\n\n%CONTENT%\n\nIt was refused:\n\n%FEEDBACK%\n\nAnswer again, corrected, and with the answer alone."
MAX_FEEDBACK_BYTES = 32 * 1024
_NO_VERDICT = {
    "ConnectError",
    "ReadError",
    "WriteError",
    "RemoteProtocolError",
    "UnreadableAnswer",
    "InvalidAnswer",
    "DatabaseUnreachable",
}
ToolName = Annotated[str, Field(min_length=1, max_length=300)]


class ReflexiveInput(ToolInput):
    """A tool that generates and one that verifies. ``%CONTENT%`` in the verifier's arguments is what was generated.

    Without it the verifier gets it as its ``content``, ``code`` or ``prompt``, whichever it has and was not given. A refused generator is called
    again with another ``prompt`` (or one more message): ``correction_prompt_template`` with ``%PROMPT%``, ``%CONTENT%`` and ``%FEEDBACK%`` filled in.
    """

    generator: ToolName
    verifier: ToolName
    generator_kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    verifier_kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    max_turns: Annotated[int, Field(ge=1, le=10)] = 3
    correction_prompt_template: Annotated[str, Field(max_length=100_000)] | None = None


class ReflexiveOutput(BaseModel):
    """``content`` is what was accepted (a model's text, or the whole result of another generator), ``result`` the generator's result,

    ``verification`` the verifier's, ``turns`` how many it took, ``feedback`` what was wrong before.
    """

    content: JsonValue
    result: JsonValue
    verification: JsonValue
    turns: int
    feedback: list[str]


def reflexive_loop(ctx: ToolContext, given: ReflexiveInput) -> Json | Request:
    """Generate, verify, and generate again with what was wrong, up to ``max_turns`` times.

    Returns ``{"content", "result", "verification", "turns", "feedback"}``. Each call of either tool is a checkpoint: what was generated is never
    generated again. A verifier refuses by failing, or by its result: ``false``, ``{"passed": false, "feedback": ...}``, a ``returncode`` other
    than 0; a model by such JSON. When no answer is accepted the step fails for good, and says what was wrong.
    """
    journal = Journal(ctx)
    for tool in (given.generator, given.verifier):
        journal.require(tool)
    kwargs, feedback = dict(given.generator_kwargs), list[str]()
    try:
        for turn in range(1, given.max_turns + 1):
            ctx.heartbeat({"turn": turn})
            result = journal.call(f"turn-{turn}.generate", given.generator, kwargs)
            content = _content(result)
            answer, found = _verified(journal, f"turn-{turn}.verify", given, content)
            if found.passed:
                return _accepted(content, result, answer, turn, feedback)
            feedback.append(storable_text(found.feedback or "it was refused without a reason", MAX_FEEDBACK_BYTES))
            kwargs = _corrected(given, journal.toolbox.parameters(given.generator), content, feedback[-1])
    except Suspended as suspended:
        return suspended.request
    raise ToolError(
        f"nothing was accepted in {given.max_turns} turns; the last was refused: {feedback[-1][:2_000]}",
        type="NotVerified",
        retryable=False,
        data={"feedback": cast(list[Json], feedback)},
    )


def _accepted(content: Json, result: Json, answer: Json, turn: int, feedback: list[str]) -> JsonObject:
    return {
        "content": content,
        "result": result,
        "verification": answer,
        "turns": turn,
        "feedback": cast(list[Json], feedback),
    }


def _content(result: Json) -> Json:
    """A model's text, or its JSON where that was asked for; the whole result of any other tool."""
    if isinstance(result, dict) and "text" in result and "finish_reason" in result:
        return result["json"] if result.get("json") is not None else result["text"]
    return result


def _verified(journal: Journal, name: str, given: ReflexiveInput, content: Json) -> tuple[Json, Verdict]:
    kwargs = _verifier_arguments(given, journal.toolbox.parameters(given.verifier), content)
    outcome = journal.outcome(name, given.verifier, kwargs, _refuses)
    if "error" in outcome:
        return None, Verdict(False, str(outcome["error"]))
    return outcome["result"], verdict(outcome["result"])


def _refuses(error: ToolError) -> bool:
    """Whether a verifier that failed has judged. Wrong arguments, a limit of time, or a server that does not answer are nobody's verdict."""
    return error.kind == "tool" and error.type not in _NO_VERDICT and not error.type.startswith("Http")


def _verifier_arguments(given: ReflexiveInput, schema: JsonObject, content: Json) -> JsonObject:
    kwargs: JsonObject = given.verifier_kwargs
    if CONTENT in json.dumps(kwargs):
        return cast(JsonObject, _filled(kwargs, content))
    properties = cast(JsonObject, schema.get("properties", {}))
    for name in ("content", "code", "prompt"):
        if name in properties and name not in kwargs:
            return {**kwargs, name: unfenced(content) if isinstance(content, str) else content}
    raise ToolInputError(
        f"verifier_kwargs does not say where {given.verifier} gets what was generated: write {CONTENT} there"
    )


def _filled(value: Json, content: Json) -> Json:
    """The value with what was generated in its place: itself where the place is a whole text, else as text."""
    if isinstance(value, str):
        plain = unfenced(content) if isinstance(content, str) else content
        return plain if value == CONTENT else value.replace(CONTENT, _text(plain))
    if isinstance(value, list):
        return [_filled(item, content) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, content) for name, item in value.items()}
    return value


def _corrected(given: ReflexiveInput, schema: JsonObject, content: Json, feedback: str) -> JsonObject:
    """The generator's arguments for its next turn."""
    kwargs: JsonObject = given.generator_kwargs
    prompt = kwargs.get("prompt")
    template = given.correction_prompt_template or CORRECTION
    said = {"%PROMPT%": str(prompt or ""), CONTENT: _text(content), "%FEEDBACK%": feedback}
    correction = "".join(said.get(piece, piece) for piece in _pieces(template))
    if isinstance(kwargs.get("messages"), list):
        return {**kwargs, "messages": [*cast(list[Json], kwargs["messages"]), {"role": "user", "content": correction}]}
    if "prompt" in cast(JsonObject, schema.get("properties", {})):
        return {**kwargs, "prompt": correction}
    raise ToolInputError(f"{given.generator} cannot be corrected: it takes neither prompt nor messages")


def _pieces(template: str) -> list[str]:
    """The template, its places apart from the rest: filled in once, so that what stands in an answer is never taken for a place."""
    pieces = [template]
    for place in ("%PROMPT%", CONTENT, "%FEEDBACK%"):
        pieces = [part for piece in pieces for part in _split(piece, place)]
    return pieces


def _split(piece: str, place: str) -> list[str]:
    parts = piece.split(place)
    return [parts[0], *(part for rest in parts[1:] for part in (place, rest))]


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
