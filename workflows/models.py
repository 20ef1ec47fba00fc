"""Tables of a tenant's own schema. Everything durable is the engine's."""

from __future__ import annotations

from django.db import models

from highway_platform.kit.identifiers import uuid7


class WorkflowDraft(models.Model):
    """What somebody was writing in the editor. People are named by plain id: a foreign key would tie two schemas together."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=200, blank=True)
    source_format = models.CharField(max_length=10, default="python")
    source = models.TextField(blank=True)
    inputs = models.TextField(blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-updated_at",)

    def __str__(self) -> str:
        return self.name or str(self.pk)
