"""`manage.py doctor`: what must not be, and with `--repair` what can be put right."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from engine.facade import EngineError
from highway_platform.wiring import examine_engine


class Command(BaseCommand):
    """Lists runs that are stuck and rows that contradict each other; exit code 1 when there are any (left)."""

    help = "Lists what is stuck or contradicts itself, and repairs what is safe to."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to change anything, and how long a thing may take before it counts."""
        parser.add_argument("--repair", action="store_true", help="put right what is safe to, then look again")
        parser.add_argument("--grace", type=float, default=30.0, metavar="SECONDS", help="what a restart may take")

    def handle(self, *_args: Any, repair: bool, grace: float, **_options: Any) -> None:
        """Look, repair, look again."""
        try:
            findings, repaired = examine_engine(repair=repair, grace_seconds=grace)
        except (EngineError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        if repair:
            self.stdout.write(f"{repaired} repaired")
        for finding in findings:
            self.stdout.write(f"run {finding.workflow_run_id} of tenant {finding.tenant_id}: {finding.problem}")
        self.stdout.write(f"{len(findings)} problems{' left' if repair else ''}")
        if findings:
            sys.exit(1)
