"""Reads services.ini: what this deployment lends to the tools of workflows. A workflow names a model, a database or nothing at all; the rest stands here.

Sections: `[mail]`, `[model:NAME]`, `[database:NAME]`. Secrets stand in files of their own, read at each use, so that a change needs no restart.
Unknown sections and keys are errors.
"""

from __future__ import annotations

import configparser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from engine.db.outside import OutsideDatabase, OutsideDatabases
from engine.ports import MailServer, ModelProvider, Services


def _words(text: object) -> object:
    return text.replace(",", " ").split() if isinstance(text, str) else text


def _readable(path: Path) -> Path:
    try:
        path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from None
    return path


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError("must be http:// or https://, a host and a path, without user, password or query")
    return text


Words = Annotated[frozenset[str], BeforeValidator(_words)]
Tenants = Annotated[frozenset[UUID], BeforeValidator(_words)]
ReadableFile = Annotated[Path, AfterValidator(_readable)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Mail(_Section):
    host: str
    port: Annotated[int, Field(gt=0, lt=65_536)]
    sender: Annotated[str, Field(pattern=r"^[^\s@<>\"]+@[A-Za-z0-9.-]+$")]
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str | None = None
    password_file: ReadableFile | None = None
    ca_file: ReadableFile | None = None


class _Model(_Section):
    kind: Literal["openai", "ollama"]
    base_url: Annotated[str, AfterValidator(_web_address)]
    key_file: ReadableFile | None = None
    models: Words | None = None
    tenants: Tenants | None = None
    length_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"


class _Database(_Section):
    url: str
    tenants: Tenants | Literal["*"]
    access: Literal["read", "write"] = "read"
    password_file: ReadableFile | None = None


def read_services(path: Path | None) -> Services:
    """The services of this deployment; none without a file. Raises ImproperlyConfigured with one clear line for each mistake."""
    if path is None:
        return Services()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), source=str(path))
    except (configparser.Error, OSError, UnicodeError) as error:
        raise ImproperlyConfigured(f"{path}: {error}") from error
    mail: MailServer | None = None
    models: dict[str, ModelProvider] = {}
    databases: dict[str, OutsideDatabase] = {}
    for section in parser.sections():
        kind, _, name = section.partition(":")
        texts = {key: text for key, text in parser[section].items() if text.strip()}
        if section == "mail":
            mail = _mail(_read(_Mail, path, section, texts))
        elif kind == "model" and name.strip():
            models[name.strip()] = _model(_read(_Model, path, section, texts))
        elif kind == "database" and name.strip():
            databases[name.strip()] = _database(_read(_Database, path, section, texts))
        else:
            raise ImproperlyConfigured(f"{path}: [{section}] is none of [mail], [model:NAME] and [database:NAME]")
    return Services(models=models, mail=mail, databases=OutsideDatabases(databases))


def _read(form: type[Any], path: Path, section: str, texts: dict[str, str]) -> Any:
    try:
        return form.model_validate(texts)
    except ValidationError as error:
        problems = [
            f"{'.'.join(str(part) for part in detail['loc']) or section}: {detail['msg']}"
            for detail in error.errors(include_url=False, include_context=False, include_input=False)
        ]
        raise ImproperlyConfigured(f"{path}: [{section}] {'; '.join(problems)}") from None


def _mail(given: _Mail) -> MailServer:
    return MailServer(
        host=given.host,
        port=given.port,
        sender=given.sender,
        security=given.security,
        user=given.user,
        credential=_secret(given.password_file),
        ca_file=given.ca_file,
    )


def _model(given: _Model) -> ModelProvider:
    key = _secret(given.key_file)
    return ModelProvider(given.kind, given.base_url, key, given.tenants, given.models, given.length_field)


def _database(given: _Database) -> OutsideDatabase:
    tenants = None if given.tenants == "*" else frozenset(given.tenants)
    return OutsideDatabase(given.url, tenants, given.access == "write", _secret(given.password_file))


def _secret(path: Path | None) -> Callable[[], str] | None:
    return None if path is None else lambda: path.read_text(encoding="utf-8").strip()
