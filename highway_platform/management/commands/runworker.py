"""`manage.py runworker`: one worker process, or several."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from highway_platform.wiring import run_worker


class Command(BaseCommand):
    """Runs workflows until it is told to stop: SIGTERM lets it finish what it does, a second one ends it at once."""

    help = "Runs workflows until it is told to stop."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Defaults come from the settings."""
        parser.add_argument("--queues", help="NAME, NAME:workflows or NAME:activities, separated by commas")
        parser.add_argument("--slots", type=int, default=settings.HIGHWAY_SLOTS, help="tool calls at a time")
        parser.add_argument("--processes", type=int, default=1)
        parser.add_argument("--name", default=f"{os.uname().nodename}-{os.getpid()}")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Work."""
        queues = tuple(options["queues"].split(",")) if options["queues"] else settings.HIGHWAY_QUEUES
        try:
            code = run_worker(
                queues=queues, slots=options["slots"], processes=options["processes"], name=options["name"]
            )
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        sys.exit(code)
