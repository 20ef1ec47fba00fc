"""What the commands that change the schema or the public tables share."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from engine.facade import EngineError
from highway_platform.kit.database import act_as_owner


class OwnerCommand(BaseCommand):
    """Runs as the owner of the tables. A database that cannot be reached ends in one clear line."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command as the owner."""
        try:
            with act_as_owner():
                return super().execute(*args, **options)
        except (ImproperlyConfigured, EngineError) as error:
            raise CommandError(str(error)) from error
        except OperationalError as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"the database cannot be used: {reason}") from error
