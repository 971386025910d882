-- Group roles and the schema. Idempotent; run by a superuser, or by a role that may create roles and schemas here.
-- Nobody logs in as one of these: login roles are granted the one that fits (see docs/roles.md).
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY[
        'approval_owner',            -- owns every object; nobody's session runs as it but upgrades'
        'approval_policy_admin',     -- principals, identities, groups, request types
        'approval_operator',         -- the runner: names a person it cannot prove (assurance: asserted)
        'approval_person',           -- a person's own login (assurance: authenticated)
        'approval_break_glass',      -- a person who may let what was approved past windows and freezes
        'approval_exporter',         -- reads the documents of minions, with their keys
        'approval_returner',         -- records loads, returns and events on a master
        'approval_minion_returner',  -- records a minion's own claims
        'approval_engine',           -- the keepers that run beside the master
        'approval_itsm',             -- the part that speaks for systems of tickets
        'approval_chat',             -- the part that tells people, and answers them, by chat
        'approval_portal',           -- the pages for people on the web: acts for who has a session there
        'approval_auditor'           -- reads everything but keys
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = role_name) THEN
            BEGIN
                EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', role_name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;  -- Another database of this server is set up at the same time.
            END;
        END IF;
    END LOOP;
    IF NOT pg_catalog.pg_has_role(current_user, 'approval_owner', 'MEMBER') THEN
        EXECUTE pg_catalog.format('GRANT approval_owner TO %I', current_user);
    END IF;
    IF pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
        RAISE EXCEPTION 'the database must be encoded in UTF8, not %: create it with ENCODING ''UTF8''',
            pg_catalog.current_setting('server_encoding');
    END IF;
END
$$;

-- Trusted: whoever may create schemas in this database may make it. One that is there already stays where it is.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'pg_trgm') THEN
        RAISE EXCEPTION 'the server lacks the extension pg_trgm, by which packages are found: install postgresql-contrib there';
    END IF;
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
END
$$;

CREATE SCHEMA IF NOT EXISTS approval AUTHORIZATION approval_owner;
COMMENT ON SCHEMA approval IS
    'Requests, their approvals, the state approved for each minion, and what minions proved of it. Tables are private: every '
    'client acts through the functions.';
