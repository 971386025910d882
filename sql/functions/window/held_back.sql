CREATE OR REPLACE FUNCTION approval.held_back(p_minion_id text, p_item_id bigint, p_at timestamptz)
    RETURNS TABLE (until timestamptz, by text)
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET jit = off AS $$
WITH change AS (
    SELECT greatest(p_at, i.effective_at) AS since, i.effective_at > p_at AS is_early
    FROM approval.item AS i WHERE i.minion_id = p_minion_id AND i.item_id = p_item_id AND i.state = 'approved'
), hold AS (
    -- A span that begins before all earlier ones have ended goes on holding it.
    SELECT h.ends_at, h.by, bool_and(h.starts_at <= coalesce(h.held_until, h.since))
            OVER (ORDER BY h.starts_at, h.ends_at, h.by) AS joined
    FROM (SELECT s.*, c.since, max(s.ends_at) OVER (
              ORDER BY s.starts_at, s.ends_at, s.by ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS held_until
          FROM change AS c, approval.holds(ARRAY[p_minion_id], ARRAY[p_item_id], c.since, NULL) AS s
          WHERE s.ends_at > c.since) AS h
), holder AS (
    SELECT h.by, max(h.ends_at) AS until, min(h.ends_at) AS first_end FROM hold AS h WHERE h.joined GROUP BY h.by
)
SELECT greatest(c.since, held.until), coalesce(held.by, 'after')
FROM change AS c
CROSS JOIN (SELECT max(h.until) AS until, string_agg(h.by, ' and ' ORDER BY h.first_end, h.by) AS by FROM holder AS h) AS held
WHERE c.is_early OR held.until IS NOT NULL
$$;
COMMENT ON FUNCTION approval.held_back IS
    'Internal: until when an approved item of a minion is held back at p_at, and by what, as in "calendar weekend" or "freeze '
    'year-end and calendar weekend": all that hold it without a gap. by is "after" where it only has not taken effect yet. until '
    'is infinity where no end is known. No row: nothing holds it back.';
