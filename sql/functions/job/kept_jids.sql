CREATE OR REPLACE FUNCTION approval.kept_jids(p_now timestamptz) RETURNS TABLE (first_jid text, last_jid text)
    -- Without a search_path of its own, so that it is inlined.
    LANGUAGE sql STABLE AS $$
-- A day more at both ends than asked for, as a jid may be in the master's local time.
SELECT to_char((p_now - interval '1 day' - make_interval(hours => s.content::integer)) AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS'),
    to_char((p_now + interval '2 days') AT TIME ZONE 'UTC', 'YYYYMMDDHH24MISS')
FROM approval.setting AS s WHERE s.name = 'keep_jobs_hours'
$$;
COMMENT ON FUNCTION approval.kept_jids IS
    'Internal: between which two texts the jids of jobs are that are still kept, or of the day to come. A jid''s digits name its '
    'time.';
