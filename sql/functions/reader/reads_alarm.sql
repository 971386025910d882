CREATE OR REPLACE FUNCTION approval.reads_alarm(p_alarm approval.alarm, p_groups text[]) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT p_groups IS NULL OR p_alarm.minion_count > 0 AND p_alarm.minion_count = cardinality(p_alarm.minions)
    AND NOT EXISTS (SELECT FROM unnest(p_alarm.minions) AS m (minion_id) WHERE NOT approval.in_groups(m.minion_id, p_groups))
$$;
COMMENT ON FUNCTION approval.reads_alarm IS
    'Internal: whether somebody who may read the job log of these groups of minions (see readable_groups) may read an alarm: each '
    'minion that it is about has to be named, and in one of them.';
