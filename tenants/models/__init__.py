"""The public schema's tables."""

from .audit import AuditEntry
from .key import ApiKey
from .tenant import SLUG_FORM, Domain, Membership, Role, Tenant, schema_of
from .user import User

__all__ = ["SLUG_FORM", "ApiKey", "AuditEntry", "Domain", "Membership", "Role", "Tenant", "User", "schema_of"]
