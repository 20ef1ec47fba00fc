"""Hand a mail to the deployment's server."""

from __future__ import annotations

import contextlib
import datetime as dt
import smtplib
import socket
import ssl
from collections.abc import Iterator
from typing import cast

from engine.durable.tool_context import ToolContext
from engine.kit.fault_points import FaultPoint, reach
from engine.model.json import Json
from engine.ports import MailServer
from engine.tools.email.input import EmailInput
from engine.tools.email.message import message, message_id
from engine.tools.errors import ToolCancelled, ToolError, ToolTimeout

DEFAULT_SECONDS = 60.0


def send(ctx: ToolContext, given: EmailInput) -> Json:
    """Send a mail through the deployment's server. Returns ``{"message_id", "accepted", "refused"}``.

    The Message-ID is the same over all attempts: an attempt that was interrupted may have sent it, and whoever gets it twice can tell. A server
    that refuses for now (4xx), or that cannot be reached, fails the step in a way that may pass; a refusal for good (5xx) is final, and
    recipients that are refused while others are accepted are listed.
    """
    server = ctx.services.mail
    if server is None:
        raise ToolError(
            "this deployment has no mail server: its operator sets one", type="NoMailServer", retryable=False
        )
    id_ = message_id(ctx.idempotency_key, server.sender)
    mail = message(given, sender=server.sender, id=id_, at=dt.datetime.now(dt.UTC))  # the world's clock, for people
    try:
        with _session(ctx, server, ctx.bounded(given.timeout_seconds or DEFAULT_SECONDS)) as session:
            reach(FaultPoint.CALL_BEFORE)
            refused = session.send_message(mail, from_addr=server.sender, to_addrs=given.recipients)
            reach(FaultPoint.CALL_ANSWERED)
    except (OSError, smtplib.SMTPException) as error:  # of smtplib, an SMTPException is an OSError, too
        raise _translated(ctx, error) from error
    return {
        "message_id": id_,
        "accepted": [address for address in given.recipients if address not in refused],
        "refused": {address: _said(code, text) for address, (code, text) in refused.items()},
    }


@contextlib.contextmanager
def _session(ctx: ToolContext, server: MailServer, seconds: float) -> Iterator[smtplib.SMTP]:
    """A session with the server, encrypted and signed in as the deployment says. A cancelled call hangs up."""
    tls = ssl.create_default_context()
    if server.ca_file is not None:
        tls.load_verify_locations(server.ca_file)
    if server.security == "tls":
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=tls)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=seconds)
    ctx.cancelled.on_set(lambda: _hang_up(session))
    try:
        if server.security == "starttls":
            session.starttls(context=tls)  # raises where the server does not offer it: nothing is sent in the clear
        if server.user is not None and server.credential is not None:
            session.login(server.user, server.credential())
        yield session
        with contextlib.suppress(smtplib.SMTPException, OSError):
            session.quit()  # the mail is accepted by now: how the talk ends changes nothing
    finally:
        session.close()


def _hang_up(session: smtplib.SMTP) -> None:
    sock = session.sock
    if sock is not None:
        with contextlib.suppress(OSError):
            # Not SSLSocket.shutdown, which would let the sending thread go on in the clear.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _translated(ctx: ToolContext, error: Exception) -> ToolError:
    if ctx.cancelled.is_set():
        return ToolCancelled()
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):  # smtplib hides some of them
        return ToolTimeout("the mail server did not answer in time")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        said = {address: _said(code, text) for address, (code, text) in error.recipients.items()}
        final = all(code >= 500 for code, _ in error.recipients.values())
        told = "; ".join(f"{address}: {text}" for address, text in said.items())
        return ToolError(
            f"the mail server refused every recipient: {told}",
            type="RecipientsRefused",
            retryable=not final,
            data={"refused": cast(Json, said)},
        )
    if isinstance(error, smtplib.SMTPResponseException):
        what = "the sign-in" if isinstance(error, smtplib.SMTPAuthenticationError) else "the mail"
        said_by = _said(error.smtp_code, error.smtp_error)
        final = error.smtp_code >= 500
        return ToolError(f"the mail server refused {what}: {said_by}", type="MailRefused", retryable=not final)
    if isinstance(error, smtplib.SMTPNotSupportedError | ssl.SSLCertVerificationError):
        return ToolError(f"the mail server cannot be trusted or used: {error}", type="MailServerUnfit", retryable=False)
    return ToolError(f"the mail server cannot be used: {error}", type=type(error).__name__)


def _said(code: int, text: bytes | str) -> str:
    words = text.decode(errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())[:300]}"
