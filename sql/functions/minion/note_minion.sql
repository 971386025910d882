CREATE OR REPLACE FUNCTION approval.note_minion(p_minion_id text, p_key_digest text, p_accepted boolean, p_machine_id text)
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    held approval.minion;
    open approval.reinstall;
    new_state text;
BEGIN
    -- Nearly always: without a lock, and without anything to write.
    IF p_accepted AND EXISTS (
        SELECT FROM approval.minion AS m
        WHERE m.minion_id = p_minion_id AND m.removed_at IS NULL
            AND coalesce(p_key_digest, m.key_digest) IS NOT DISTINCT FROM m.key_digest
            AND coalesce(p_machine_id, m.machine_id) IS NOT DISTINCT FROM m.machine_id) THEN
        RETURN 'known';
    END IF;
    SELECT * INTO held FROM approval.minion AS m WHERE m.minion_id = p_minion_id FOR NO KEY UPDATE;
    IF NOT FOUND OR held.removed_at IS NOT NULL THEN
        -- Grains are what a master remembers, maybe of long ago; a key that it accepted is somebody's decision.
        IF NOT p_accepted OR p_key_digest IS NULL THEN
            RETURN 'unknown';
        END IF;
        PERFORM approval.put_minions(ARRAY[p_minion_id]);
        UPDATE approval.minion AS m SET key_digest = p_key_digest, machine_id = p_machine_id WHERE m.minion_id = p_minion_id;
        RETURN 'new';
    END IF;
    IF p_accepted THEN
        UPDATE approval.minion AS m
        SET key_digest = coalesce(p_key_digest, m.key_digest), machine_id = coalesce(p_machine_id, m.machine_id)
        WHERE m.minion_id = p_minion_id AND (coalesce(p_key_digest, m.key_digest) IS DISTINCT FROM m.key_digest
                                             OR coalesce(p_machine_id, m.machine_id) IS DISTINCT FROM m.machine_id);
    END IF;
    -- Of a minion whose key nobody saw yet, any key is the first.
    IF coalesce(held.key_digest = p_key_digest, true) AND coalesce(held.machine_id = p_machine_id OR NOT p_accepted, true) THEN
        RETURN 'known';
    END IF;
    new_state := CASE WHEN p_accepted THEN 'accepted' ELSE 'waiting' END;
    SELECT * INTO open FROM approval.reinstall AS r WHERE r.minion_id = p_minion_id AND r.state <> 'converged';
    IF open.minion_id IS NULL THEN
        INSERT INTO approval.reinstall (minion_id, state, key_digest, machine_id, noticed_at, seen_at, accepted_at)
        VALUES (p_minion_id, new_state, p_key_digest, p_machine_id, moment, moment, CASE WHEN p_accepted THEN moment END);
    ELSE
        -- One row however often, and with however many keys, somebody knocks.
        UPDATE approval.reinstall AS r
        SET state = CASE WHEN p_accepted THEN 'accepted' ELSE r.state END, key_digest = coalesce(p_key_digest, r.key_digest),
            machine_id = coalesce(p_machine_id, r.machine_id), seen_at = moment,
            accepted_at = CASE WHEN p_accepted THEN moment ELSE r.accepted_at END
        WHERE r.minion_id = p_minion_id AND r.reinstall_no = open.reinstall_no AND (p_accepted OR r.state = 'waiting');
    END IF;
    IF open.state IS DISTINCT FROM new_state AND (p_accepted OR open.state IS NULL) THEN
        PERFORM approval.audit_append(0, moment, 'reinstall-' || CASE new_state WHEN 'waiting' THEN 'noticed' ELSE 'accepted' END,
            NULL, NULL, NULL, jsonb_build_object('minion', p_minion_id, 'key', p_key_digest, 'machine_id', p_machine_id));
        IF held.key_digest <> p_key_digest THEN
            PERFORM approval.raise_alarm(
                'replaced-key', ARRAY[p_minion_id], new_state, NULL, jsonb_build_object('what', CASE new_state
                    WHEN 'accepted' THEN 'it came with another key, which the master has accepted'
                    ELSE 'it, or somebody in its name, came with another key, which waits to be accepted' END), moment);
        END IF;
    END IF;
    RETURN new_state;
END
$$;
COMMENT ON FUNCTION approval.note_minion IS
    'A minion was seen with this key (digest of the public key; NULL: not seen), accepted by the master or not, and this machine '
    'id (NULL: not seen). Gives unknown (no such minion), new (none was known, and its key is accepted: it is registered, as '
    'put_minions does), known, waiting (reinstalled, its key not accepted) or accepted (reinstalled). Raises AP005. Definer: '
    'tables are private.';
