CREATE OR REPLACE FUNCTION approval.show_audit_entry_by_session(p_token bytea, p_stream bigint, p_seq bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    actor record;
    readable text[];
    entry approval.audit_entry;
BEGIN
    actor := approval.acting_by_session(p_token);
    readable := approval.readable_groups(approval.reading_as(actor.principal_id), 'audit');
    SELECT * INTO entry FROM approval.audit_entry AS e
    WHERE e.stream = p_stream AND e.seq = p_seq
        AND (readable IS NULL OR e.stream > 0 AND approval.within_groups(e.stream, readable));
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014',
            MESSAGE = format('the audit has no entry %s of %s', p_seq,
                             CASE p_stream WHEN 0 THEN 'the policy' ELSE format('request %s', p_stream) END);
    END IF;
    RETURN to_jsonb(entry) || (
        SELECT jsonb_build_object('detail', entry.detail::jsonb, 'previous_hash', encode(entry.previous_hash, 'hex'),
            'hash', encode(entry.hash, 'hex'), 'is_sealed', s.sealed_seq >= p_seq, 'last', s.head_seq,
            'gives_hash', entry.hash = approval.audit_hash(entry.stream, entry.seq, entry.at, entry.act, entry.principal,
                entry.identity, entry.login_role, entry.assurance, entry.detail, entry.previous_hash))
        FROM approval.audit_stream AS s WHERE s.stream = p_stream);
END
$$;
COMMENT ON FUNCTION approval.show_audit_entry_by_session IS
    'One act whole, for a person with a session, who may read it: the columns of audit_entry, hashes in hexadecimal; is_sealed: '
    'whether a seal covers it; last: the number of the last act of its stream; gives_hash: whether its content gives its hash, '
    'see approval.verify_audit for where it does not. Raises AP001, AP002, AP014, AP020, AP021. Definer: tables are private.';
