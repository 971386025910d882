CREATE OR REPLACE FUNCTION approval.save_minions(p_jid text, p_minions text[], p_syndic_id text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
UPDATE approval.job
SET minions = ARRAY(SELECT DISTINCT named FROM unnest(minions || p_minions) AS given (named) ORDER BY named)
WHERE jid = p_jid
$$;
COMMENT ON FUNCTION approval.save_minions IS
    'Adds the minions that a syndic reports for a job of ours; a jid that is not known is left alone. Definer: tables are private.';
