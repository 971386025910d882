CREATE OR REPLACE FUNCTION approval.verify_audit_by_session(p_token bytea, p_head text) RETURNS jsonb
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_problems constant integer := 50;
    actor record;
BEGIN
    actor := approval.acting_by_session(p_token);
    IF p_head !~ '^[0-9a-f]{64}$' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'a head is a hash of 64 hexadecimal digits';
    END IF;
    -- It reads all there is: one at a time leaves the database to others.
    IF NOT pg_try_advisory_xact_lock(hashtextextended('approval.verify_audit_by_session', 0)) THEN
        RAISE EXCEPTION USING ERRCODE = 'lock_not_available', MESSAGE = 'somebody else verifies the audit now';
    END IF;
    -- In one statement, so that the head is that of what was verified.
    RETURN (
        WITH problem AS MATERIALIZED (
            SELECT v.*, row_number() OVER () AS place FROM approval.verify_audit(actor.principal_id) AS v
        )
        SELECT jsonb_build_object(
            'problem_count', (SELECT count(*) FROM problem),
            'problems', (SELECT coalesce(jsonb_agg(to_jsonb(p) - 'place' ORDER BY p.place), '[]')
                         FROM problem AS p WHERE p.place <= shown_problems),
            'head', (SELECT to_jsonb(h) FROM approval.audit_head() AS h),
            'unsealed', (SELECT count(*) FROM approval.audit_stream AS s WHERE s.sealed_seq < s.head_seq),
            'kept', (SELECT s.seal_no FROM approval.audit_seal AS s WHERE s.hash = decode(p_head, 'hex'))));
END
$$;
COMMENT ON FUNCTION approval.verify_audit_by_session IS
    'Verifies the audit for a person with a session: {problem_count, problems: the first fifty, as approval.verify_audit has '
    'them, head: see approval.audit_head, unsealed: how many streams have acts that no seal covers, kept: the number of the seal '
    'that has the hash p_head, a head that somebody kept; null: none}. Raises AP001, AP002, AP005, AP020, AP021, AP025, and '
    '55P03 while somebody else does so. Definer: tables are private.';
