-- The inventory: facts about minions, and the packages that each could get.
CREATE TABLE approval.minion_fact (
    minion_id text PRIMARY KEY REFERENCES approval.minion,
    os text,
    os_family text,
    os_arch text,
    kernel text,
    os_release text,
    salt_version text,
    seen_at timestamptz NOT NULL
);
COMMENT ON TABLE approval.minion_fact IS
    'What a master remembers of the grains of each minion, at most 255 characters of each. A minion says these of itself.';
COMMENT ON COLUMN approval.minion_fact.seen_at IS
    'When it last started, or told which packages it could get, as far as the inventory heard.';

CREATE TABLE approval.catalog (
    catalog_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sources text NOT NULL CHECK (sources ~ '^[0-9a-f]{64}$'),
    system text NOT NULL CHECK (system <> '' AND length(system) <= 255),
    release text NOT NULL CHECK (length(release) <= 255),
    is_complete boolean NOT NULL,
    content text NOT NULL CHECK (content ~ '^[0-9a-f]{64}$'),
    is_apart boolean NOT NULL,
    collected_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    agreed_at timestamptz,
    UNIQUE (sources, content)
);
COMMENT ON TABLE approval.catalog IS
    'Packages that all minions with the same repositories could get: these share one catalog, but for who contradicts the others.';
COMMENT ON COLUMN approval.catalog.sources IS 'Digest of the repositories and of the release of the system, as minions give it.';
COMMENT ON COLUMN approval.catalog.system IS 'The family of the system, such as Debian. Letter case is the same on Windows alone.';
COMMENT ON COLUMN approval.catalog.is_complete IS 'Whether all versions are listed; else only the newest of each package.';
COMMENT ON COLUMN approval.catalog.content IS 'Digest of all names and versions; see approval.catalog_content.';
COMMENT ON COLUMN approval.catalog.is_apart IS
    'Whether it is of a minion that contradicted others with the same repositories, and nobody agreed since.';
COMMENT ON COLUMN approval.catalog.collected_at IS 'When its content last changed.';
COMMENT ON COLUMN approval.catalog.seen_at IS 'When a minion last found its content as it stands here.';
COMMENT ON COLUMN approval.catalog.agreed_at IS
    'Since when two minions, or a collector that the settings name, agree on its content; NULL: one alone says so, and no request '
    'is refused for it.';

CREATE TABLE approval.catalog_member (
    minion_id text PRIMARY KEY REFERENCES approval.minion,
    catalog_id integer NOT NULL REFERENCES approval.catalog,
    content text,
    claimed_at timestamptz,
    is_proven boolean NOT NULL,
    seen_at timestamptz NOT NULL
);
CREATE INDEX catalog_member_catalog ON approval.catalog_member (catalog_id);
COMMENT ON TABLE approval.catalog_member IS 'Which catalog each minion has.';
COMMENT ON COLUMN approval.catalog_member.content IS
    'Digest of the content that it reported itself; NULL: it told its repositories alone.';
COMMENT ON COLUMN approval.catalog_member.claimed_at IS
    'Since when it reports a content that is not the catalog''s; NULL: it does not.';
COMMENT ON COLUMN approval.catalog_member.is_proven IS
    'Whether its last report was made under a key of a document of this minion; Salt lets a minion return in another''s name.';

CREATE TABLE approval.catalog_ask (
    minion_id text PRIMARY KEY REFERENCES approval.minion,
    wanted_at timestamptz,
    asked_at timestamptz,
    nonce text,
    jid text,
    attempt integer NOT NULL DEFAULT 0,
    answered_at timestamptz,
    refusal text,
    CHECK ((asked_at IS NULL) = (nonce IS NULL) AND (asked_at IS NULL) = (jid IS NULL))
);
CREATE INDEX catalog_ask_open ON approval.catalog_ask (asked_at) WHERE answered_at IS NULL;
COMMENT ON TABLE approval.catalog_ask IS 'When each minion was last asked which packages it could get.';
COMMENT ON COLUMN approval.catalog_ask.wanted_at IS
    'Since when somebody, or its start, wants it asked out of turn; NULL: nobody does.';
COMMENT ON COLUMN approval.catalog_ask.nonce IS 'A text that the answer has to carry, so that no earlier one is taken for it.';
COMMENT ON COLUMN approval.catalog_ask.attempt IS 'The last return for the job that was looked at.';
COMMENT ON COLUMN approval.catalog_ask.refusal IS 'Why its last answer was not taken; NULL: it was, or none came yet.';

CREATE TABLE approval.package_name (
    name_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name ~ '^[!-~]+$' AND length(name) <= 255),
    key text COLLATE "C" NOT NULL
);
CREATE INDEX package_name_key ON approval.package_name (key, name);
COMMENT ON TABLE approval.package_name IS 'Names of packages, each once, of whatever catalogs.';
COMMENT ON COLUMN approval.package_name.key IS 'The part that names of one package have in common; see approval.resource_key.';

CREATE TABLE approval.catalog_version (
    catalog_id integer NOT NULL REFERENCES approval.catalog,
    name_id integer NOT NULL REFERENCES approval.package_name,
    version text COLLATE "C" NOT NULL CHECK (version ~ '^[!-~]+$' AND length(version) <= 255),
    since timestamptz NOT NULL,
    gone_since timestamptz CHECK (gone_since >= since),
    PRIMARY KEY (catalog_id, name_id, version)
);
CREATE INDEX catalog_version_name ON approval.catalog_version (name_id, catalog_id);
COMMENT ON TABLE approval.catalog_version IS 'Which versions of which packages a catalog has, or once had.';
COMMENT ON COLUMN approval.catalog_version.since IS 'When it was first seen there.';
COMMENT ON COLUMN approval.catalog_version.gone_since IS 'Since when the repositories do not have it any more; NULL: they have it.';

CREATE TABLE approval.request_note (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    note_no integer NOT NULL,
    note text NOT NULL,
    minions text[] NOT NULL,
    minion_count integer NOT NULL CHECK (minion_count > 0),
    PRIMARY KEY (request_id, item_set_version, note_no),
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set
);
COMMENT ON TABLE approval.request_note IS
    'What the catalogs had against items of a request when these were submitted, and did not refuse them for.';
COMMENT ON COLUMN approval.request_note.minions IS 'The first few of the minions that it is about; minion_count is of all.';

-- Where the extension is, its administrator decides.
DO $$
BEGIN
    EXECUTE pg_catalog.format('CREATE INDEX package_name_part ON approval.package_name USING gin (key %I.gin_trgm_ops)', (
        SELECT n.nspname FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
        WHERE e.extname = 'pg_trgm'));
END
$$;
