CREATE OR REPLACE FUNCTION approval.show_values(p_look_no bigint, p_after text[] DEFAULT NULL, p_limit integer DEFAULT 1000)
    RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Long enough for all pages of a large request.
    lasts constant interval := interval '5 minutes';
    seen approval.look;
BEGIN
    IF cardinality(p_after) <> 3 OR array_position(p_after, NULL) IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'values are shown from behind a minion, a kind and a name';
    END IF;
    SELECT l.* INTO seen FROM approval.look AS l JOIN approval.principal AS p USING (principal_id)
    WHERE l.look_no = p_look_no AND l.login = session_user::regrole AND l.looked_at > clock_timestamp() - lasts
        AND p.disabled_at IS NULL
        -- What could still be rolled back is no record.
        AND pg_xact_status(l.xid) = 'committed' AND approval.may_read(p.principal_id, 'requests', l.request_id)
        AND approval.may_read(p.principal_id, 'values', l.request_id);
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = format('look %s is not recorded, or is over', quote_nullable(p_look_no)),
            HINT = 'Values are shown after the transaction that records the look: call approval.note_look in one of its own.';
    END IF;
    RETURN approval.sensitive_items(seen.request_id, p_after, p_limit);
END
$$;
COMMENT ON FUNCTION approval.show_values IS
    'The items of a request that are sensitive, as they are, for a look that approval.note_look has recorded in a transaction '
    'that has committed, by the same login, within 5 minutes: {request, items, next}, a page as approval.show_request has it. '
    'Raises AP002, AP005. Definer: tables are private.';
