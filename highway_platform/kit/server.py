"""Is this database server one that the platform can be set up on? Asked before the first table is made, answered in one line."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection

from .database import OWNER, WEB

WORKER = "app_worker"
OLDEST_VERSION = 150_000
QUESTION = """
SELECT current_setting('server_version_num')::int,
       current_setting('server_version'),
       current_setting('server_encoding'),
       current_database(),
       has_database_privilege(%(owner)s, current_database(), 'CREATE')
           AND coalesce(has_schema_privilege(%(owner)s, to_regnamespace('public'), 'CREATE'), false),
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY (%(roles)s) ORDER BY rolname),
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY (%(roles)s) AND (rolsuper OR rolbypassrls) ORDER BY rolname)
"""


def check_server() -> None:
    """Raise ImproperlyConfigured with what the operator has to change. The connection has to be the owner's."""
    _check_roles_of_urls()
    with connection.cursor() as cursor:
        cursor.execute(QUESTION, {"owner": OWNER, "roles": [WEB, WORKER]})
        number, version, encoding, database, may_create, roles, unbound = cursor.fetchone()
    if number < OLDEST_VERSION:
        raise ImproperlyConfigured(f"the server is PostgreSQL {version}; 15 or later is needed")
    if encoding != "UTF8":
        raise ImproperlyConfigured(
            f"the database {database} is encoded in {encoding}: make it anew with ENCODING 'UTF8' TEMPLATE template0"
        )
    if not may_create:
        raise ImproperlyConfigured(
            f"{OWNER} may not make schemas and tables in it: type  ALTER DATABASE {database} OWNER TO {OWNER}  as a superuser"
        )
    if missing := sorted({WEB, WORKER} - set(roles)):
        raise ImproperlyConfigured(f"the role {' and '.join(missing)} is missing: run sql/roles.sql as a superuser")
    if unbound:
        # Row-level security does not bind such a role: every tenant would see all rows.
        raise ImproperlyConfigured(
            f"row-level security does not bind {unbound[0]}: type  ALTER ROLE {unbound[0]} NOSUPERUSER NOBYPASSRLS"
        )


def _check_roles_of_urls() -> None:
    urls = settings.HIGHWAY_DATABASE_URLS
    for variable, url, role in (
        ("HIGHWAY_DATABASE_URL", urls["web"], WEB),
        ("HIGHWAY_WORKER_DATABASE_URL", urls["worker"], WORKER),
    ):
        user = urlsplit(url or "").username
        if user and user != role:
            raise ImproperlyConfigured(f"{variable} logs in as {user}: it has to be {role}, see sql/roles.sql")
