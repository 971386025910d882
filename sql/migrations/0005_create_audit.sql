-- Every act, append-only, chained per stream; heads of the streams chained into seals.
CREATE TABLE approval.audit_stream (
    stream bigint PRIMARY KEY CHECK (stream >= 0),
    head_seq bigint NOT NULL CHECK (head_seq >= 0),
    head_hash bytea NOT NULL,
    sealed_seq bigint NOT NULL DEFAULT 0 CHECK (sealed_seq BETWEEN 0 AND head_seq)
);
CREATE INDEX audit_stream_unsealed ON approval.audit_stream (stream) WHERE sealed_seq < head_seq;
COMMENT ON TABLE approval.audit_stream IS 'The end of each chain. Stream 0: policy and inventory; stream N: request N.';

CREATE TABLE approval.audit_entry (
    stream bigint NOT NULL REFERENCES approval.audit_stream,
    seq bigint NOT NULL CHECK (seq > 0),
    at timestamptz NOT NULL,
    act text NOT NULL,
    principal text,
    identity text,
    login_role text NOT NULL,
    assurance text,
    detail text NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (stream, seq)
);
COMMENT ON TABLE approval.audit_entry IS 'One act. Insert-only; hash covers every column and the entry before.';
COMMENT ON COLUMN approval.audit_entry.detail IS 'JSON, kept as the text that was hashed.';

CREATE TABLE approval.audit_seal (
    seal_no bigint PRIMARY KEY CHECK (seal_no > 0),
    sealed_at timestamptz NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);
COMMENT ON TABLE approval.audit_seal IS 'The global chain: each seal covers the heads that moved since the one before. Insert-only.';

CREATE TABLE approval.audit_sealed_head (
    seal_no bigint NOT NULL REFERENCES approval.audit_seal DEFERRABLE INITIALLY DEFERRED,
    stream bigint NOT NULL,
    seq bigint NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (seal_no, stream)
);
COMMENT ON TABLE approval.audit_sealed_head IS 'The heads that a seal covers. Insert-only.';

CREATE FUNCTION approval.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'AP002',
        MESSAGE = format('%s is insert-only: rows are never changed or removed', TG_TABLE_NAME);
END
$$;
COMMENT ON FUNCTION approval.refuse_change() IS 'Trigger: keeps history as it was written.';

DO $$
DECLARE
    history text;
BEGIN
    FOREACH history IN ARRAY ARRAY['audit_entry', 'audit_seal', 'audit_sealed_head', 'decision', 'document_history',
                                   'request_history', 'item_set', 'request_type', 'request_type_stage', 'request_type_quorum'] LOOP
        EXECUTE format('CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION approval.refuse_change()', history);
    END LOOP;
END
$$;
