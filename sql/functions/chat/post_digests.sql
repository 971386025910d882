CREATE OR REPLACE FUNCTION approval.post_digests(p_destination text, p_since timestamptz) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most constant integer := 20;
    moment timestamptz := clock_timestamp();
    person record;
    posted integer := 0;
BEGIN
    PERFORM approval.check_reader(p_destination);
    IF p_since IS NULL OR p_since > moment THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a digest is due since a time that has come';
    END IF;
    -- Of two who post at the same time the second sees what the first has posted.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.digest/' || p_destination, 0));
    FOR person IN
        SELECT w.principal, w.address, jsonb_agg(w.row ORDER BY w.place) AS rows
        FROM (
            SELECT n.principal, n.address, row_number() OVER due AS place, jsonb_build_object(
                'request_id', r.request_id, 'title', t.title, 'requester', asker.name, 'until', n.until,
                'until_what', n.until_what, 'total', count(*) OVER (PARTITION BY n.principal)) AS row
            FROM (SELECT DISTINCT a.request_id FROM approval.asked AS a WHERE 'chat-' || a.channel = p_destination) AS waiting
            CROSS JOIN LATERAL approval.asked_people(waiting.request_id) AS n
            JOIN approval.request AS r USING (request_id)
            JOIN approval.request_type AS t USING (type_name, type_version)
            JOIN approval.principal AS asker ON asker.principal_id = r.requester_id
            WHERE 'chat-' || n.channel = p_destination
            WINDOW due AS (PARTITION BY n.principal ORDER BY n.until, r.request_id)) AS w
        WHERE w.place <= most AND NOT EXISTS (
            SELECT FROM approval.outbox AS o
            WHERE o.destination = p_destination AND o.thread = 'digest/' || w.principal
                AND (o.state <> 'delivered' OR o.created_at >= p_since))
        GROUP BY w.principal, w.address
        ORDER BY w.principal
    LOOP
        PERFORM approval.post_message(
            p_destination, 'digest', 'digest/' || person.principal, NULL,
            jsonb_build_object('principal', person.principal, 'address', person.address, 'rows', person.rows), moment);
        posted := posted + 1;
    END LOOP;
    RETURN posted;
END
$$;
COMMENT ON FUNCTION approval.post_digests IS
    'Tells each contact of a destination that people read what waits for them (topic digest, thread digest/PRINCIPAL), as the '
    'rows of inbox, the first 20 of those that are due first: those who were asked there, have not muted it, and have had no '
    'digest since; nobody of whom one is on its way. Gives how many. Raises AP002, AP005. Definer: tables are private.';
