CREATE OR REPLACE FUNCTION approval.open_drift(p_minions text[]) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(jsonb_object_agg(m.minion_id, m.resources), '{}')
FROM (SELECT d.minion_id, jsonb_object_agg(d.kind || ' ' || d.name, jsonb_build_object(
          'kind', d.kind, 'name', d.name, 'expected', d.expected, 'observed', d.observed)) AS resources
      FROM approval.drift AS d WHERE d.minion_id = ANY (p_minions) AND d.cleared_at IS NULL GROUP BY d.minion_id) AS m
$$;
COMMENT ON FUNCTION approval.open_drift IS
    'Internal: the resources of each of these minions that are not as approved any more: {minion: {"kind name": {kind, name, '
    'expected, observed}}}; minions without any are left out.';
