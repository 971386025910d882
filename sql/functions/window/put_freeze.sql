CREATE OR REPLACE FUNCTION approval.put_freeze(
    p_name text, p_starts_at timestamptz, p_ends_at timestamptz, p_type text, p_minion_group text, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF p_type IS NOT NULL THEN
        PERFORM approval.current_type(p_type);
    END IF;
    INSERT INTO approval.freeze AS f VALUES (p_name, p_starts_at, p_ends_at, p_type, p_minion_group, coalesce(p_reason, ''))
    ON CONFLICT (freeze_name) DO UPDATE
    SET starts_at = excluded.starts_at, ends_at = excluded.ends_at, type_name = excluded.type_name,
        minion_group = excluded.minion_group, reason = excluded.reason
    WHERE f IS DISTINCT FROM excluded;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    PERFORM approval.audit_append(0, now(), 'freeze-put', NULL, NULL, NULL, jsonb_build_object(
        'freeze', p_name, 'from', p_starts_at, 'until', p_ends_at, 'type', p_type, 'minion_group', p_minion_group,
            'reason', p_reason));
    PERFORM approval.refresh_documents(approval.held_minions(NULL));
    RETURN true;
EXCEPTION WHEN check_violation OR not_null_violation OR foreign_key_violation THEN
    RAISE EXCEPTION USING ERRCODE = 'AP017',
        MESSAGE = format('freeze %s: it needs a name, a known minion group or none, and an end after its beginning', p_name);
END
$$;
COMMENT ON FUNCTION approval.put_freeze IS
    'Holds back every change not yet applied between two times: of a type, on a group of minions, or (NULL) all. Denies whatever '
    'window is open. Gives whether anything changed. Raises AP003, AP017. Definer: policy changes are audited.';
