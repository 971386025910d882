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
    PERFORM approval.note_change(ARRAY[p_stream, 0]);
    IF p_stream > 0 THEN
        PERFORM approval.tell_ticket(p_stream, p_act, p_at);
        -- Whom it waits for now is found out by approval.ask_people, where anybody is told at all.
        INSERT INTO approval.ask_due AS d (request_id, look_at)
        SELECT p_stream, p_at WHERE EXISTS (SELECT FROM approval.contact)
        ON CONFLICT (request_id) DO UPDATE SET look_at = least(d.look_at, excluded.look_at);
    END IF;
    -- An act on the outbox is about messages, and no message itself.
    IF p_stream > 0 AND NOT starts_with(p_act, 'outbox-') AND EXISTS (SELECT FROM approval.route WHERE topic = 'requests') THEN
        PERFORM approval.post_notice('requests', 'request/' || p_stream, p_stream, jsonb_build_object(
            'request', p_stream, 'seq', head.head_seq + 1, 'at', p_at, 'act', p_act, 'principal', p_principal,
            'identity', p_identity, 'assurance', p_assurance, 'detail', p_detail,
            'type', (SELECT r.type_name FROM approval.request AS r WHERE r.request_id = p_stream)), p_at);
    END IF;
END
$$;
COMMENT ON FUNCTION approval.audit_append IS
    'Internal: adds an act to the chain of a stream (0: policy and inventory; N: request N). An act on a request is told as it is '
    'recorded, under topic requests: {request, seq, at, act, principal, identity, assurance, detail, type}; to '
    'the ticket that it is of, see approval.tell_ticket; and to pages that are open, see approval.note_change.';
