CREATE OR REPLACE FUNCTION approval.rollout_problem(p_rollout jsonb) RETURNS text
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known constant text[] := ARRAY['canaries', 'steps', 'soak', 'max_failures', 'max_in_flight', 'resume'];
    most_steps constant integer := 100;
    canaries constant jsonb := p_rollout -> 'canaries';
    steps constant jsonb := p_rollout -> 'steps';
    resume constant jsonb := p_rollout -> 'resume';
    unknown text;
    problem text;
BEGIN
    IF jsonb_typeof(p_rollout) <> 'object' OR p_rollout = '{}' THEN
        RETURN format('it has some of %s', array_to_string(known, ', '));
    END IF;
    SELECT string_agg(key, ', ' ORDER BY key) INTO unknown FROM jsonb_object_keys(p_rollout) AS key WHERE key <> ALL (known);
    IF unknown IS NOT NULL THEN
        RETURN format('unknown key %s (known: %s)', unknown, array_to_string(known, ', '));
    END IF;
    problem := CASE
        WHEN jsonb_typeof(canaries) = 'object' THEN CASE
            WHEN canaries - 'minion_group' <> '{}' OR jsonb_typeof(canaries -> 'minion_group') IS DISTINCT FROM 'string'
                THEN 'canaries is a number, a share, or {minion_group: NAME}'
            WHEN NOT EXISTS (SELECT FROM approval.minion_group AS g WHERE g.group_name = canaries ->> 'minion_group')
                THEN format('canaries: there is no minion group %s', canaries ->> 'minion_group') END
        WHEN canaries IS NOT NULL THEN approval.check_amount('canaries', canaries, 1) END;
    IF problem IS NULL AND jsonb_typeof(steps) = 'array' THEN
        SELECT CASE
            WHEN count(*) NOT BETWEEN 1 AND most_steps THEN format('steps has from 1 to %s entries', most_steps)
            WHEN count(s.problem) > 0 THEN min(s.problem)
            WHEN count(DISTINCT jsonb_typeof(s.step)) > 1 THEN 'steps are all numbers or all shares'
            WHEN bool_or(s.amount <= s.before)
                THEN 'steps grow: each says how many minions are done in all once it is done, as in ["10%", "50%"]' END
        INTO problem
        FROM (SELECT e.step, approval.check_amount('an entry of steps', e.step, 1) AS problem, a.amount,
                  lag(a.amount) OVER (ORDER BY e.place) AS before
              FROM jsonb_array_elements(steps) WITH ORDINALITY AS e (step, place)
              CROSS JOIN LATERAL (SELECT CASE WHEN approval.check_amount('', e.step, 1) IS NULL
                                      THEN approval.amount_of(e.step, 100) END AS amount) AS a) AS s;
    ELSIF problem IS NULL AND steps IS NOT NULL THEN
        problem := approval.check_amount('steps', steps, 1);
    END IF;
    RETURN coalesce(problem, CASE
        WHEN p_rollout ? 'max_failures' THEN approval.check_amount('max_failures', p_rollout -> 'max_failures', 0) END, CASE
        WHEN jsonb_typeof(p_rollout -> 'max_in_flight') <> 'number' THEN 'max_in_flight is a number of minions'
        WHEN p_rollout ? 'max_in_flight' THEN approval.check_amount('max_in_flight', p_rollout -> 'max_in_flight', 1) END, CASE
        WHEN resume IS NULL THEN NULL
        WHEN jsonb_typeof(resume) <> 'object' OR resume - 'group' - 'min_assurance' <> '{}'
            OR jsonb_typeof(resume -> 'group') IS DISTINCT FROM 'string'
            THEN 'resume is {group: NAME}, perhaps with min_assurance'
        WHEN NOT EXISTS (
            SELECT FROM approval.principal_group AS g WHERE g.group_name = resume ->> 'group')
            THEN format('resume: there is no group %s', resume ->> 'group')
        WHEN resume ? 'min_assurance' AND NOT EXISTS (
            SELECT FROM approval.assurance AS a WHERE a.assurance = resume ->> 'min_assurance')
            THEN format('resume: %s is not an assurance', resume -> 'min_assurance') END);
EXCEPTION WHEN numeric_value_out_of_range THEN
    RETURN 'a number in it is too large';
END
$$;
COMMENT ON FUNCTION approval.rollout_problem IS
    'Internal: a sentence that says why this cannot be a rollout, of a type or of a request, but for its soak, which '
    'approval.duration checks; NULL: it can.';
