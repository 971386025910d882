CREATE OR REPLACE FUNCTION approval.awaiting_start(p_minion_id text DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT DISTINCT d.minion_id FROM approval.dispatch AS d
WHERE d.proof = 'reboot' AND d.state = 'sent' AND coalesce(d.minion_id = p_minion_id, true)
$$;
COMMENT ON FUNCTION approval.awaiting_start IS
    'Minions that were told to start again and have not proven yet that they did: all of them, or the one. Definer: tables are '
    'private.';
