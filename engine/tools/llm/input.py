"""What a workflow says about a call of a language model, and what it gets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from engine.tools.llm.schema_form import refuse_unknown
from engine.tools.spec import ToolInput

ProviderName = Annotated[str, Field(min_length=1, max_length=100)]
ModelName = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=4_000_000)]


class ChatMessage(BaseModel):
    """One turn of a talk so far."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    role: Literal["system", "user", "assistant"]
    content: Text


class ModelChoice(ToolInput):
    """Which model, and how it is to answer."""

    provider: ProviderName
    model: ModelName
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=3_600, allow_inf_nan=False)] | None = None


class LlmInput(ModelChoice):
    """A provider that the deployment has named, one of its models, and ``prompt`` (with ``system``, also ``system_prompt``) or ``messages``.

    ``json`` true asks for a JSON object. ``json_schema`` is checked: an answer that does not fit is sent back to the model with what is wrong, up
    to ``max_repairs`` times, and then fails the step.
    """

    prompt: Text | None = None
    system: Text | None = None
    system_prompt: Text | None = None
    messages: Annotated[list[ChatMessage], Field(max_length=1_000)] = Field(default_factory=list)
    wants_json: bool = Field(default=False, alias="json")
    json_schema: dict[str, JsonValue] | None = None
    max_repairs: Annotated[int, Field(ge=0, le=5)] = 1

    @field_validator("json_schema")
    @classmethod
    def _can_be_checked(cls, schema: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if schema is not None:
            refuse_unknown(schema)
        return schema

    @model_validator(mode="after")
    def _says_something(self) -> LlmInput:
        if (self.prompt is None) == (not self.messages):
            raise ValueError("give exactly one of prompt and messages")
        if self.system is not None and self.system_prompt is not None:
            raise ValueError("give at most one of system and system_prompt")
        return self

    @property
    def expects_json(self) -> bool:
        """Whether the answer is read as JSON."""
        return self.wants_json or self.json_schema is not None


class Usage(BaseModel):
    """Tokens, of all turns together."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class LlmOutput(BaseModel):
    """What the model said: ``json`` is its text read as JSON where that was asked for, else null; ``repairs`` how often it was sent back."""

    text: str
    json_value: JsonValue = Field(default=None, alias="json")
    model: str
    usage: Usage
    finish_reason: str
    repairs: int
