"""A mail server for tests: real SMTP, with STARTTLS or TLS and sign-in when asked for, that keeps what it was handed."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import ipaddress
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "highway", "correct horse"


@dataclass
class Handed:
    """One mail as it came in, and whether its line was encrypted."""

    sender: str
    recipients: list[str]
    content: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        """The mail, read."""
        return email.message_from_bytes(self.content, policy=email.policy.default)  # type: ignore[return-value]


@dataclass
class Mailbox:
    """What was taken, what was not, and how to refuse what comes: ``refuses`` by recipient, ``answer`` to the mail as a whole."""

    turned_away: list[Handed] = field(default_factory=list)
    handed: list[Handed] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    answer: str = "250 taken"
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address in self.refuses:
            return self.refuses[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        content, sender = envelope.original_content or b"", str(envelope.mail_from)
        encrypted = server.transport.get_extra_info("ssl_object") is not None
        box = self.handed if self.answer.startswith("250") else self.turned_away
        box.append(Handed(sender, list(envelope.rcpt_tos), content, encrypted))
        return self.answer

    def forget(self) -> None:
        """Begin anew, for the next test."""
        self.handed.clear()
        self.turned_away.clear()
        self.refuses.clear()
        self.answer = "250 taken"


def _signed_in(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    given = (data.login, data.password) if isinstance(data, LoginPassword) else None
    return AuthResult(success=given == (USER.encode(), PASSWORD.encode()), handled=False)


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    (folder / "mail.pem").write_bytes(made.public_bytes(pem))
    (folder / "mail.key").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return folder / "mail.pem", folder / "mail.key"


@contextmanager
def mail_server(folder: Path, *, security: str = "none", signs_in: bool = False) -> Iterator[Mailbox]:
    """One that listens until the end of the block."""
    box, tls = Mailbox(), None
    if security != "none":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate(folder))
    options: dict[str, Any] = {"authenticator": _signed_in, "auth_required": signs_in}
    if security == "starttls":
        options |= {"tls_context": tls, "require_starttls": True}
    else:
        options |= {
            "auth_require_tls": False
        }  # with TLS from the first byte there is no STARTTLS that it could look for
    controller = _OnAnyPort(box, "127.0.0.1", 0, ssl_context=tls if security == "tls" else None, **options)
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()


class _OnAnyPort(Controller):
    """A controller that takes a free port, and knows which before it says that it is ready."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
