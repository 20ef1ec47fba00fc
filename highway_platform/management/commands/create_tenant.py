"""`manage.py create_tenant SLUG --name NAME`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from highway_platform.management.base import OwnerCommand
from tenants.services import tenant_create


class Command(OwnerCommand):
    """Makes a tenant and its schema; does nothing when there is one with this slug."""

    help = "Makes a tenant and its schema."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The slug stands in every address of the tenant."""
        parser.add_argument("slug")
        parser.add_argument("--name", help="what people read; the slug when it is left out")

    def handle(self, *_args: Any, slug: str, name: str | None, **_options: Any) -> None:
        """Make the tenant."""
        try:
            tenant = tenant_create(slug=slug, name=name or slug, actor="create_tenant")
        except ValueError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{tenant.slug} {tenant.pk}")
