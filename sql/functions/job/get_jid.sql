CREATE OR REPLACE FUNCTION approval.get_jid(p_jid text) RETURNS TABLE (minion_id text, payload bytea)
    -- See get_load.
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
BEGIN
    RETURN QUERY
    SELECT DISTINCT ON (r.minion_id) r.minion_id, r.payload
    FROM (SELECT k.minion_id, k.payload, k.authenticated, k.attempt, 0::bigint AS entry_no FROM approval.job_return AS k
          WHERE k.jid = p_jid
          UNION ALL
          -- A job that the master published under an id of somebody's own: its returns prove nothing, but they are what it asked
          -- for.
          SELECT q.minion_id, q.payload, false, 0, q.entry_no FROM approval.quarantine AS q
          WHERE q.jid = p_jid AND q.payload <> '' AND EXISTS (
              SELECT FROM approval.job AS j WHERE j.jid = p_jid AND NOT j.claimed AND q.minion_id = ANY (j.minions))) AS r
    ORDER BY r.minion_id, r.authenticated DESC, r.attempt DESC, r.entry_no DESC;
END
$$;
COMMENT ON FUNCTION approval.get_jid IS
    'The return of each minion for a job: the latest, but never an unauthenticated one before an authenticated. Of a job with an '
    'id of one''s own, which is no jid, what stands in quarantine of the minions that it was for. Definer: tables are private.';
