CREATE OR REPLACE FUNCTION approval.rollout_of(p_request_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_failures constant integer := 100;
    asked approval.request;
    kind approval.request_type;
    wanted jsonb;
    minions text[];
    result jsonb;
BEGIN
    SELECT * INTO asked FROM approval.request AS r WHERE r.request_id = p_request_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    SELECT jsonb_build_object(
        'request', o.request_id, 'state', o.state, 'rollout', o.plan - 'resume', 'max_failures', o.max_failures,
        'accepted_failures', o.accepted_failures, 'halted_at', o.halted_at, 'because', o.halted_because,
        'paused', (SELECT to_jsonb(p) FROM approval.sending_paused() AS p),
        'resume', (SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.group_name), '[]')
                   FROM approval.resume_groups(p_request_id) AS g),
        'failures', (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.minion_id), '[]')
                     FROM (SELECT * FROM approval.rollout_failures(p_request_id) AS every
                           ORDER BY every.minion_id LIMIT shown_failures) AS f),
        'failure_count', (SELECT count(*) FROM approval.rollout_failures(p_request_id)),
        'waves', (
            SELECT jsonb_agg(jsonb_build_object(
                'wave', w.wave_no, 'canaries', w.is_canaries, 'minions', w.minions, 'opened_at', w.opened_at,
                'settled_at', w.settled_at,
                -- One of the mixed order: enough to see which machines are meant.
                'first', tally.first, 'verdicts', tally.verdicts) ORDER BY w.wave_no)
            FROM approval.wave AS w
            JOIN (SELECT v.wave_no, min(v.minion_id) AS first, jsonb_object_agg(v.verdict, v.count) AS verdicts
                  FROM (SELECT m.wave_no, min(m.minion_id) AS minion_id, count(*) AS count,
                            coalesce(m.verdict, CASE WHEN m.opened_at IS NULL THEN 'held back' ELSE 'under way' END) AS verdict
                        FROM approval.wave_minion AS m WHERE m.request_id = p_request_id GROUP BY m.wave_no, 4) AS v
                  GROUP BY v.wave_no) AS tally ON tally.wave_no = w.wave_no
            WHERE w.request_id = p_request_id))
    INTO result FROM approval.rollout AS o WHERE o.request_id = p_request_id;
    IF result IS NULL THEN
        SELECT * INTO STRICT kind FROM approval.request_type AS t
        WHERE t.type_name = asked.type_name AND t.type_version = asked.type_version;
        IF asked.state = 'pending' AND (kind.definition ? 'rollout' OR asked.rollout IS NOT NULL) THEN
            minions := ARRAY(SELECT DISTINCT i.minion_id FROM approval.current_item AS i WHERE i.request_id = p_request_id);
            wanted := approval.rollout_for(kind, asked.rollout, minions);
        END IF;
        IF wanted IS NOT NULL THEN
            result := jsonb_build_object(
                'request', p_request_id, 'state', 'planned', 'rollout', wanted - 'resume', 'waves', (
                    SELECT jsonb_agg(jsonb_build_object(
                        'wave', e.wave_no, 'canaries', e.wave_no = 1 AND wanted ? 'canaries', 'minions', e.size) ORDER BY e.wave_no)
                    FROM (SELECT w.wave_no, w.edge - lag(w.edge, 1, 0) OVER (ORDER BY w.wave_no) AS size
                          FROM unnest(approval.wave_ends(wanted, cardinality(minions),
                              least(approval.canaries_of(wanted, minions), cardinality(minions)))) WITH ORDINALITY
                                  AS w (edge, wave_no)) AS e));
        END IF;
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.rollout_of IS
    'Internal: the rollout of a request, see approval.show_rollout. Raises AP005, AP014.';
