-- What the export reads, and what validation looks up.
CREATE TABLE approval.document (
    minion_id text NOT NULL REFERENCES approval.minion,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL DEFAULT 'infinity',
    revision bigint NOT NULL CHECK (revision > 0),
    digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    evidence_key bytea NOT NULL CHECK (octet_length(evidence_key) = 32),
    kinds text[] NOT NULL,
    names text[] NOT NULL,
    types text[] NOT NULL,
    contents text[] NOT NULL,
    item_ids bigint[] NOT NULL,
    changed_xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (minion_id, valid_from),
    CONSTRAINT document_span CHECK (valid_from < valid_until),
    CONSTRAINT document_arrays CHECK (
        cardinality(kinds) = cardinality(names) AND cardinality(kinds) = cardinality(types)
        AND cardinality(kinds) = cardinality(contents) AND cardinality(kinds) = cardinality(item_ids))
);
CREATE INDEX document_changed ON approval.document (changed_xid);
COMMENT ON TABLE approval.document IS
    'Per minion one row for now and one per known future change, each complete when written: export picks by time and computes nothing.';
COMMENT ON COLUMN approval.document.valid_from IS
    '-infinity: since it was written, so that a replica whose clock is behind exports it too; the history has the time.';
COMMENT ON COLUMN approval.document.kinds IS 'Parallel with names, types, contents, item_ids; sorted bytewise by kind and name.';
COMMENT ON COLUMN approval.document.evidence_key IS '256 random bits, exported only in this minion''s pillar.';
COMMENT ON COLUMN approval.document.changed_xid IS 'The writing transaction, for readers that follow increments by snapshot.';

CREATE TABLE approval.document_history (
    minion_id text NOT NULL REFERENCES approval.minion,
    revision bigint NOT NULL CHECK (revision > 0),
    valid_from timestamptz NOT NULL,
    written_at timestamptz NOT NULL,
    digest text NOT NULL,
    evidence_key bytea NOT NULL,
    kinds text[] NOT NULL,
    names text[] NOT NULL,
    types text[] NOT NULL,
    contents text[] NOT NULL,
    item_ids bigint[] NOT NULL,
    PRIMARY KEY (minion_id, revision)
);
COMMENT ON TABLE approval.document_history IS
    'Every document ever written; insert-only. In force at a time t is, of the rows written last before t, the last valid from before t.';
