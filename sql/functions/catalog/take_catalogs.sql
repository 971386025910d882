CREATE OR REPLACE FUNCTION approval.take_catalogs(
    p_minions text[], p_every interval, p_wait interval, p_at_once integer, p_collectors text[], p_nonce text, p_jid text)
    RETURNS TABLE (minions text[], collectors text[], known jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Planned for the array that is given: whole tables are hashed for all minions, and not each one looked up.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    members_each constant integer := 2;
    most_known constant integer := 500;
    room integer;
BEGIN
    IF p_every IS NULL OR p_every < interval '1 minute' OR p_wait IS NULL OR p_wait < interval '1 second' OR p_at_once IS NULL
        OR p_at_once < 1 THEN
        RAISE EXCEPTION USING ERRCODE = 'AP016', MESSAGE = 'the inventory needs a minute between two questions to a minion at the '
            'least, a second to wait for answers, and a number of minions at a time';
    END IF;
    -- Two masters do not fill the same room.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.take_catalogs', 0));
    room := p_at_once - (
        SELECT count(*) FROM approval.catalog_ask AS a WHERE a.answered_at IS NULL AND a.asked_at > now() - p_wait);
    RETURN QUERY
    WITH due AS (
        SELECT m.minion_id, a.wanted_at, b.content = c.content AS vouches, b.claimed_at, c.*
        FROM approval.minion AS m
        LEFT JOIN approval.catalog_ask AS a USING (minion_id)
        LEFT JOIN approval.catalog_member AS b USING (minion_id)
        LEFT JOIN approval.catalog AS c USING (catalog_id)
        WHERE m.minion_id = ANY (p_minions) AND m.removed_at IS NULL
            AND (a.asked_at IS NULL OR a.asked_at <= now() - p_every OR a.wanted_at IS NOT NULL
                -- The module may not have been there yet. Since it was given its first document, it can prove what it tells.
                OR a.refusal IS NOT NULL AND a.asked_at <= now() - least(p_every, interval '1 hour')
                OR b.is_proven IS NOT TRUE AND EXISTS (
                    SELECT FROM approval.document_history AS h
                    WHERE h.minion_id = m.minion_id AND h.valid_from <= now()
                        AND greatest(h.valid_from, h.written_at) > a.asked_at))
            AND (a.answered_at IS NOT NULL OR a.asked_at IS NULL OR a.asked_at <= now() - p_wait)
        ORDER BY a.wanted_at NULLS LAST, a.asked_at NULLS FIRST, m.minion_id COLLATE "C"
        LIMIT greatest(room, 0)
    ), chosen AS (
        SELECT d.minion_id, d.minion_id = ANY (p_collectors) OR d.is_apart OR d.claimed_at IS NOT NULL
            OR (d.agreed_at IS NULL OR d.seen_at <= now() - p_every OR d.seen_at < d.wanted_at OR EXISTS (
                    SELECT FROM approval.catalog_member AS other
                    WHERE other.catalog_id = d.catalog_id AND other.claimed_at IS NOT NULL))
                AND members_each >= row_number() OVER (
                    PARTITION BY d.catalog_id ORDER BY d.vouches DESC NULLS LAST, d.minion_id COLLATE "C") AS collects
        FROM due AS d
    ), asked AS (
        INSERT INTO approval.catalog_ask AS a (minion_id, asked_at, nonce, jid)
        SELECT c.minion_id, now(), p_nonce, p_jid FROM chosen AS c ORDER BY c.minion_id COLLATE "C"
        ON CONFLICT (minion_id) DO UPDATE
        SET asked_at = excluded.asked_at, nonce = excluded.nonce, jid = excluded.jid, attempt = 0, answered_at = NULL,
            wanted_at = NULL
        RETURNING a.minion_id
    )
    SELECT ARRAY(SELECT a.minion_id FROM asked AS a ORDER BY a.minion_id COLLATE "C"),
        ARRAY(SELECT c.minion_id FROM chosen AS c WHERE c.collects ORDER BY c.minion_id COLLATE "C"),
        coalesce((SELECT jsonb_object_agg(k.sources, k.contents) FROM (
            SELECT c.sources, jsonb_agg(c.content) AS contents
            FROM (SELECT * FROM approval.catalog AS every WHERE NOT every.is_apart OR every.catalog_id IN (
                      SELECT d.catalog_id FROM due AS d) ORDER BY every.seen_at DESC LIMIT most_known) AS c
            GROUP BY c.sources) AS k), '{}');
END
$$;
COMMENT ON FUNCTION approval.take_catalogs IS
    'Takes those of the given minions whose catalogs are due, or wanted by somebody, so many at a time less those that have not '
    'answered within p_wait: the caller asks them in the job p_jid, with this nonce. collectors: which of them have to tell all '
    'packages, unless these are known; known: content digests by digest of sources, so that what is known is not told again. '
    'Raises AP016. Definer: tables are private.';
