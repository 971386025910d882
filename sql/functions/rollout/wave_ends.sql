CREATE OR REPLACE FUNCTION approval.wave_ends(p_rollout jsonb, p_total integer, p_canaries integer) RETURNS integer[]
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT ARRAY(
    SELECT DISTINCT least(edge, p_total)
    FROM (SELECT p_canaries AS edge
          UNION ALL SELECT ceil(approval.amount_of(step, p_total))::integer
          FROM jsonb_array_elements(CASE jsonb_typeof(p_rollout -> 'steps') WHEN 'array' THEN p_rollout -> 'steps' ELSE '[]' END)
              AS step
          UNION ALL SELECT generate_series(coalesce(p_canaries, 0) + size, p_total, size)
          FROM (SELECT ceil(approval.amount_of(p_rollout -> 'steps', p_total))::integer AS size
                WHERE jsonb_typeof(p_rollout -> 'steps') <> 'array') AS even
          UNION ALL SELECT p_total) AS edges
    -- A step within the canaries is done with them.
    WHERE edge >= coalesce(p_canaries, 0)
    ORDER BY 1)
$$;
COMMENT ON FUNCTION approval.wave_ends IS
    'Internal: how many minions of so many have had their turn when each wave of a rollout has; p_canaries: how many are canaries, '
    'NULL: it has none.';
