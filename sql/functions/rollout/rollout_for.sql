CREATE OR REPLACE FUNCTION approval.rollout_for(p_type approval.request_type, p_override jsonb, p_minions text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    most_waves constant integer := 1000;
    minions constant text[] := ARRAY(SELECT DISTINCT named FROM unnest(p_minions) AS named);
    total constant integer := cardinality(minions);
    given constant jsonb := p_type.definition -> 'rollout';
    merged constant jsonb := coalesce(given, '{}') || coalesce(p_override, '{}');
    canaries integer;
    own_canaries integer;
    problem text;
    soak interval;
    waves integer[];
BEGIN
    IF given IS NULL AND p_override IS NULL THEN
        RETURN NULL;
    END IF;
    IF p_override IS NOT NULL THEN
        problem := coalesce(approval.rollout_problem(p_override), CASE
            WHEN p_override ? 'resume' THEN 'who lets a halted rollout go on stands in the type: leave out resume'
            WHEN NOT approval.is_dispatched(p_type) THEN format('requests of type %s are not sent by the engine', p_type.type_name)
            WHEN given IS NULL AND p_type.pre_approved
                THEN format('type %s is pre-approved and names nobody who could let a halted rollout go on', p_type.type_name)
            WHEN p_override ? 'canaries' AND jsonb_typeof(given -> 'canaries') = 'object'
                AND p_override -> 'canaries' <> given -> 'canaries'
                THEN format('canaries of type %s are minion group %s', p_type.type_name, given #>> '{canaries,minion_group}') END);
        BEGIN
            soak := approval.duration('soak', p_override -> 'soak');
        EXCEPTION WHEN SQLSTATE 'AP017' THEN
            problem := coalesce(problem, SQLERRM);
        END;
    END IF;
    IF problem IS NULL THEN
        canaries := approval.canaries_of(merged, minions);
        own_canaries := least(approval.canaries_of(given, minions), total);
        problem := CASE
            WHEN canaries = 0 THEN format('none of the canaries, minion group %s, is among the minions of the request; it has %s',
                merged #>> '{canaries,minion_group}', coalesce((
                    SELECT string_agg(m.minion_id, ', ' ORDER BY m.minion_id) FROM (
                        SELECT * FROM approval.minion_group_member AS every
                        WHERE every.group_name = merged #>> '{canaries,minion_group}' ORDER BY every.minion_id LIMIT 5) AS m),
                    'no members'))
            WHEN canaries > total AND p_override ? 'canaries' THEN format('%s canaries of %s', canaries,
                approval.counted(total, 'minion')) END;
    END IF;
    IF problem IS NULL THEN
        waves := approval.wave_ends(merged, total, least(canaries, total));
        problem := CASE
            WHEN cardinality(waves) > most_waves
                THEN format('%s waves, where %s are the most', cardinality(waves), most_waves)
            WHEN given IS NULL OR p_override IS NULL THEN NULL
            WHEN EXISTS (
                    SELECT FROM unnest(waves, approval.wave_ends(given, total, own_canaries)) AS w (own, allowed)
                    WHERE coalesce(w.own, total) > w.allowed)
                THEN format('waves of %s minions in all, where type %s allows %s', array_to_string(waves, ', '), p_type.type_name,
                            array_to_string(approval.wave_ends(given, total, own_canaries), ', '))
            WHEN soak < approval.duration('soak', given -> 'soak')
                THEN format('soak is %s, where type %s asks for %s', p_override ->> 'soak', p_type.type_name, given ->> 'soak')
            WHEN floor(approval.amount_of(p_override -> 'max_failures', total))
                    > coalesce(floor(approval.amount_of(given -> 'max_failures', total)), 0)
                THEN format('max_failures is %s, where type %s allows %s', p_override ->> 'max_failures', p_type.type_name,
                            coalesce(given ->> 'max_failures', '0'))
            WHEN (p_override ->> 'max_in_flight')::numeric > (given ->> 'max_in_flight')::numeric
                THEN format('max_in_flight is %s, where type %s allows %s', p_override ->> 'max_in_flight', p_type.type_name,
                            given ->> 'max_in_flight') END;
    END IF;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'rollout: ' || problem,
            HINT = CASE WHEN p_override IS NOT NULL AND given IS NOT NULL
                THEN format('A request may only be stricter than the rollout of its type: %s', given - 'resume')
                ELSE 'A rollout has canaries among the minions of the request, and somebody who decides when it halts.' END;
    END IF;
    RETURN merged;
END
$$;
COMMENT ON FUNCTION approval.rollout_for IS
    'Internal: the rollout of a request over these minions: that of its type, with what p_override makes stricter; NULL: it has '
    'none. Raises AP005 for one that cannot be satisfied, or is not within the type''s limits.';
