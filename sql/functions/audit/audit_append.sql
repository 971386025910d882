CREATE OR REPLACE FUNCTION approval.audit_append(
    p_stream bigint, p_at timestamptz, p_act text, p_principal text, p_identity text, p_assurance text, p_detail jsonb) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head approval.audit_stream;
    entry_hash bytea;
BEGIN
    -- The row lock of the stream's head orders its entries; other streams go on.
    INSERT INTO approval.audit_stream (stream, head_seq, head_hash) VALUES (p_stream, 0, ''::bytea) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM approval.audit_stream WHERE stream = p_stream FOR UPDATE;
    entry_hash := approval.audit_hash(p_stream, head.head_seq + 1, p_at, p_act, p_principal, p_identity, session_user::text,
                                      p_assurance, p_detail::text, head.head_hash);
    INSERT INTO approval.audit_entry
    VALUES (p_stream, head.head_seq + 1, p_at, p_act, p_principal, p_identity, session_user::text, p_assurance, p_detail::text,
            head.head_hash, entry_hash);
    UPDATE approval.audit_stream SET head_seq = head.head_seq + 1, head_hash = entry_hash WHERE stream = p_stream;
END
$$;
COMMENT ON FUNCTION approval.audit_append IS
    'Internal: adds an act to the chain of a stream (0: policy and inventory; N: request N).';
