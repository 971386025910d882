-- The machines, and what can be asked of them.
CREATE TABLE approval.minion (
    minion_id text PRIMARY KEY CHECK (
        minion_id <> '' AND octet_length(minion_id) <= 255 AND minion_id !~ '[/\n\r]'),
    revision bigint NOT NULL DEFAULT 0 CHECK (revision >= 0),
    registered_at timestamptz NOT NULL
);
COMMENT ON TABLE approval.minion IS 'A machine that requests may name. The id is compared by equality only, never as a pattern.';
COMMENT ON COLUMN approval.minion.revision IS 'The highest revision given to a document of this minion; its row lock orders them.';

CREATE TABLE approval.minion_group (
    group_name text PRIMARY KEY CHECK (group_name <> ''),
    title text NOT NULL
);
COMMENT ON TABLE approval.minion_group IS 'A named set of machines; filled by inventory.';

CREATE TABLE approval.minion_group_member (
    group_name text NOT NULL REFERENCES approval.minion_group,
    minion_id text NOT NULL REFERENCES approval.minion,
    PRIMARY KEY (group_name, minion_id)
);
CREATE INDEX minion_group_member_minion ON approval.minion_group_member (minion_id);
COMMENT ON TABLE approval.minion_group_member IS 'Which machines a group has.';

CREATE TABLE approval.package_catalog (
    platform text NOT NULL,
    name text NOT NULL,
    version text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (platform, name, version)
);
COMMENT ON TABLE approval.package_catalog IS 'Package versions known to be available on a platform (as debian-12); filled by inventory.';

CREATE TABLE approval.freeze (
    freeze_name text PRIMARY KEY CHECK (freeze_name <> ''),
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    type_name text,
    minion_group text REFERENCES approval.minion_group,
    reason text NOT NULL,
    CHECK (starts_at < ends_at AND ends_at < 'infinity')
);
CREATE INDEX freeze_end ON approval.freeze (ends_at);
COMMENT ON TABLE approval.freeze IS
    'A time in which no change is applied for the first time, whatever window is open; for a type, a group of minions, or (both NULL) all.';
