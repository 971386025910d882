CREATE OR REPLACE FUNCTION approval.put_minion_group(p_group text, p_title text, p_minions text[], p_at_once integer DEFAULT NULL)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wanted text[] := ARRAY(SELECT DISTINCT minion_id FROM unnest(p_minions) AS given (minion_id) ORDER BY minion_id);
    unknown text;
    present text[];
    moved text[];
    changed boolean;
    is_read boolean;
BEGIN
    SELECT string_agg(quote_nullable(minion_id), ', ') INTO unknown FROM unnest(wanted) AS given (minion_id)
    WHERE NOT EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = given.minion_id);
    IF unknown IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('minion group %s: unknown minion: %s', p_group, unknown);
    END IF;
    PERFORM approval.lock_reach(true);
    present := ARRAY(SELECT minion_id FROM approval.minion_group_member WHERE group_name = p_group ORDER BY minion_id);
    INSERT INTO approval.minion_group AS g (group_name, title, at_once) VALUES (p_group, coalesce(p_title, ''), p_at_once)
    ON CONFLICT (group_name) DO UPDATE SET title = excluded.title, at_once = excluded.at_once
    WHERE (g.title, g.at_once) IS DISTINCT FROM (excluded.title, excluded.at_once);
    changed := FOUND OR wanted <> present;
    IF NOT changed THEN
        RETURN false;
    END IF;
    moved := ARRAY(SELECT unnest(wanted) EXCEPT SELECT unnest(present))
        || ARRAY(SELECT unnest(present) EXCEPT SELECT unnest(wanted));
    is_read := EXISTS (SELECT FROM approval.reader AS r WHERE r.minion_group = p_group);
    IF is_read THEN
        PERFORM approval.move_reach(moved, false);
    END IF;
    DELETE FROM approval.minion_group_member WHERE group_name = p_group AND NOT minion_id = ANY (wanted);
    INSERT INTO approval.minion_group_member SELECT p_group, minion_id
        FROM unnest(wanted) AS given (minion_id) ON CONFLICT DO NOTHING;
    IF is_read THEN
        PERFORM approval.move_reach(moved, true);
    END IF;
    PERFORM approval.audit_append(0, now(), 'minion-group-put', NULL, NULL, NULL,
                                  jsonb_build_object('group', p_group, 'title', p_title, 'minions', wanted, 'at_once', p_at_once));
    -- A freeze of the group now holds back other minions.
    IF EXISTS (SELECT FROM approval.freeze WHERE minion_group = p_group AND ends_at > now()) THEN
        PERFORM approval.refresh_documents(ARRAY(SELECT unnest(moved) INTERSECT SELECT unnest(approval.held_minions(NULL))));
    END IF;
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017', MESSAGE = 'a minion group has a name, and at_once is more than 0';
END
$$;
COMMENT ON FUNCTION approval.put_minion_group IS
    'Makes a group of minions just these; p_at_once: on so many of them at most something is done at the same time, NULL: on any '
    'number. Gives whether anything changed. Raises AP004, AP017. Definer: policy changes are audited.';
