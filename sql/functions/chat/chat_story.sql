CREATE OR REPLACE FUNCTION approval.chat_story(
    p_thread text, p_provider text DEFAULT NULL, p_subject text DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kind constant text := split_part(p_thread, '/', 1);
    rest constant text := substr(p_thread, length(split_part(p_thread, '/', 1)) + 2);
    number constant bigint := substring(p_thread FROM '^(?:request|alarm|ask)/([0-9]{1,18})(?:/|$)')::bigint;
    -- Who reads a channel nobody knows.
    reader bigint := 0;
BEGIN
    IF p_provider IS NOT NULL THEN
        reader := (approval.acting_principal(p_provider, p_subject)).principal_id;
        IF kind <> 'request' OR NOT approval.may_read(reader, 'requests', number) THEN
            RETURN NULL;
        END IF;
    END IF;
    RETURN CASE kind
        WHEN 'request' THEN approval.readable_story(
            approval.covered_request(approval.request_story(number), approval.names_sensitive(number)),
            approval.may_read(reader, 'values', number))
        -- They see what they are asked to decide on, but for what is sensitive: that is looked at elsewhere, where it is recorded.
        WHEN 'ask' THEN approval.covered_request(approval.request_story(number), approval.names_sensitive(number))
            || jsonb_build_object('principal', substr(rest, strpos(rest, '/') + 1))
        WHEN 'job' THEN approval.readable_notice('jobs', approval.job_story(rest))
        WHEN 'alarm' THEN (
            SELECT approval.readable_notice('alarms', approval.alarm_notice(
                    a, CASE WHEN a.acknowledged_at IS NOT NULL THEN 'acknowledged'
                                                 WHEN a.muted_until IS NOT NULL THEN 'muted' ELSE 'raised' END))
                || jsonb_build_object('acknowledged_at', a.acknowledged_at, 'of_kind', a.kind, 'kind', 'alarm')
            FROM approval.alarm AS a WHERE a.alarm_id = number)
        WHEN 'drift' THEN (
            SELECT approval.readable_notice('drift', jsonb_build_object('kind', 'drift', 'minion', m.minion_id,
                'silence', (SELECT to_jsonb(s) - 'minion_id' FROM approval.silence AS s WHERE s.minion_id = m.minion_id),
                'count', (SELECT count(*) FROM approval.drift AS d WHERE d.minion_id = m.minion_id AND d.cleared_at IS NULL),
                'resources', (
                    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', d.kind, 'name', d.name, 'expected', d.expected)
                                                  || approval.shown_drift(d) ORDER BY d.kind, d.name), '[]')
                    FROM (SELECT * FROM approval.drift AS every
                          WHERE every.minion_id = m.minion_id AND every.cleared_at IS NULL
                          ORDER BY every.kind, every.name LIMIT 20) AS d)))
            FROM approval.minion AS m WHERE m.minion_id = rest) END;
END
$$;
COMMENT ON FUNCTION approval.chat_story IS
    'All that a message about the subject of a thread is made of, as it stands now: of request/N, ask/N/PRINCIPAL, job/JID, '
    'alarm/N or drift/MINION, with kind (of an alarm its own kind is of_kind). Of long lists the first 20. Commands are masked; '
    'all else is as somebody wrote it; but what not everybody may read, or is sensitive, is •••, as nobody knows who reads a '
    'channel. With an '
    'identity (provider, subject): of a request, as its principal may read it. NULL: nothing is known of it, or is to be read by '
    'them. Raises AP001, AP002, AP020. Definer: tables are private.';
