CREATE OR REPLACE FUNCTION approval.note_expiry(p_site text, p_what text, p_expires_at timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    notice constant interval := interval '14 days';
    moment constant timestamptz := clock_timestamp();
    its_cause constant text := format('%s/%s/%s', p_site, p_what, p_expires_at AT TIME ZONE 'UTC');
BEGIN
    PERFORM approval.check_site(p_site);
    IF coalesce(p_what, '') = '' OR p_expires_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'it is to be said what expires, and when';
    ELSIF p_expires_at > moment + notice OR EXISTS (
            SELECT FROM approval.alarm AS a
            WHERE a.kind = 'token-expiry' AND a.cause = approval.alarm_key(its_cause) AND a.acknowledged_at IS NULL) THEN
        RETURN false;
    END IF;
    RETURN approval.raise_alarm('token-expiry', '{}', its_cause, NULL, jsonb_build_object('what', format(
        '%s: %s %s %s: nothing is read from or told to its tickets without it', p_site, p_what,
        CASE WHEN p_expires_at <= moment THEN 'expired' ELSE 'expires' END, approval.when_text(p_expires_at))), moment);
END
$$;
COMMENT ON FUNCTION approval.note_expiry IS
    'Raises an alarm where what a site is reached with (p_what, as "its token") expires within 14 days, or has; once as long as '
    'that is open. Gives whether it did. Raises AP002, AP005. Definer: tables are private.';
