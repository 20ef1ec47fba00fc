"""`manage.py tenant_policy SLUG [--weight N] [--max-running N] ...`."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import asdict, replace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from engine import facade
from engine.model.flow import TenantPolicy
from highway_platform.kit.tenancy import tenant_transaction
from tenants.models import Tenant

CAPS = ("max_running", "max_backlog", "runs_per_minute")
SYSTEM_TENANTS = frozenset({"_platform", "platform"})


class Command(BaseCommand):
    """Shows or changes what the platform says about a tenant: weight of its turns, pause, caps. In the web's role, as the owner sees no tenant's rows."""

    help = (
        "Shows a tenant's weight, pause and caps, after changing those that are given. A cap of 'none' is taken away."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is left out stays as it is."""
        parser.add_argument("slug")
        parser.add_argument("--weight", type=int, help="turns at the workers beside tenants of weight 1, up to 100")
        parser.add_argument("--max-running", type=_cap, help="tasks that workers execute at a time")
        parser.add_argument("--max-backlog", type=_cap, help="runs that wait to start")
        parser.add_argument("--runs-per-minute", type=_cap, help="submissions within any minute")
        pause = parser.add_mutually_exclusive_group()
        pause.add_argument("--pause", metavar="REASON", help="claim nothing more of this tenant")
        pause.add_argument("--resume", action="store_true")

    def handle(self, *_args: Any, slug: str, **options: Any) -> None:
        """Read, change, write, show, in one transaction."""
        tenant = Tenant.objects.filter(slug=slug).first()
        if tenant is None:
            raise CommandError(f"there is no tenant {slug!r}")
        try:
            policy = self._apply(tenant, options)
        except facade.InvalidError as refused:
            raise CommandError(str(refused)) from refused
        for name, value in asdict(policy).items():
            self.stdout.write(f"{name:16} {value if value not in (None, '') else '-'}")

    @staticmethod
    def _apply(tenant: Tenant, options: dict[str, Any]) -> TenantPolicy:
        with tenant_transaction(tenant.pk) as connection:
            policy = facade.get_tenant_policy(connection, tenant_id=tenant.pk)
            changed = _changed(policy, options, exempt=tenant.slug in SYSTEM_TENANTS)
            if changed != policy:
                paused = changed.paused_by != "" or (policy.paused_at is not None and not options["resume"])
                policy = facade.set_tenant_policy(connection, tenant_id=tenant.pk, policy=changed, paused=paused)
        return policy


def _changed(policy: TenantPolicy, options: dict[str, Any], *, exempt: bool) -> TenantPolicy:
    given = {name: options[name] for name in CAPS if options[name] is not None}
    caps: dict[str, Any] = {name: None if value == "none" else value for name, value in given.items()}
    weight = policy.weight if options["weight"] is None else options["weight"]
    changed = replace(policy, exempt=exempt, weight=weight, **caps)
    if options["pause"] is not None:
        changed = replace(changed, paused_by="platform", pause_reason=options["pause"])
    if options["resume"]:
        changed = replace(changed, paused_at=None, paused_by="", pause_reason="")
    return changed


def _cap(text: str) -> int | str:
    return "none" if text == "none" else int(text)
