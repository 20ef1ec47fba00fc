"""services.ini: what a deployment lends to tools, read strictly, with secrets that stand elsewhere."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from engine.ports import Services
from highway_platform.services import read_services

CHECKOUT = Path(__file__).resolve().parents[3]
TENANT = uuid.UUID("01936f2e-7c1a-7000-8000-000000000000")


def services(tmp_path: Path, text: str) -> Services:
    path = tmp_path / "services.ini"
    path.write_text(text)
    return read_services(path)


def test_without_a_file_nothing_is_lent() -> None:
    assert read_services(None) == Services()


def test_every_kind_is_read(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first\n")
    found = services(
        tmp_path,
        f"""
        [mail]
        host = mail
        port = 25
        security = none
        sender = highway@example.org
        [model:main]
        kind = openai
        base_url = https://models.example.org/v1
        key_file = {tmp_path / "key"}
        models = small, large
        tenants = {TENANT}
        [model:local]
        kind = ollama
        base_url = http://127.0.0.1:11434
        [database:shop]
        url = postgresql://reader@db/shop
        tenants = {TENANT}
        [database:public]
        url = postgresql://reader@db/public
        tenants = *
        access = write
        """.replace("\n        ", "\n"),
    )
    assert found.mail is not None
    assert (found.mail.host, found.mail.port, found.mail.security, found.mail.user) == ("mail", 25, "none", None)
    main, local = found.models["main"], found.models["local"]
    assert (main.kind, main.models, main.tenants) == ("openai", {"small", "large"}, {TENANT})
    assert (local.credential, local.models, local.tenants) == (None, None, None)
    assert found.databases is not None
    assert set(found.databases.names(TENANT)) == {"shop", "public"}
    assert set(found.databases.names(uuid.uuid4())) == {"public"}
    assert main.credential is not None
    assert main.credential() == "first"
    (tmp_path / "key").write_text("second\n")
    assert main.credential() == "second"


MAIL = "[mail]\nhost = m\nport = 25\nsender = a@b.org\n"
MODEL = "[model:m]\nkind = openai\nbase_url = https://m\n"
DATABASE = "[database:d]\nurl = postgresql://d\ntenants = *\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[male]\n", "none of"),
        ("[model:]\nkind = openai\nbase_url = https://m", "none of"),
        ("nothing", "services.ini"),
        (MAIL + "hots = x", "hots"),
        (MAIL.replace("25", "many"), "port"),
        (MAIL.replace("a@b.org", "a@b.org\n bcc: x@y"), "sender"),
        (MAIL + "security = perhaps", "security"),
        (MAIL + "password_file = /nowhere/at/all", "password_file.*cannot be read"),
        (MODEL.replace("openai", "oracle"), "kind"),
        (MODEL.replace("https://m", "file:///etc/passwd"), "base_url"),
        (MODEL.replace("https://m", "https://user:word@m"), "base_url"),
        (MODEL + "tenants = acme", "tenants"),
        (DATABASE.replace("tenants = *\n", ""), "tenants"),
        (DATABASE + "access = all", "access"),
    ],
)
def test_a_mistake_is_named_without_what_was_written(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as refused:
        services(tmp_path, text)
    assert "word@m" not in str(refused.value)


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"none\.ini"):
        read_services(tmp_path / "none.ini")


def test_the_example_is_what_is_read_and_shows_every_key(tmp_path: Path) -> None:
    example = (CHECKOUT / "deploy" / "services.ini.example").read_text()
    (tmp_path / "secret").write_text("x")
    everything = re.sub(r"^#(\w+ =)", r"\1", example, flags=re.M)
    found = services(tmp_path, re.sub(r"(_file = ).*", rf"\1{tmp_path / 'secret'}", everything))
    assert found.mail is not None
    assert set(found.models) == {"main", "local"}
    from highway_platform import services as reader

    for form in (reader._Mail, reader._Model, reader._Database):
        for key in form.model_fields:
            assert re.search(rf"^{key} = ", everything, flags=re.M), key
