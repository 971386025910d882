CREATE OR REPLACE FUNCTION approval.show_plan(p_request_id bigint, p_reader bigint DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_minions constant integer := 1000;
    reader constant bigint := approval.reading_as(p_reader);
    summary jsonb;
    shown jsonb;
BEGIN
    PERFORM approval.check_reader_of(reader, p_request_id);
    IF NOT EXISTS (SELECT FROM approval.request WHERE request_id = p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    summary := approval.plan_summary(p_request_id);
    shown := jsonb_build_object('request', p_request_id, 'summary', summary, 'answers', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('minion', m.minion_id, 'outcome', m.outcome, 'changes', m.changes,
            'comment', m.comment)
                                  ORDER BY m.minion_id COLLATE "C"), '[]')
        FROM (SELECT * FROM approval.request_plan_minion AS every
              WHERE every.request_id = p_request_id AND every.plan_no = (summary ->> 'plan')::integer
              ORDER BY every.minion_id COLLATE "C" LIMIT shown_minions) AS m));
    IF approval.may_read(reader, 'values', p_request_id)
        AND (approval.sees_sensitive(p_reader) OR NOT approval.names_sensitive(p_request_id)) THEN
        RETURN shown;
    END IF;
    RETURN approval.hidden_plan(shown);
END
$$;
COMMENT ON FUNCTION approval.show_plan IS
    'The newest plan of a request: its summary (null: none was made) and the answers of its first thousand minions, without values '
    'for the login, or for p_reader (see reading_as), where they may not read them, or some are sensitive (see '
    'sees_sensitive). Raises AP014. '
    'Definer: tables are private.';
