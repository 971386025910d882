CREATE OR REPLACE FUNCTION approval.log_mask(p_groups text[]) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH numbered AS MATERIALIZED (
    SELECT DISTINCT m.minion_number AS number
    FROM approval.minion_group_member AS g JOIN approval.minion_number AS m USING (minion_id)
    WHERE g.group_name = ANY (p_groups)
)
SELECT CASE WHEN p_groups IS NOT NULL THEN coalesce((
    SELECT string_agg(set_byte(E'\\x00', 0, coalesce(b.bits, 0)), '' ORDER BY p.place)
    FROM generate_series(0, (SELECT max(n.number) FROM numbered AS n) / 8) AS p (place)
    LEFT JOIN (SELECT n.number / 8 AS place, bit_or(1 << n.number % 8) AS bits FROM numbered AS n GROUP BY 1) AS b USING (place)),
    '') END
$$;
COMMENT ON FUNCTION approval.log_mask IS
    'Internal: the minions of these groups (see readable_groups) as a bit for each number, as approval.packed_minions has them; '
    'NULL: of all minions.';
