CREATE OR REPLACE FUNCTION approval.list_outbox(p_state text, p_limit integer)
    RETURNS TABLE (destination text, thread text, request bigint, seq bigint, topic text, state text, attempts integer,
                   created_at timestamptz, due_at timestamptz, leased_until timestamptz, delivered_at timestamptz,
                   last_error text, known text, is_routed boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reader constant bigint := approval.reading_as();
    readable constant text[] := approval.readable_groups(reader, 'requests');
BEGIN
    IF p_state IS NOT NULL AND p_state NOT IN ('waiting', 'delivered', 'dead') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('%s is none of waiting, delivered, dead', p_state);
    END IF;
    RETURN QUERY
    SELECT o.destination, o.thread, o.request_id, o.seq, o.topic, o.state, o.attempts, o.created_at,
        nullif(o.due_at, '-infinity'), o.leased_until, o.delivered_at, o.last_error,
        CASE WHEN o.destination = 'salt' THEN approval.dispatch_summary(o.request_id) END,
        o.destination = 'salt' OR o.topic = 'ticket' OR EXISTS (SELECT FROM approval.route AS r WHERE r.destination = o.destination)
    FROM (SELECT * FROM approval.outbox AS b
          WHERE (readable IS NULL OR approval.may_read(reader, 'requests', b.request_id))
              AND CASE WHEN p_state IS NULL THEN b.state <> 'delivered' ELSE b.state = p_state END
          ORDER BY b.created_at DESC, b.destination, b.request_id, b.thread, b.seq
          LIMIT p_limit) AS o
    ORDER BY o.created_at DESC, o.destination, o.request_id, o.thread, o.seq;
END
$$;
COMMENT ON FUNCTION approval.list_outbox IS
    'Messages to other systems, newest first (where the login may not read all requests, those of requests that it may): of one '
    'state, or (NULL) those not delivered. known: what is known of a dispatch, as that a minion did not answer; delivered only '
    'says that the master took it. is_routed: something leads to that destination today. Raises AP005. Definer: tables are '
    'private.';
