CREATE OR REPLACE FUNCTION approval.alarm_of_job(
    p_jid text, p_calls text[], p_user text, p_minions text[], p_command text, p_now timestamptz) RETURNS void
    -- It is called for each job that is published: planning its statements each time would take longer than they do.
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    few constant integer := 100;
    highstate constant text[] := ARRAY['state.apply', 'state.highstate'];
    rule approval.current_alarm_rule;
    counting text[];
    on_groups text[];
    counts_everywhere boolean;
    concerned text[];
    by_freeze record;
BEGIN
    FOR rule IN
        SELECT * FROM approval.current_alarm_rule AS r
        WHERE r.kind IN ('unapproved-job', 'run-in-freeze') AND r.enabled
            -- Most jobs call nothing that counts anywhere, and are done with here.
            AND (r.group_functions <> '{}' OR EXISTS (
                SELECT FROM unnest(p_calls) AS c (call) WHERE approval.matches_any(split_part(c.call, ' ', 1), r.functions)))
        ORDER BY r.kind DESC
    LOOP
        -- A run that applies nothing but approved states is no change of anybody's own. A highstate is that, too, beside all
        -- else: it only has to wait for the end of a freeze.
        counting := ARRAY(
            SELECT c.call FROM unnest(p_calls) AS c (call)
            WHERE c.call !~ E'^state\\.(apply|sls) approval$' AND c.call !~ E'^state\\.single approval\\.(?!performed$)'
                AND NOT (rule.kind = 'unapproved-job' AND c.call = ANY (highstate))
                AND NOT approval.matches_any(split_part(c.call, ' ', 1), rule.read_only));
        CONTINUE WHEN counting = '{}';
        counts_everywhere := EXISTS (
            SELECT FROM unnest(counting) AS c (call) WHERE approval.matches_any(split_part(c.call, ' ', 1), rule.functions));
        on_groups := ARRAY(
            SELECT g.key FROM jsonb_each(rule.group_functions) AS g, unnest(counting) AS c (call)
            WHERE approval.matches_any(
                split_part(c.call, ' ', 1), ARRAY(SELECT jsonb_array_elements_text(g.value))));
        CONTINUE WHEN NOT counts_everywhere AND on_groups = '{}';
        -- The engine writes down what it sends before it publishes it.
        EXIT WHEN EXISTS (SELECT FROM approval.dispatch AS d
                          WHERE d.minion_id = ANY (p_minions[1:few]) AND p_jid IN (d.jid, d.observe_jid));
        concerned := ARRAY(
            SELECT g.minion_id FROM unnest(p_minions) WITH ORDINALITY AS g (minion_id, place)
            WHERE counts_everywhere OR EXISTS (
                SELECT FROM approval.minion_group_member AS m WHERE m.minion_id = g.minion_id AND m.group_name = ANY (on_groups))
            ORDER BY g.place);
        IF rule.kind = 'unapproved-job' THEN
            concerned := ARRAY(
                SELECT g.minion_id FROM unnest(concerned) WITH ORDINALITY AS g (minion_id, place)
                -- The document of now counts: of before, which a load that waited in a spool is of, only the history is kept.
                WHERE EXISTS (SELECT FROM approval.document_in_force(clock_timestamp()) AS d
                              WHERE d.minion_id = g.minion_id AND d.item_ids <> '{}')
                ORDER BY g.place);
            CONTINUE WHEN concerned = '{}';
            PERFORM approval.raise_alarm(rule.kind, concerned, p_user || ' ' || p_command, NULL, jsonb_build_object(
                'who', p_user, 'what', p_command, 'jid', p_jid, 'alike', concat_ws(' ', p_user, (
                    SELECT string_agg(DISTINCT split_part(c.call, ' ', 1), ' ') FROM unnest(counting) AS c (call)))), p_now);
            CONTINUE;
        END IF;
        FOR by_freeze IN
            SELECT f.freeze_name, ARRAY(
                SELECT g.minion_id FROM unnest(concerned) WITH ORDINALITY AS g (minion_id, place)
                WHERE EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = g.minion_id AND m.removed_at IS NULL)
                    AND (f.minion_group IS NULL OR EXISTS (
                        SELECT FROM approval.minion_group_member AS m
                        WHERE m.minion_id = g.minion_id AND m.group_name = f.minion_group))
                ORDER BY g.place) AS minions
            FROM approval.freeze AS f
            -- One of a type says nothing of what people do by hand.
            WHERE f.starts_at <= p_now AND f.ends_at > p_now AND f.type_name IS NULL
            ORDER BY f.freeze_name
        LOOP
            CONTINUE WHEN by_freeze.minions = '{}';
            PERFORM approval.raise_alarm(
                rule.kind, by_freeze.minions, format('%s %s %s', by_freeze.freeze_name, p_user, p_command), NULL,
                jsonb_build_object('who', p_user, 'what', format('%s (in freeze %s)', p_command, by_freeze.freeze_name),
                                   'jid', p_jid, 'alike', p_user || ' ' || by_freeze.freeze_name), p_now);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION approval.alarm_of_job IS
    'Internal: raises alarms about a job that was published by hand: of kind unapproved-job on minions that something is approved '
    'for, of kind run-in-freeze on minions in a freeze. p_calls: what it runs, each a function, and of a state run behind a space '
    'what is applied (''state.apply nginx'', ''state.single pkg.installed''), without runs with test=True; p_command: the same for '
    'people, masked. Functions that only read, the approved state, and what the engine sends raise none.';
