CREATE OR REPLACE FUNCTION approval.save_load(
    p_jid text, p_fun text, p_tgt text, p_tgt_type text, p_user text, p_minions text[], p_load bytea, p_claimed boolean,
    p_published_at double precision DEFAULT NULL, p_calls text[] DEFAULT NULL, p_command text DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    published_at constant timestamptz := least(to_timestamp(p_published_at), now());
    is_stored boolean;
BEGIN
    IF p_claimed AND NOT (SELECT approval.jid_is_current(p_jid, k.first_jid, k.last_jid) FROM approval.kept_jids(now()) AS k) THEN
        RETURN false;
    END IF;
    INSERT INTO approval.job AS j (jid, fun, tgt, tgt_type, job_user, minions, load, claimed, published_at)
    VALUES (p_jid, p_fun, p_tgt, p_tgt_type, p_user, coalesce(p_minions, '{}'), p_load, p_claimed, published_at)
    ON CONFLICT (jid) DO UPDATE
    SET fun = p_fun, tgt = p_tgt, tgt_type = p_tgt_type, job_user = p_user, minions = coalesce(p_minions, '{}'), load = p_load,
        claimed = false
    WHERE j.claimed AND NOT p_claimed;
    is_stored := FOUND;
    IF p_calls <> '{}' AND NOT p_claimed THEN
        -- Of a job that is published in batches each batch comes here.
        PERFORM approval.alarm_of_job(p_jid, p_calls, p_user, CASE WHEN is_stored THEN coalesce(p_minions, '{}') ELSE ARRAY(
            SELECT unnest(p_minions) EXCEPT SELECT unnest(j.minions) FROM approval.job AS j WHERE j.jid = p_jid) END,
            coalesce(p_command, ''), published_at);
    END IF;
    RETURN is_stored;
END
$$;
COMMENT ON FUNCTION approval.save_load IS
    'Keeps what was published under a jid. The first stays, but what the master published displaces what a minion''s return '
    'claimed (p_claimed: the load was taken from a return). Gives whether it was stored. p_load: msgpack in an LZ4 frame. '
    'p_published_at: in seconds since 1970 UTC; NULL: now. p_calls, p_command: what it runs, as alarm_of_job takes it, and for '
    'people; a job that changes what is under approval raises alarms. Definer: tables are private.';
