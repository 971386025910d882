CREATE OR REPLACE FUNCTION approval.save_load(
    p_jid text, p_fun text, p_tgt text, p_tgt_type text, p_user text, p_minions text[], p_load bytea, p_claimed boolean,
    p_published_at double precision DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_claimed AND NOT (SELECT approval.jid_is_current(p_jid, k.first_jid, k.last_jid) FROM approval.kept_jids(now()) AS k) THEN
        RETURN false;
    END IF;
    INSERT INTO approval.job AS j (jid, fun, tgt, tgt_type, job_user, minions, load, claimed, published_at)
    VALUES (p_jid, p_fun, p_tgt, p_tgt_type, p_user, coalesce(p_minions, '{}'), p_load, p_claimed,
        least(to_timestamp(p_published_at), now()))
    ON CONFLICT (jid) DO UPDATE
    SET fun = p_fun, tgt = p_tgt, tgt_type = p_tgt_type, job_user = p_user, minions = coalesce(p_minions, '{}'), load = p_load,
        claimed = false
    WHERE j.claimed AND NOT p_claimed;
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION approval.save_load IS
    'Keeps what was published under a jid. The first stays, but what the master published displaces what a minion''s return '
    'claimed (p_claimed: the load was taken from a return). Gives whether it was stored. p_load: msgpack in an LZ4 frame. '
    'p_published_at: in seconds since 1970 UTC; NULL: now. Definer: tables are private.';
