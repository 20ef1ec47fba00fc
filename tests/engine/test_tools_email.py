"""`tools.email.send` against a real SMTP server."""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.durable.tool_context import ToolContext
from engine.ports import MailServer, Services
from engine.tools.errors import ToolError, ToolInputError, ToolTimeout
from tests.engine.tool_calls import call, context
from tests.support.mail import PASSWORD, USER, Mailbox, mail_server

SENDER = "highway@example.org"


@pytest.fixture(scope="module")
def open_box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailbox]:
    with mail_server(tmp_path_factory.mktemp("mail")) as box:
        yield box


@pytest.fixture
def box(open_box: Mailbox) -> Mailbox:
    open_box.forget()
    return open_box


def at(box: Mailbox, **changes: Any) -> ToolContext:
    server = MailServer("127.0.0.1", box.port, SENDER, **({"security": "none"} | changes))
    return context(services=Services(mail=server))


def test_a_mail_goes_to_everybody_and_blind_copies_stand_nowhere_in_it(box: Mailbox) -> None:
    answer = call(
        "tools.email.send",
        ctx=at(box),
        to=["ann@example.org", "bob@example.org"],
        cc="cy@example.org",
        bcc=["dee@example.org", "ann@example.org"],
        reply_to="desk@example.org",
        from_name="Grüße, Inc.",
        subject="Überraschung",
        body="Plain ✓\n",
        html="<b>Rich ✓</b>",
    )
    (mail,) = box.handed
    everybody = ["ann@example.org", "bob@example.org", "cy@example.org", "dee@example.org"]
    assert (mail.sender, mail.recipients, answer["accepted"], answer["refused"]) == (SENDER, everybody, everybody, {})
    assert b"dee@" not in mail.content
    read = mail.message
    assert (read["To"], read["Cc"]) == ("ann@example.org, bob@example.org", "cy@example.org")
    assert (read["Subject"], read["Reply-To"]) == ("Überraschung", "desk@example.org")
    (sender,) = read["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ("Grüße, Inc.", SENDER)
    assert read["Message-ID"] == answer["message_id"]
    assert read["Auto-Submitted"] == "auto-generated"
    plain, rich = read.get_body(("plain",)), read.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert (plain.get_content().strip(), rich.get_content().strip()) == ("Plain ✓", "<b>Rich ✓</b>")


def test_attachments_are_text_json_or_bytes(box: Mailbox) -> None:
    files = [
        {"filename": "a.txt", "content": "grün"},
        {"filename": "b.json", "content": {"n": [1]}},
        {"filename": "c.bin", "content_base64": base64.b64encode(b"\0\xff").decode()},
        {"filename": "d.csv", "content": "1,2", "content_type": "text/csv"},
    ]
    call("tools.email.send", ctx=at(box), to="a@example.org", subject="s", body="b", attachments=files)
    found = {part.get_filename(): part for part in box.handed[0].message.iter_attachments()}
    assert found["a.txt"].get_payload(decode=True).decode() == "grün"
    assert found["b.json"].get_payload(decode=True) == b'{\n  "n": [\n    1\n  ]\n}'
    assert found["c.bin"].get_payload(decode=True) == b"\0\xff"
    kinds = [part.get_content_type() for part in found.values()]
    assert kinds == ["text/plain", "application/json", "application/octet-stream", "text/csv"]


def test_another_attempt_is_the_same_mail_and_another_step_is_not(box: Mailbox) -> None:
    ctx = at(box)
    ids = [
        call("tools.email.send", ctx=each, to="a@example.org", subject="s", body="b")["message_id"]
        for each in (ctx, ctx, at(box))
    ]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@example.org>")


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "s\r\nBcc: victim@example.org"},
        {"subject": "s\nX: y"},
        {"to": "a@example.org\r\nBcc: victim@example.org"},
        {"to": "Ann <a@example.org>"},
        {"to": "a@example.org, b@example.org"},
        {"to": []},
        {"cc": "a b@example.org"},
        {"reply_to": "x@example.org\nBcc: v@example.org"},
        {"from_name": "x\r\nBcc: v@example.org"},
        {"attachments": [{"filename": "a\r\nX: y", "content": "x"}]},
        {"attachments": [{"filename": "a", "content": "x", "content_type": "text/plain\r\nX: y"}]},
        {"attachments": [{"filename": "a", "content_base64": "!"}]},
        {"attachments": [{"filename": "a"}]},
        {"sender": "boss@example.org"},
        {"host": "mail.evil.example"},
        {"body": ""},
        {"bcc": [f"a{number}@example.org" for number in range(100)]},
    ],
)
def test_what_would_be_another_mail_than_it_says_is_refused(box: Mailbox, changes: dict[str, Any]) -> None:
    given = {"to": "a@example.org", "subject": "s", "body": "b"} | changes
    with pytest.raises(ToolInputError):
        call("tools.email.send", ctx=at(box), **given)
    assert box.handed == []


def test_too_much_attached_is_refused(box: Mailbox) -> None:
    files = [{"filename": f"{number}.txt", "content": "x" * 6_000_000} for number in range(2)]
    with pytest.raises(ToolInputError, match="larger than 10,485,760 bytes"):
        call("tools.email.send", ctx=at(box), to="a@example.org", subject="s", body="b", attachments=files)


def test_a_recipient_that_is_refused_among_others_is_told(box: Mailbox) -> None:
    box.refuses["gone@example.org"] = "550 no such mailbox"
    answer = call("tools.email.send", ctx=at(box), to=["a@example.org", "gone@example.org"], subject="s", body="b")
    assert (answer["accepted"], answer["refused"]) == (["a@example.org"], {"gone@example.org": "550 no such mailbox"})


@pytest.mark.parametrize(("said", "retryable"), [("550 no such mailbox", False), ("450 later", True)])
def test_when_every_recipient_is_refused_the_step_fails_for_as_long_as_the_server_says(
    box: Mailbox, said: str, retryable: bool
) -> None:
    box.refuses["gone@example.org"] = said
    with pytest.raises(ToolError, match=said) as refused:
        call("tools.email.send", ctx=at(box), to="gone@example.org", subject="s", body="b")
    assert (refused.value.type, refused.value.retryable) == ("RecipientsRefused", retryable)


@pytest.mark.parametrize(("said", "retryable"), [("554 spam", False), ("451 busy", True)])
def test_a_mail_that_is_refused_fails_the_step(box: Mailbox, said: str, retryable: bool) -> None:
    box.answer = said
    with pytest.raises(ToolError, match=said) as refused:
        call("tools.email.send", ctx=at(box), to="a@example.org", subject="s", body="b")
    assert (refused.value.type, refused.value.retryable) == ("MailRefused", retryable)


def test_a_deployment_without_a_server_says_so() -> None:
    with pytest.raises(ToolError, match="no mail server") as refused:
        call("tools.email.send", to="a@example.org", subject="s", body="b")
    assert not refused.value.retryable


def test_a_server_that_is_away_or_silent_may_be_tried_again() -> None:
    with pytest.raises(ToolError, match="cannot be used") as refused:
        call("tools.email.send", ctx=at(Mailbox(port=9)), to="a@example.org", subject="s", body="b")
    assert refused.value.retryable
    with socket.create_server(("127.0.0.1", 0)) as silent:
        box = Mailbox(port=silent.getsockname()[1])
        with pytest.raises(ToolTimeout):
            call("tools.email.send", ctx=at(box), to="a@example.org", subject="s", body="b", timeout_seconds=0.2)


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # of the server, which does not count TLS from the first byte
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_the_line_is_encrypted_and_the_deployment_signs_in(tmp_path: Path, security: str) -> None:
    with mail_server(tmp_path, security=security, signs_in=True) as box:
        known: dict[str, Any] = {"security": security, "user": USER, "ca_file": tmp_path / "mail.pem"}
        mail = {"to": "a@example.org", "subject": "s", "body": "b"}
        call("tools.email.send", ctx=at(box, **known, credential=lambda: PASSWORD), **mail)
        assert box.handed[0].encrypted
        with pytest.raises(ToolError, match="refused the sign-in") as refused:
            call("tools.email.send", ctx=at(box, **known, credential=lambda: "wrong"), **mail)
        assert not refused.value.retryable
        with pytest.raises(ToolError, match="cannot be trusted") as refused:
            call("tools.email.send", ctx=at(box, **known | {"ca_file": None}, credential=lambda: PASSWORD), **mail)
        assert not refused.value.retryable
        assert len(box.handed) == 1


def test_nothing_is_sent_in_the_clear_when_the_deployment_asks_for_encryption(box: Mailbox) -> None:
    with pytest.raises(ToolError, match="cannot be trusted or used") as refused:
        call("tools.email.send", ctx=at(box, security="starttls"), to="a@example.org", subject="s", body="b")
    assert not refused.value.retryable
    assert box.handed == []
