CREATE OR REPLACE FUNCTION approval.save_load(
    p_jid text, p_fun text, p_tgt text, p_tgt_type text, p_user text, p_minions text[], p_load bytea, p_claimed boolean,
    p_published_at double precision DEFAULT NULL, p_command text DEFAULT NULL, p_is_test boolean DEFAULT false,
    p_is_runner boolean DEFAULT false, p_calls text[] DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    since timestamptz;
    command constant text := approval.covered_command(p_fun, p_command);
BEGIN
    IF p_claimed AND NOT (SELECT approval.jid_is_current(p_jid, k.first_jid, k.last_jid) FROM approval.kept_jids(now()) AS k) THEN
        RETURN false;
    END IF;
    -- Looked at first: a conflict locks the row, so that the returns of a job would wait for each other's commits.
    IF p_claimed AND EXISTS (SELECT FROM approval.job AS j WHERE j.jid = p_jid) THEN
        RETURN false;
    END IF;
    INSERT INTO approval.job AS j (jid, fun, tgt, tgt_type, job_user, minions, load, claimed, published_at)
    VALUES (p_jid, p_fun, p_tgt, p_tgt_type, p_user, coalesce(p_minions, '{}'), p_load, p_claimed,
        least(to_timestamp(p_published_at), now()))
    ON CONFLICT (jid) DO UPDATE
    SET fun = p_fun, tgt = p_tgt, tgt_type = p_tgt_type, job_user = p_user, minions = coalesce(p_minions, '{}'), load = p_load,
        claimed = false
    WHERE j.claimed AND NOT p_claimed
    RETURNING j.published_at INTO since;
    IF since IS NOT NULL AND command IS NOT NULL THEN
        PERFORM approval.log_job(p_jid, since, p_fun, p_tgt, p_tgt_type, p_user, p_minions, command, p_is_test,
                                 p_claimed AND NOT p_is_runner);
    END IF;
    IF p_calls <> '{}' AND NOT p_claimed THEN
        -- Of a job that is published in batches each batch comes here.
        PERFORM approval.alarm_of_job(p_jid, p_calls, p_user, CASE WHEN since IS NOT NULL THEN coalesce(p_minions, '{}') ELSE ARRAY(
            SELECT unnest(p_minions) EXCEPT SELECT unnest(j.minions) FROM approval.job AS j WHERE j.jid = p_jid) END,
            coalesce(command, ''), least(to_timestamp(p_published_at), now()));
    END IF;
    RETURN since IS NOT NULL;
END
$$;
COMMENT ON FUNCTION approval.save_load IS
    'Keeps what was published under a jid. The first stays, but what the master published displaces what a minion''s return '
    'claimed (p_claimed: the load was taken from a return). Gives whether it was stored. p_load: msgpack in an LZ4 frame. '
    'p_published_at: in seconds since 1970 UTC; NULL: now. p_command: what the job log has of it; NULL: it is left out there; '
    'without arguments, where one is sensitive (see covered_command). '
    'p_is_runner: the master ran it itself, so that its return is no claim of a minion. p_calls: what it runs, as alarm_of_job '
    'takes it; a job that changes what is under approval raises alarms. Definer: tables are private.';
