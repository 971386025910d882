CREATE OR REPLACE FUNCTION approval.make_partition(p_parent text, p_day date, p_from text, p_until text) RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    partition text := p_parent || to_char(p_day, '"_"YYYYMMDD');
    partition_key text := CASE p_parent WHEN 'event' THEN 'received_at' WHEN 'job_log' THEN 'published_at' ELSE 'jid' END;
BEGIN
    IF to_regclass(format('approval.%I', partition)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Payloads are compressed already, and findings gain less by it than it costs: what fits into a page is stored as it is.
    -- The job log has nothing of the kind.
    EXECUTE format('CREATE TABLE approval.%I (LIKE approval.%I INCLUDING ALL) WITH (toast_tuple_target = %s)',
        partition, p_parent, CASE p_parent WHEN 'job_log' THEN 2032 ELSE 8160 END);
    -- Rows that came before the partition was made wait in the default one.
    EXECUTE format('WITH moved AS (DELETE FROM approval.%I WHERE %I >= %L AND %I < %L RETURNING *) '
                   'INSERT INTO approval.%I OVERRIDING SYSTEM VALUE SELECT * FROM moved',
                   p_parent || '_default', partition_key, p_from, partition_key, p_until, partition);
    EXECUTE format('ALTER TABLE approval.%I ATTACH PARTITION approval.%I FOR VALUES FROM (%L) TO (%L)',
                   p_parent, partition, p_from, p_until);
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.make_partition IS
    'Internal: makes the partition that begins with a day, with what the default partition holds of it; gives false if it was '
    'there.';
