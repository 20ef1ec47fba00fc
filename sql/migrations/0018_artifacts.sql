-- CODE OF TENANTS, for `tools.python.run`: zip files under the SHA-256 of their content, and stored modules, whose versions point at them.
-- Versions never change: what a run has used once is there as long as it needs it.

CREATE TABLE highway.artifact (
    tenant_id uuid NOT NULL,
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    bytes integer NOT NULL CHECK (bytes = length(content) AND bytes <= 16 * 1024 * 1024),
    content bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    created_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, sha256)
);
ALTER TABLE highway.artifact ALTER COLUMN content SET STORAGE EXTERNAL;  -- zip files do not get smaller
CALL highway.protect('highway.artifact');

-- A module is imported by its name; each upload of other code under that name is its next version.
CREATE TABLE highway.code_module (
    tenant_id uuid NOT NULL,
    name text NOT NULL CHECK (name ~ '^[A-Za-z][A-Za-z0-9_]{0,99}$'),
    version integer NOT NULL CHECK (version > 0),
    sha256 text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT highway.now(),
    created_by text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, name, version),
    FOREIGN KEY (tenant_id, sha256) REFERENCES highway.artifact
);
CREATE INDEX code_module_artifact ON highway.code_module (tenant_id, sha256);
CALL highway.protect('highway.code_module');

-- Which code a run uses (I16): `reference` is what its steps asked for ('artifact:<sha256>', 'module:<name>', 'module:<name>@<version>'). Written when
-- it first asks, never changed; gone with the run.
CREATE TABLE highway.run_code (
    tenant_id uuid NOT NULL,
    workflow_run_id uuid NOT NULL,
    reference text NOT NULL,
    sha256 text NOT NULL,
    version integer,  -- of a module
    chosen_at timestamptz NOT NULL DEFAULT highway.now(),
    PRIMARY KEY (tenant_id, workflow_run_id, reference),
    FOREIGN KEY (tenant_id, workflow_run_id) REFERENCES highway.workflow_run ON DELETE CASCADE
);
CREATE INDEX run_code_artifact ON highway.run_code (tenant_id, sha256);
CALL highway.protect('highway.run_code');

-- Stores an artifact; what is there already is left as it is. Whether it is new.
CREATE FUNCTION highway.store_artifact(p_tenant uuid, p_sha256 text, p_content bytea, p_by text) RETURNS boolean
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO highway.artifact (tenant_id, sha256, bytes, content, created_by)
    VALUES (p_tenant, p_sha256, length(p_content), p_content, p_by)
    ON CONFLICT DO NOTHING;
    RETURN FOUND;
END
$$;

-- Makes an artifact the newest version of a module; the version. Nothing changes when it is that already. Uploads of one name take turns.
CREATE FUNCTION highway.store_module(p_tenant uuid, p_name text, p_sha256 text, p_by text) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    v_newest highway.code_module;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(p_tenant::text || p_name, 18));
    SELECT * INTO v_newest FROM highway.code_module AS m
     WHERE m.tenant_id = p_tenant AND m.name = p_name ORDER BY m.version DESC LIMIT 1;
    IF v_newest.sha256 = p_sha256 THEN
        RETURN v_newest.version;
    END IF;
    INSERT INTO highway.code_module (tenant_id, name, version, sha256, created_by)
    VALUES (p_tenant, p_name, coalesce(v_newest.version, 0) + 1, p_sha256, p_by);
    RETURN coalesce(v_newest.version, 0) + 1;
END
$$;

-- The version of a module that a run uses: the one that it names, else the newest of when the run was made, else (there was none yet) the first.
CREATE FUNCTION highway.module_for(p_tenant uuid, p_run uuid, p_name text, p_version integer) RETURNS highway.code_module
    LANGUAGE sql STABLE
    RETURN (SELECT m FROM highway.code_module AS m
             CROSS JOIN (SELECT r.created_at FROM highway.workflow_run AS r WHERE r.tenant_id = p_tenant AND r.workflow_run_id = p_run) AS run
             WHERE m.tenant_id = p_tenant AND m.name = p_name AND (p_version IS NULL OR m.version = p_version)
             ORDER BY m.created_at <= run.created_at DESC, CASE WHEN m.created_at <= run.created_at THEN -m.version ELSE m.version END
             LIMIT 1);

-- The code that a run means by a reference; no row when there is none. 1. What the run has used before counts. 2. Else it is chosen, and its artifact
-- held, so that nobody deletes it before the choice is committed. 3. Of two steps that choose at once the first one's choice counts.
CREATE FUNCTION highway.code_of_run(p_tenant uuid, p_run uuid, p_artifact text, p_module text, p_version integer)
    RETURNS TABLE (sha256 text, version integer, content bytea)
    LANGUAGE plpgsql AS $$
DECLARE
    v_reference text := CASE WHEN p_module IS NULL THEN 'artifact:' || p_artifact
                             ELSE 'module:' || p_module || coalesce('@' || p_version, '') END;
    v_module highway.code_module;
    v_chosen highway.run_code;
BEGIN
    SELECT * INTO v_chosen FROM highway.run_code AS c
     WHERE c.tenant_id = p_tenant AND c.workflow_run_id = p_run AND c.reference = v_reference;
    IF NOT FOUND THEN
        v_module := highway.module_for(p_tenant, p_run, p_module, p_version);
        PERFORM FROM highway.artifact AS a
         WHERE a.tenant_id = p_tenant AND a.sha256 = coalesce(v_module.sha256, p_artifact) FOR KEY SHARE;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        INSERT INTO highway.run_code AS c (tenant_id, workflow_run_id, reference, sha256, version)
        VALUES (p_tenant, p_run, v_reference, coalesce(v_module.sha256, p_artifact), v_module.version)
        ON CONFLICT (tenant_id, workflow_run_id, reference) DO UPDATE SET reference = c.reference
        RETURNING * INTO v_chosen;
    END IF;
    RETURN QUERY SELECT a.sha256, v_chosen.version, a.content FROM highway.artifact AS a
                  WHERE a.tenant_id = p_tenant AND a.sha256 = v_chosen.sha256;
END
$$;

-- Deletes an artifact that no module is made of and no open run uses. HW001, HW002.
CREATE FUNCTION highway.delete_artifact(p_tenant uuid, p_sha256 text) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    v_module highway.code_module;
    v_run uuid;
BEGIN
    PERFORM FROM highway.artifact AS a WHERE a.tenant_id = p_tenant AND a.sha256 = p_sha256 FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no artifact %', p_sha256 USING ERRCODE = 'HW001';
    END IF;
    SELECT * INTO v_module FROM highway.code_module AS m WHERE m.tenant_id = p_tenant AND m.sha256 = p_sha256 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'it is version % of the module %', v_module.version, v_module.name USING ERRCODE = 'HW002';
    END IF;
    SELECT c.workflow_run_id INTO v_run
      FROM highway.run_code AS c JOIN highway.workflow_run AS r USING (tenant_id, workflow_run_id)
     WHERE c.tenant_id = p_tenant AND c.sha256 = p_sha256 AND highway.is_open(r.status) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'workflow run % uses it and is not over', v_run USING ERRCODE = 'HW002';
    END IF;
    DELETE FROM highway.artifact AS a WHERE a.tenant_id = p_tenant AND a.sha256 = p_sha256;
END
$$;
