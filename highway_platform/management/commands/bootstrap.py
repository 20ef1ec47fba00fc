"""`manage.py bootstrap`: what a new installation needs before anybody can use it."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from highway_platform.kit.files import write_private
from highway_platform.management.base import OwnerCommand
from tenants.keys import api_key_create
from tenants.models import ApiKey, Tenant
from tenants.permissions import ROLES
from tenants.services import membership_set, tenant_create, user_create

TENANTS = {"default": "Default", "demo": "Demo"}
ADMINISTRATOR = "admin@localhost.localdomain"
KEY_NAME = "bootstrap"
ACTOR = "bootstrap"


class Command(OwnerCommand):
    """Tenants `default` and `demo`, an administrator whose password is printed once, and on request a key. Safe to run again."""

    help = "Makes the tenants default and demo and an administrator; prints the administrator's password, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the administrator signs in, and where a key for the demo goes."""
        parser.add_argument("--email", default=ADMINISTRATOR, help="address of the administrator")
        parser.add_argument("--key-file", type=Path, help="keep an API key of tenant demo in this file (mode 0600)")

    def handle(self, *_args: Any, email: str, key_file: Path | None, **_options: Any) -> None:
        """Make what is missing."""
        tenants = {slug: tenant_create(slug=slug, name=name, actor=ACTOR) for slug, name in TENANTS.items()}
        self._make_administrator(email, list(tenants.values()))
        if key_file is not None and not _is_valid_key_file(key_file, tenants["demo"]):
            self._make_key(key_file, tenants["demo"])

    def _make_administrator(self, email: str, tenants: list[Tenant]) -> None:
        """User and memberships in one transaction: an interruption must not leave one whose password nobody has seen."""
        password = secrets.token_urlsafe(15)
        with transaction.atomic():
            user, is_new = user_create(email=email, password=password, actor=ACTOR, is_staff=True)
            if is_new:
                for tenant in tenants:
                    membership_set(tenant=tenant, user=user, roles=["tenant_admin"], actor=ACTOR)
                self.stdout.write(f"administrator: {user.email}")
                self.stdout.write(f"password: {password}")
                self.stdout.flush()

    @staticmethod
    def _make_key(path: Path, tenant: Tenant) -> None:
        new = api_key_create(
            tenant=tenant,
            name=KEY_NAME,
            permissions=ROLES["tenant_admin"],
            created_by=None,
            expires_at=None,
            actor=ACTOR,
        )
        write_private(path, new.secret)


def _is_valid_key_file(path: Path, tenant: Tenant) -> bool:
    """Whether the file still holds a key of this database: the file may outlive the database, or the other way round."""
    if not path.is_file():
        return False
    prefix = path.read_text(encoding="utf-8").strip()[:14]
    keys = ApiKey.objects.filter(tenant=tenant, prefix=prefix, revoked_at__isnull=True)
    return any(key.expires_at is None or key.expires_at > timezone.now() for key in keys)
