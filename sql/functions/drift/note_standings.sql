CREATE OR REPLACE FUNCTION approval.note_standings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved text[];
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        moved := ARRAY[NEW.minion_id];
    ELSIF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT n.minion_id) INTO moved FROM new_row AS n;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT o.minion_id) INTO moved FROM old_row AS o;
    -- A row that says the same of its minion before and after is there twice. No join: the plan is kept, for one row as for many.
    ELSIF TG_TABLE_NAME = 'item' THEN
        SELECT array_agg(DISTINCT once.minion_id) INTO moved
        FROM (SELECT e.minion_id
              FROM (SELECT n.minion_id, n.item_id, n.state, n.outcome FROM new_row AS n
                    UNION ALL SELECT o.minion_id, o.item_id, o.state, o.outcome FROM old_row AS o) AS e
              GROUP BY e.minion_id, e.item_id, e.state = 'approved', e.outcome HAVING count(*) = 1) AS once;
    ELSE
        SELECT array_agg(DISTINCT once.minion_id) INTO moved
        FROM (SELECT e.minion_id
              FROM (SELECT n.minion_id, n.kind, n.name, n.item_id, n.cleared_at FROM new_row AS n
                    UNION ALL SELECT o.minion_id, o.kind, o.name, o.item_id, o.cleared_at FROM old_row AS o) AS e
              GROUP BY e.minion_id, e.kind, e.name, e.item_id, e.cleared_at IS NULL HAVING count(*) = 1) AS once;
    END IF;
    IF moved IS NOT NULL THEN
        INSERT INTO approval.standing_change (minions) VALUES (moved);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION approval.note_standings IS
    'Trigger: names in table standing_change the minions of which a statement changed something that view standing reads, or '
    'their groups. Rows that say the same as before name nobody.';
