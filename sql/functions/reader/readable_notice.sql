CREATE OR REPLACE FUNCTION approval.readable_notice(p_topic text, p_body jsonb) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.covered(CASE
    WHEN p_topic = 'drift' AND approval.readable_groups(0, 'values') IS NOT NULL
        THEN approval.hidden(p_body, '{expected,observed,text}')
    WHEN p_topic = 'jobs' AND approval.readable_groups(0, 'job_log') IS NOT NULL
        THEN approval.hidden(p_body, '{command,target}') - 'minions'
    WHEN p_topic = 'alarms' AND approval.readable_groups(0, 'job_log') IS NOT NULL
        THEN approval.hidden(p_body, '{what}')
    ELSE p_body END)
$$;
COMMENT ON FUNCTION approval.readable_notice IS
    'Internal: the body of a notice of a topic, for whoever reads where routes lead: without what not all known people '
    'may read, or is sensitive. '
    'That there is a notice, a route says.';
