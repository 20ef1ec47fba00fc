"""The platform's roles and its database, made by the superuser; safe to repeat at every start."""

from __future__ import annotations

from pathlib import Path

from launch.postgres.access import LOGIN_ROLES, Server
from launch.postgres.sql import run_sql

PASSWORDS = "".join(f"ALTER ROLE {role} PASSWORD :'{role}';\n" for role in LOGIN_ROLES)

CREATE_DATABASE = """
SELECT format('CREATE DATABASE %I OWNER highway_owner', :'name')
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'name') \\gexec
"""

CLOSE_TO_STRANGERS = """
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO app_migrate, app_web, app_worker;
"""


def prepare_roles(programs: Path, server: Server, roles_sql: Path) -> None:
    """Make the roles of ``roles_sql`` and give the login roles their passwords."""
    passwords = {role: server.passwords[role] for role in LOGIN_ROLES}
    run_sql(programs, server, roles_sql.read_text() + PASSWORDS, variables=passwords)


def prepare_database(programs: Path, server: Server, name: str) -> None:
    """Make the database ``name``, owned by highway_owner; only the platform's roles may connect."""
    run_sql(programs, server, CREATE_DATABASE + CLOSE_TO_STRANGERS, variables={"name": name})
