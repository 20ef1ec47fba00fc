"""Tenants, the names they are reached by, and who belongs to them."""

from __future__ import annotations

import re

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_tenants.models import DomainMixin, TenantMixin

from highway_platform.kit.identifiers import uuid7

SLUG_FORM = re.compile(r"^_?[a-z][a-z0-9-]{0,38}[a-z0-9]$")


def schema_of(slug: str) -> str:
    """The schema of the tenant's own tables. Not pg_ or public, whatever the slug is."""
    return f"tenant_{slug.replace('-', '_')}"


class Tenant(TenantMixin):
    """A customer of the platform. Its id marks every row of the engine; its slug stands in every address."""

    auto_create_schema = True
    auto_drop_schema = False

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.CharField(max_length=40, unique=True, validators=[RegexValidator(SLUG_FORM)])
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    suspended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("slug",)

    def __str__(self) -> str:
        return self.name


class Domain(DomainMixin):
    """A host name that leads to a tenant, where an installation uses host names."""


class Role(models.Model):
    """A role of the tenant's own, beside the fixed ones of `tenants.permissions`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="roles")
    name = models.SlugField(max_length=60)
    permissions = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("tenant", "name"), name="role_name_once_in_a_tenant"),)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """A person in a tenant, with the names of their roles there: fixed roles or the tenant's own."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    roles = ArrayField(models.CharField(max_length=60), default=list, verbose_name=_("roles"))
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("tenant", "user"), name="one_membership_of_a_person_in_a_tenant"),
        )

    def __str__(self) -> str:
        return f"{self.user} @ {self.tenant}"
