"""The audit trail: who did what, when, and what was refused. Rows are only ever added."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.utils import timezone

from highway_platform.kit.identifiers import uuid7


class AuditEntry(models.Model):
    """One fact. Tenants and users are named by plain ids, so that the trail outlives both."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(default=timezone.now, editable=False)
    tenant_id = models.UUIDField(null=True, editable=False)
    actor_kind = models.CharField(max_length=10, editable=False)
    actor = models.CharField(max_length=254, blank=True, editable=False)
    action = models.CharField(max_length=80, editable=False)
    target = models.CharField(max_length=254, blank=True, editable=False)
    outcome = models.CharField(max_length=10, editable=False)
    details = models.JSONField(default=dict, editable=False)
    request_id = models.CharField(max_length=64, blank=True, editable=False)
    address = models.GenericIPAddressField(null=True, editable=False)

    class Meta:
        ordering = ("-at",)
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = (models.Index(fields=("tenant_id", "-at"), name="audit_of_a_tenant"),)
        triggers = (pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.action} {self.outcome}"
