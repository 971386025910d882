CREATE OR REPLACE FUNCTION approval.shown_readers() RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT coalesce(jsonb_object_agg(w.what, w.entries), '{}')
FROM (SELECT e.what, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('groups', e.groups, 'minion_group', e.minion_group))
                               ORDER BY e.minion_group NULLS FIRST) AS entries
      FROM (SELECT r.what, r.minion_group, jsonb_agg(r.group_name ORDER BY r.group_name) AS groups
            FROM approval.reader AS r GROUP BY r.what, r.minion_group) AS e
      GROUP BY e.what) AS w
$$;
COMMENT ON FUNCTION approval.shown_readers IS
    'Internal: {what: its readers as approval.put_readers takes them}, of all that not everybody may read; an entry for each group '
    'of minions.';
