CREATE OR REPLACE FUNCTION approval.is_about_groups(p_thread text, p_request_id bigint, p_body jsonb, p_groups text[])
    RETURNS boolean
    LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    job approval.job_log;
BEGIN
    IF p_request_id IS NOT NULL THEN
        RETURN EXISTS (
            SELECT FROM approval.current_item AS i JOIN approval.minion_group_member AS m USING (minion_id)
            WHERE i.request_id = p_request_id AND m.group_name = ANY (p_groups));
    ELSIF starts_with(p_thread, 'job/') AND p_body ? 'published_at' THEN
        SELECT * INTO job FROM approval.job_log AS l
        WHERE l.published_at = (p_body ->> 'published_at')::timestamptz AND l.jid = p_body ->> 'jid';
        -- From the side that has fewer: most jobs are for few minions, and groups may have many.
        IF job.minions IS NOT NULL THEN
            RETURN EXISTS (
                SELECT FROM approval.minion_number AS n JOIN approval.minion_group_member AS m USING (minion_id)
                WHERE n.minion_number = ANY (job.minions) AND m.group_name = ANY (p_groups));
        END IF;
        RETURN EXISTS (
            SELECT FROM approval.minion_group_member AS m JOIN approval.minion_number AS n USING (minion_id)
            WHERE m.group_name = ANY (p_groups) AND approval.log_names(NULL, job.minion_bits, n.minion_number));
    END IF;
    RETURN EXISTS (
        SELECT FROM approval.minion_group_member AS m
        WHERE m.group_name = ANY (p_groups) AND (
            p_body -> 'minions' ? m.minion_id OR p_body ->> 'minion' = m.minion_id OR p_thread = 'drift/' || m.minion_id));
END
$$;
COMMENT ON FUNCTION approval.is_about_groups IS
    'Internal: whether a notice is about a minion of one of the groups: of the request; of the job, as the log has it; or named by '
    'its body (minion, minions) or its thread.';
