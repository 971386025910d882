CREATE OR REPLACE FUNCTION approval.canaries_of(p_rollout jsonb, p_minions text[]) RETURNS integer
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT CASE
    WHEN jsonb_typeof(p_rollout -> 'canaries') = 'object' THEN (
        SELECT count(*)::integer FROM approval.minion_group_member AS m
        WHERE m.group_name = p_rollout #>> '{canaries,minion_group}' AND m.minion_id = ANY (p_minions))
    ELSE ceil(approval.amount_of(p_rollout -> 'canaries', cardinality(p_minions)))::integer END
$$;
COMMENT ON FUNCTION approval.canaries_of IS
    'Internal: how many of these minions, each named once, a rollout has for canaries, also where that is more than there are; '
    'NULL: it has none.';
