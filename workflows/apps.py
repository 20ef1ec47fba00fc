"""The app of workflows. Its few tables live in each tenant's own schema."""

from __future__ import annotations

from django.apps import AppConfig

from engine.ports import Sandbox

from .patience import Patience
from .stream.news import read_tags
from .stream.watch import Watch


class WorkflowsConfig(AppConfig):
    """Holds what the composition root gave this app, and what there is one of in a process."""

    name = "workflows"
    default_auto_field = "django.db.models.BigAutoField"

    sandbox: Sandbox
    watch: Watch
    patience: Patience

    def ready(self) -> None:
        """Nothing is polled before somebody looks."""
        self.watch = Watch(read_tags)
        self.patience = Patience()
