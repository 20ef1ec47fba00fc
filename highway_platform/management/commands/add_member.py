"""`manage.py add_member EMAIL TENANT --role ROLE`: a person joins a tenant."""

from __future__ import annotations

import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import transaction

from highway_platform.management.base import OwnerCommand
from tenants.selectors import tenant_by_slug
from tenants.services import membership_set, user_create


class Command(OwnerCommand):
    """Gives a person exactly these roles in a tenant. Somebody new gets an account, whose password is printed this once."""

    help = "Gives a person roles in a tenant; prints the password of a new account, this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Without a role the person belongs to the tenant and may do nothing."""
        parser.add_argument("email")
        parser.add_argument("tenant", help="slug of the tenant")
        parser.add_argument("--role", action="append", default=[])

    def handle(self, *_args: Any, email: str, tenant: str, role: list[str], **_options: Any) -> None:
        """Add the person."""
        found = tenant_by_slug(tenant)
        if found is None:
            raise CommandError(f"there is no tenant {tenant!r}")
        password = secrets.token_urlsafe(15)
        try:
            with transaction.atomic():
                user, is_new = user_create(email=email, password=password, actor="add_member")
                membership_set(tenant=found, user=user, roles=role, actor="add_member")
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"password: {password}" if is_new else f"{user.email} had an account already")
