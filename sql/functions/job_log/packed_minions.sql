CREATE OR REPLACE FUNCTION approval.packed_minions(
    p_minions text[], OUT minion_count integer, OUT minions integer[], OUT minion_bits bytea)
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
    -- Planned for the array that is given: of many minions no single one is looked up.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    has_new boolean;
BEGIN
    -- Nearly always all have a number, and one look at each tells.
    SELECT coalesce(array_agg(m.minion_number ORDER BY m.minion_number) FILTER (WHERE m.minion_number IS NOT NULL), '{}'),
        count(*) FILTER (WHERE m.minion_number IS NULL) > 0
    INTO minions, has_new
    FROM (SELECT DISTINCT a.minion_id FROM unnest(p_minions) AS a (minion_id)
          WHERE octet_length(a.minion_id) BETWEEN 1 AND 255) AS g
    LEFT JOIN approval.minion_number AS m USING (minion_id);
    IF has_new THEN
        -- In one order, as others may number the same ones now.
        INSERT INTO approval.minion_number (minion_id)
        SELECT DISTINCT g.minion_id FROM unnest(p_minions) AS g (minion_id)
        WHERE octet_length(g.minion_id) BETWEEN 1 AND 255
            AND NOT EXISTS (SELECT FROM approval.minion_number AS m WHERE m.minion_id = g.minion_id)
        ORDER BY g.minion_id
        ON CONFLICT DO NOTHING;
        SELECT array_agg(m.minion_number ORDER BY m.minion_number) INTO minions
        FROM approval.minion_number AS m WHERE m.minion_id = ANY (p_minions);
    END IF;
    minion_count := cardinality(minions);
    IF minion_count > 16 AND minions[minion_count] / 8 < 4 * minion_count THEN
        SELECT string_agg(set_byte(E'\\x00', 0, coalesce(b.bits, 0)), '' ORDER BY p.place) INTO minion_bits
        FROM generate_series(0, minions[minion_count] / 8) AS p (place)
        LEFT JOIN (SELECT n / 8 AS place, bit_or(1 << n % 8) AS bits FROM unnest(minions) AS n GROUP BY 1) AS b USING (place);
        minions := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION approval.packed_minions IS
    'Internal: minions as a row of the job log has them, in the smaller of two forms. Gives a number to each that has none yet; '
    'leaves out what can be no minion''s id.';
