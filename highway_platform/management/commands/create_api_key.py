"""`manage.py create_api_key TENANT --name NAME`: prints the key, once."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone

from highway_platform.kit.files import write_private
from highway_platform.management.base import OwnerCommand
from tenants.keys import api_key_create
from tenants.permissions import ROLES, permissions_named
from tenants.selectors import tenant_by_slug


class Command(OwnerCommand):
    """Makes an API key of a tenant. The key is printed, or written to a file that only its owner can read."""

    help = "Makes an API key of a tenant and prints it, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the key may do is said by roles or by single permissions."""
        parser.add_argument("tenant", help="slug of the tenant")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--role", action="append", choices=sorted(ROLES), help="default: tenant_admin")
        parser.add_argument("--permission", action="append", default=[], help="a single permission, by name or alias")
        parser.add_argument("--days", type=int, default=90, help="how long it is valid; 0 for ever")
        parser.add_argument("--file", type=Path, help="write the key there (mode 0600) and print only the prefix")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Make the key."""
        tenant = tenant_by_slug(options["tenant"])
        if tenant is None:
            raise CommandError(f"there is no tenant {options['tenant']!r}")
        expires_at = timezone.now() + timedelta(days=options["days"]) if options["days"] else None
        new = api_key_create(
            tenant=tenant,
            name=options["name"],
            permissions=_permissions(options["role"], options["permission"]),
            created_by=None,
            expires_at=expires_at,
            actor="create_api_key",
        )
        if options["file"] is None:
            self.stdout.write(new.secret)
        else:
            write_private(options["file"], new.secret)
            self.stdout.write(f"{new.key.prefix}… written to {options['file']}")


def _permissions(roles: list[str] | None, names: list[str]) -> frozenset[str]:
    if roles is None and not names:
        roles = ["tenant_admin"]
    try:
        return frozenset().union(*(ROLES[role] for role in roles or ()), permissions_named(names))
    except KeyError as error:
        raise CommandError(f"there is no permission {error}") from error
