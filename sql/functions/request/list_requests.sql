CREATE OR REPLACE FUNCTION approval.list_requests(
    p_state text, p_minion_id text, p_requester text, p_decider text, p_before bigint, p_limit integer)
    RETURNS TABLE (request_id bigint, type text, state text, requester text, submitted_at timestamptz, minions bigint, items bigint,
                   waiting_for text, reason text, total bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_counted constant integer := 10000;
    asker bigint;
    decided bigint[];
BEGIN
    IF p_state IS NOT NULL AND NOT EXISTS (SELECT FROM approval.request_state AS known WHERE known.state = p_state) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%L is not a state of a request', p_state),
            HINT = (SELECT 'States are: ' || string_agg(known.state, ', ' ORDER BY known.state)
                FROM approval.request_state AS known);
    END IF;
    IF p_minion_id IS NOT NULL AND NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = p_minion_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_literal(p_minion_id)),
            HINT = 'Minions are registered by salt-run approval.sync_minions or salt-approval minion add.';
    END IF;
    IF p_requester IS NOT NULL THEN
        asker := approval.principal_named(p_requester);
    END IF;
    IF p_decider IS NOT NULL THEN
        decided := ARRAY(
            SELECT DISTINCT d.request_id FROM approval.decision AS d WHERE d.principal_id = approval.principal_named(p_decider)
            ORDER BY d.request_id DESC LIMIT most_counted);
    END IF;
    RETURN QUERY
    WITH wanted AS NOT MATERIALIZED (
        SELECT r.* FROM approval.request AS r
        WHERE (p_state IS NULL OR r.state = p_state) AND (asker IS NULL OR asker IN (r.requester_id, r.on_behalf_of))
            AND (decided IS NULL OR r.request_id = ANY (decided))
            AND (p_minion_id IS NULL OR EXISTS (
                SELECT FROM approval.current_item AS i WHERE i.request_id = r.request_id AND i.minion_id = p_minion_id))
    ), page AS (
        SELECT w.* FROM wanted AS w WHERE p_before IS NULL OR w.request_id < p_before ORDER BY w.request_id DESC LIMIT p_limit
    )
    SELECT r.request_id, r.type_name, r.state, p.name, r.submitted_at,
        s.minion_count, s.item_count, approval.waiting_for(r.request_id), r.reason,
        (SELECT count(*) FROM (SELECT FROM wanted AS w ORDER BY w.request_id DESC LIMIT most_counted) AS counted)
    FROM page AS r
    LEFT JOIN LATERAL (
        SELECT v.minion_count, v.item_count FROM approval.item_set AS v
        WHERE v.request_id = r.request_id AND v.item_set_version = r.item_set_version LIMIT 1) AS s ON true
    JOIN approval.principal AS p ON p.principal_id = r.requester_id
    ORDER BY r.request_id DESC;
END
$$;
COMMENT ON FUNCTION approval.list_requests IS
    'Requests, newest first: all, or those in a state, that name a minion (by equality), that the principal p_requester asked for '
    'or that were made for them, or of which p_decider decided something (the newest ten thousand). p_before: only those with a '
    'lower number, for the next page; total counts all pages, up to ten thousand. '
    'Raises AP004 on an unknown minion, AP005 on an unknown state, AP001 on an unknown principal. Definer: tables are private.';
