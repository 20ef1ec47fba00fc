"""`manage.py dsl_prompt`: all that a language model needs to write a workflow."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from engine import facade


class Command(BaseCommand):
    """Prints one Markdown text: the language, its rules, the tools of this platform, and examples that run."""

    help = "Prints an instruction for a language model (or a person) to write workflows."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print it."""
        self.stdout.write(facade.dsl_prompt())
