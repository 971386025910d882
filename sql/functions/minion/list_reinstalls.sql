CREATE OR REPLACE FUNCTION approval.list_reinstalls(p_minion_id text, p_limit integer, p_reader bigint DEFAULT NULL)
    RETURNS TABLE (minion text, state text, noticed_at timestamptz, seen_at timestamptz, accepted_at timestamptz,
                   converged_at timestamptz, jid text, key text, machine_id text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT r.minion_id, r.state, r.noticed_at, r.seen_at, r.accepted_at, r.converged_at, r.converged_jid, r.key_digest, r.machine_id
FROM (SELECT approval.readable_groups(approval.reading_as(p_reader), 'requests') AS readable) AS g
CROSS JOIN approval.reinstall AS r
WHERE coalesce(r.minion_id = p_minion_id, true) AND approval.in_groups(r.minion_id, g.readable)
ORDER BY r.state = 'converged', r.noticed_at DESC, r.minion_id
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_reinstalls IS
    'Minions that were noticed to be installed anew, those not done first; of one minion or (NULL) all that the login, '
    'or p_reader (see reading_as), may read. Definer: tables are '
    'private.';
