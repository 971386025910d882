CREATE OR REPLACE FUNCTION approval.list_catch_ups(p_minion_id text, p_limit integer)
    RETURNS TABLE (minion text, state text, started_at timestamptz, state_at timestamptz, due_at timestamptz, revision bigint,
                   cause text, jid text, outcome text, text text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT c.minion_id, c.state, c.started_at, c.state_at, c.due_at, c.revision, c.cause, c.jid, c.outcome, approval.catch_up_text(c)
FROM (SELECT approval.readable_groups(approval.reading_as(), 'requests') AS readable) AS g
CROSS JOIN approval.catch_up AS c
WHERE coalesce(c.minion_id = p_minion_id, true) AND approval.in_groups(c.minion_id, g.readable)
ORDER BY c.state = 'ended', CASE WHEN c.state = 'ended' THEN NULL ELSE c.due_at END, c.state_at DESC, c.minion_id
LIMIT p_limit
$$;
COMMENT ON FUNCTION approval.list_catch_ups IS
    'Minions that started and were behind what is approved for them: those that are to be caught up in their order, then those '
    'that ended, the last first; of one minion or (NULL) all that the login may read. Definer: tables are private.';
