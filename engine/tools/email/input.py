"""What a workflow says about a mail."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator

from engine.tools.spec import ToolInput

MAX_RECIPIENTS = 100
MAX_ATTACHED_BYTES = 10 * 1024 * 1024
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


def _on_one_line(text: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueError("cannot contain line breaks or control characters")
    return text


def _address(text: str) -> str:
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise ValueError(f"{text[:100]!r} is no mail address (name@host, without a display name)")
    return text


def _as_list(given: object) -> object:
    return [given] if isinstance(given, str) else given


Line = Annotated[str, Field(max_length=900), AfterValidator(_on_one_line)]
Address = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[list[Address], BeforeValidator(_as_list)]


class Attachment(BaseModel):
    """A file: its text, or its bytes in base64. ``content`` that is no text is attached as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    filename: Annotated[Line, Field(min_length=1, max_length=200)]
    content: JsonValue = None
    content_base64: str | None = None
    content_type: Annotated[str, Field(pattern=r"^[a-z]+/[A-Za-z0-9.+-]+$", max_length=100)] | None = None

    @model_validator(mode="after")
    def _has_one_content(self) -> Attachment:
        if (self.content is None) == (self.content_base64 is None):
            raise ValueError("give exactly one of content and content_base64")
        if self.content_base64 is not None:
            try:
                base64.b64decode(self.content_base64, validate=True)
            except (binascii.Error, ValueError):
                raise ValueError("content_base64 is no base64") from None
        return self


class EmailInput(ToolInput):
    """One mail. ``to``, ``cc`` and ``bcc`` are an address or a list of them; ``body`` is plain text, ``html`` the same for those who show it.

    The sender is the deployment's; ``from_name`` is shown with its address, answers go to ``reply_to``.
    """

    to: Addresses
    subject: Line
    body: Annotated[str, Field(max_length=1_000_000)] = ""
    html: Annotated[str, Field(max_length=1_000_000)] | None = None
    cc: Addresses = Field(default_factory=list)
    bcc: Addresses = Field(default_factory=list)
    reply_to: Address | None = None
    from_name: Line | None = None
    attachments: Annotated[list[Attachment], Field(max_length=50)] = Field(default_factory=list)
    timeout_seconds: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] | None = None

    @property
    def recipients(self) -> list[str]:
        """Everybody who gets it, each once."""
        return list(dict.fromkeys([*self.to, *self.cc, *self.bcc]))

    @model_validator(mode="after")
    def _is_bounded(self) -> EmailInput:
        if not 1 <= len(self.recipients) <= MAX_RECIPIENTS or not self.to:
            raise ValueError(f"a mail goes to 1 to {MAX_RECIPIENTS} recipients, and at least one of them stands in to")
        if not self.body and self.html is None:
            raise ValueError("give body, html, or both")
        return self


class EmailOutput(BaseModel):
    """``message_id`` is the same over all attempts. ``accepted`` are the recipients that the server took, ``refused`` the others with its reason."""

    message_id: str
    accepted: list[str]
    refused: dict[str, str]
