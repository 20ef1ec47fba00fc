-- The roles of the database, made once by a superuser; safe to run again. Passwords are set by whoever sets the server up;
-- the database itself must be owned by highway_owner (CREATE DATABASE ... OWNER highway_owner).
--
--   highway_owner   owns every table, cannot log in
--   app_migrate     may become the owner for the time of a migration (SET ROLE highway_owner)
--   app_web         the web processes: sees only rows of the tenant named by the setting highway.tenant_id
--   app_worker      the workers: sees every tenant's rows, owns nothing, cannot change a table
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'highway_owner') THEN
        CREATE ROLE highway_owner NOLOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_migrate') THEN
        CREATE ROLE app_migrate LOGIN NOINHERIT;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_web') THEN
        CREATE ROLE app_web LOGIN;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app_worker') THEN
        CREATE ROLE app_worker LOGIN;
    END IF;
END
$$;
GRANT highway_owner TO app_migrate;
