#!/bin/sh
# Runs once, when the postgres image makes its cluster: the platform's roles, their passwords, its database.
set -eu
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -f /highway/roles.sql
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" <<'SQL'
\set migrate `printenv MIGRATE_PASSWORD`
\set web `printenv WEB_PASSWORD`
\set worker `printenv WORKER_PASSWORD`
ALTER ROLE app_migrate PASSWORD :'migrate';
ALTER ROLE app_web PASSWORD :'web';
ALTER ROLE app_worker PASSWORD :'worker';
-- From template0, as only that one may be copied into another encoding than the cluster's.
CREATE DATABASE highway OWNER highway_owner ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE highway FROM PUBLIC;
GRANT CONNECT ON DATABASE highway TO app_migrate, app_web, app_worker;
SQL
