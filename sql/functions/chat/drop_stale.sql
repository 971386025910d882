CREATE OR REPLACE FUNCTION approval.drop_stale(p_destination text, p_older interval)
    RETURNS TABLE (kind text, threads bigint, messages bigint)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    dropped jsonb;
BEGIN
    PERFORM approval.check_reader(p_destination);
    IF p_older IS NULL OR p_older < interval '10 minutes' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'news are old after ten minutes at the earliest';
    END IF;
    -- Each part is made once, whatever the planner believes of a queue that was empty a moment ago.
    WITH candidate AS MATERIALIZED (
        -- What quiet hours or a pause hold back is no news that nobody could take.
        SELECT o.thread FROM approval.outbox AS o
        WHERE o.destination = p_destination AND o.state = 'waiting' AND o.due_at <= moment
        GROUP BY o.thread
        HAVING max(o.created_at) < moment - p_older AND bool_and(o.leased_until IS NULL OR o.leased_until <= moment)
    ), over AS MATERIALIZED (
        SELECT c.thread FROM candidate AS c
        WHERE CASE split_part(c.thread, '/', 1)
            WHEN 'job' THEN NOT EXISTS (SELECT FROM approval.job_told AS t WHERE t.jid = substr(c.thread, 5))
            WHEN 'request' THEN EXISTS (
                SELECT FROM approval.request AS r JOIN approval.request_state AS s USING (state)
                WHERE r.request_id = approval.request_of(c.thread) AND s.is_closed)
            WHEN 'ask' THEN NOT EXISTS (
                SELECT FROM approval.asked AS a JOIN approval.principal AS p USING (principal_id)
                WHERE a.request_id = split_part(c.thread, '/', 2)::bigint AND a.channel = substr(p_destination, 6)
                    AND c.thread = format('ask/%s/%s', a.request_id, p.name))
                -- The copy that they have must still be told that it is over.
                AND NOT EXISTS (SELECT FROM approval.chat_message AS m
                                WHERE m.destination = p_destination AND m.thread = c.thread)
            WHEN 'alarm' THEN NOT EXISTS (
                SELECT FROM approval.alarm AS a
                WHERE 'alarm/' || a.alarm_id = c.thread AND a.acknowledged_at IS NULL)
                -- An alert there that calls people must still be told that somebody saw to it.
                AND NOT EXISTS (SELECT FROM approval.chat_message AS m
                                WHERE m.destination = p_destination AND m.thread = c.thread)
            WHEN 'drift' THEN NOT EXISTS (
                SELECT FROM approval.drift AS d WHERE d.minion_id = substr(c.thread, 7) AND d.cleared_at IS NULL)
                AND NOT EXISTS (SELECT FROM approval.silence AS s WHERE s.minion_id = substr(c.thread, 7))
                -- A message there that a minion drifts, as an alert that calls people, must still be told that it does not.
                AND NOT EXISTS (SELECT FROM approval.chat_message AS m
                                WHERE m.destination = p_destination AND m.thread = c.thread)
            ELSE false END
    ), gone AS (
        DELETE FROM approval.outbox AS o
        WHERE o.destination = p_destination AND o.thread = ANY (ARRAY(SELECT v.thread FROM over AS v)) AND o.state = 'waiting'
            AND (o.leased_until IS NULL OR o.leased_until <= moment)
        RETURNING split_part(o.thread, '/', 1) AS kind, o.thread
    ), counted AS (
        SELECT g.kind, count(DISTINCT g.thread) AS threads, count(*) AS messages FROM gone AS g GROUP BY g.kind
    )
    SELECT jsonb_object_agg(c.kind, jsonb_build_object('threads', c.threads, 'messages', c.messages)) INTO dropped
    FROM counted AS c;
    IF dropped IS NOT NULL THEN
        PERFORM approval.audit_append(0, moment, 'news-dropped', NULL, NULL, NULL,
                                      jsonb_build_object('destination', p_destination, 'dropped', dropped));
    END IF;
    RETURN QUERY
    SELECT d.key, (d.value ->> 'threads')::bigint, (d.value ->> 'messages')::bigint
    FROM jsonb_each(dropped) AS d ORDER BY d.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION approval.drop_stale IS
    'Drops what waits for a destination that people read and is no news any more: threads whose last message is so old, and whose '
    'subject is over: a job that is not told of any more, a closed request, and, where they were never told there, an '
    'acknowledged alarm, drift or silence that is gone and what waits for nobody. Gives how many threads and messages, by kind '
    'of thread, for a message that sums them up; recorded. Raises AP002, AP005. Definer: tables are private.';
