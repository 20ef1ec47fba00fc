"""The mail itself, from what a workflow says."""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from engine.tools.email.input import MAX_ATTACHED_BYTES, Attachment, EmailInput
from engine.tools.errors import ToolInputError


def message_id(idempotency_key: str, sender: str) -> str:
    """The same over all attempts of a step, so that a mail that was handed in twice can be told by who gets it."""
    return f"<{hashlib.sha256(idempotency_key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def message(given: EmailInput, *, sender: str, id: str, at: datetime) -> EmailMessage:  # noqa: A002 - the header's name
    """The mail. Blind copies stand in no header."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(given.from_name or "", addr_spec=sender)
    mail["To"] = [Address(addr_spec=address) for address in given.to]
    if given.cc:
        mail["Cc"] = [Address(addr_spec=address) for address in given.cc]
    if given.reply_to:
        mail["Reply-To"] = Address(addr_spec=given.reply_to)
    mail["Subject"] = given.subject
    mail["Date"] = at
    mail["Message-ID"] = id
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answering machine shall answer a machine
    if given.body or given.html is None:
        mail.set_content(given.body)
        if given.html is not None:
            mail.add_alternative(given.html, subtype="html")
    else:
        mail.set_content(given.html, subtype="html")
    _attach(mail, given.attachments)
    return mail


def _attach(mail: EmailMessage, attachments: list[Attachment]) -> None:
    left = MAX_ATTACHED_BYTES
    for attachment in attachments:
        content, usual_type = _content(attachment)
        left -= len(content)
        if left < 0:
            raise ToolInputError(f"tools.email.send: the attachments are larger than {MAX_ATTACHED_BYTES:,} bytes")
        guessed = mimetypes.guess_type(attachment.filename)[0]
        main, _, sub = (attachment.content_type or guessed or usual_type).partition("/")
        mail.add_attachment(content, maintype=main, subtype=sub, filename=attachment.filename)


def _content(attachment: Attachment) -> tuple[bytes, str]:
    if attachment.content_base64 is not None:
        return base64.b64decode(attachment.content_base64), "application/octet-stream"
    if isinstance(attachment.content, str):
        return attachment.content.encode(errors="replace"), "text/plain"
    return json.dumps(attachment.content, ensure_ascii=False, indent=2).encode(errors="replace"), "application/json"
