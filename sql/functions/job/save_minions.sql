CREATE OR REPLACE FUNCTION approval.save_minions(p_jid text, p_minions text[], p_syndic_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
WITH saved AS (
    UPDATE approval.job AS j
    SET minions = ARRAY(SELECT DISTINCT named FROM unnest(j.minions || p_minions) AS given (named) ORDER BY named)
    WHERE j.jid = p_jid
    RETURNING j.jid, j.published_at, j.minions
)
UPDATE approval.job_log AS l
SET minion_count = m.minion_count, minions = m.minions, minion_bits = m.minion_bits,
    ok = NULL, failed = NULL, silent = NULL, duration_s = NULL
FROM saved AS s CROSS JOIN LATERAL approval.packed_minions(s.minions) AS m
WHERE l.published_at = s.published_at AND l.jid = s.jid
$$;
COMMENT ON FUNCTION approval.save_minions IS
    'Adds the minions that a syndic reports for a job of ours, also in the job log; a jid that is not known is left alone. '
    'Definer: tables are private.';
