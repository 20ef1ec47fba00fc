"""API keys: shown once, kept as a digest, dead at once when they are revoked or too old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from tenants.keys import MARK, NewKey, access_of_key, api_key_create, api_key_revoke
from tenants.models import ApiKey, AuditEntry, Tenant
from tenants.permissions import ROLES

pytestmark = pytest.mark.django_db


@pytest.fixture
def acme() -> Tenant:
    tenant = Tenant(slug="acme", name="ACME", schema_name="tenant_acme")
    tenant.auto_create_schema = False
    tenant.save()
    return tenant


def make(tenant: Tenant, **changes: object) -> NewKey:
    options = {"permissions": ROLES["workflow_viewer"], "created_by": None, "expires_at": None} | changes
    return api_key_create(tenant=tenant, name="test", actor="test", **options)


def test_a_key_speaks_for_its_tenant_with_its_permissions(acme: Tenant) -> None:
    found = access_of_key(make(acme).secret)
    assert found is not None
    access, tenant = found
    assert (tenant, access.tenant_id, access.permissions) == (acme, acme.pk, ROLES["workflow_viewer"])


def test_a_key_has_more_than_128_secret_bits_and_is_not_stored(acme: Tenant) -> None:
    new = make(acme)
    secret_part = new.secret.removeprefix(new.key.prefix)
    assert new.secret.startswith(MARK)
    assert len(secret_part) * 6 >= 128
    stored = str(ApiKey.objects.filter(pk=new.key.pk).values().get())
    assert secret_part not in stored


@pytest.mark.parametrize("change", ["tampered", "expired", "revoked", "suspended"])
def test_a_key_that_is_no_longer_good_opens_nothing(acme: Tenant, change: str) -> None:
    past = timezone.now() - timedelta(seconds=1)
    new = make(acme, expires_at=past if change == "expired" else None)
    secret = new.secret
    if change == "tampered":
        secret = secret[:-1] + ("a" if secret[-1] != "a" else "b")
    if change == "revoked":
        api_key_revoke(new.key, actor="test")
    if change == "suspended":
        Tenant.objects.filter(pk=acme.pk).update(suspended_at=past)
    assert access_of_key(secret) is None


def test_revoking_twice_is_one_fact(acme: Tenant) -> None:
    new = make(acme)
    for _ in range(2):
        api_key_revoke(new.key, actor="test")
    assert AuditEntry.objects.filter(action="key.revoked", target=new.key.prefix).count() == 1


def test_using_a_key_a_hundred_times_writes_once(acme: Tenant, django_assert_num_queries) -> None:
    new = make(acme)
    access_of_key(new.secret)
    first = ApiKey.objects.get(pk=new.key.pk).last_used_at
    with django_assert_num_queries(0):  # the key itself is asked for beside Django
        for _ in range(100):
            assert access_of_key(new.secret) is not None
    assert ApiKey.objects.get(pk=new.key.pk).last_used_at == first


def test_unknown_permissions_cannot_be_given(acme: Tenant) -> None:
    with pytest.raises(ValueError, match="fly"):
        make(acme, permissions=frozenset({"workflows.run:fly"}))
