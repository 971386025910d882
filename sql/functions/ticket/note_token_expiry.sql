CREATE OR REPLACE FUNCTION approval.note_token_expiry(p_site text, p_expires_at timestamptz) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment constant timestamptz := clock_timestamp();
    its_cause constant text := format('%s/%s', p_site, p_expires_at AT TIME ZONE 'UTC');
BEGIN
    PERFORM approval.check_site(p_site);
    IF p_expires_at IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('it is to be said when the token for %s expires', p_site);
    ELSIF p_expires_at > moment + interval '14 days' OR EXISTS (
            SELECT FROM approval.alarm AS a
            WHERE a.kind = 'token-expiry' AND a.cause = approval.alarm_key(its_cause) AND a.acknowledged_at IS NULL) THEN
        RETURN false;
    END IF;
    RETURN approval.raise_alarm('token-expiry', '{}', its_cause, NULL, jsonb_build_object('what', format(
        'the token for %s %s %s: without it no ticket is read there, and none told', p_site,
        CASE WHEN p_expires_at <= moment THEN 'expired' ELSE 'expires' END, approval.when_text(p_expires_at))), moment);
END
$$;
COMMENT ON FUNCTION approval.note_token_expiry IS
    'Raises an alarm where the token that a site is reached with expires within 14 days, or has; once as long as that is open. '
    'Gives whether it did. Raises AP002, AP005. Definer: tables are private.';
