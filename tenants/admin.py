"""Administration pages for platform staff: people, tenants, memberships, keys, the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import secure_admin_login
from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.decorators import csp
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.sites import UnfoldAdminSite

from .keys import api_key_revoke
from .models import ApiKey, AuditEntry, Domain, Membership, Role, Tenant, User

# The pages of the administration library run inline handlers. They are for staff alone, and no tenant's data is on them;
# everything else keeps the strict policy of the settings.
ADMIN_POLICY = {
    "default-src": [NONE],
    "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "font-src": [SELF],
    "connect-src": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "base-uri": [NONE],
}


class PlatformAdminSite(UnfoldAdminSite):
    """The site, with a content policy of its own around each page."""

    site_header = "Highway Platform"
    site_title = "Highway Platform"

    def admin_view(self, view: Callable[..., Any], cacheable: bool = False) -> Callable[..., HttpResponseBase]:
        """Wrap a page of the library in its policy."""
        guarded = super().admin_view(view, cacheable)
        return wraps(guarded)(csp(ADMIN_POLICY)(guarded))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Staff sign in where everybody does: one form, one limit on wrong passwords."""
        guarded: Callable[..., HttpResponseBase] = secure_admin_login(super().login)
        return guarded(request, extra_context)


site = PlatformAdminSite(name="admin")


class ReadOnlyAdmin(ModelAdmin):
    """Shown, never changed here."""

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - the library's interface
        """Not here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Not here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Not here."""
        return False


@admin.register(User, site=site)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[type-arg]
    """People. They are deactivated, never deleted: tenants' tables keep their ids."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "display_name", "is_active", "is_staff", "last_login")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "display_name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("email", "password", "display_name")}),
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Nobody is deleted."""
        return False


@admin.register(Tenant, site=site)
class TenantAdmin(ModelAdmin):
    """Tenants. They are made by `manage.py create_tenant`, which owns the schema; here they are renamed and suspended."""

    list_display = ("name", "slug", "created_at", "suspended_at")
    search_fields = ("name", "slug")
    readonly_fields = ("id", "slug", "schema_name", "created_at")

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """By the command: the web's database role cannot make a schema."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        """Tenants are suspended, then purged in steps."""
        return False


@admin.register(Membership, site=site)
class MembershipAdmin(ModelAdmin):
    """Who belongs where."""

    list_display = ("user", "tenant", "roles", "created_at")
    list_filter = ("tenant",)
    search_fields = ("user__email", "tenant__slug")
    autocomplete_fields = ("user", "tenant")


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Keys. They can be revoked here; they are made where their secret can be shown once."""

    list_display = ("name", "prefix", "tenant", "created_at", "expires_at", "revoked_at", "last_used_at")
    list_filter = ("tenant",)
    search_fields = ("name", "prefix")
    exclude = ("digest",)
    actions = ("revoke",)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may run the action below."""
        return request.user.is_superuser

    @admin.action(description="Revoke the chosen keys", permissions=["revoke"])
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        """From now on these keys open nothing."""
        for key in keys:
            api_key_revoke(key, actor=str(request.user))
        self.message_user(request, f"{len(keys)} keys revoked.")


@admin.register(AuditEntry, site=site)
class AuditEntryAdmin(ReadOnlyAdmin):
    """What happened."""

    list_display = ("at", "action", "outcome", "actor", "target", "tenant_id", "address")
    list_filter = ("action", "outcome")
    search_fields = ("actor", "target", "request_id")


site.register(Domain, ModelAdmin)
site.register(Role, ModelAdmin)
