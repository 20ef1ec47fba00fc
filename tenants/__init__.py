"""Tenants, domains, people, memberships, roles, API keys and the audit trail. Lives in the public schema."""
