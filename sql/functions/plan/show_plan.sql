CREATE OR REPLACE FUNCTION approval.show_plan(p_request_id bigint) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown_minions constant integer := 1000;
    summary jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.request WHERE request_id = p_request_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    summary := approval.plan_summary(p_request_id);
    RETURN jsonb_build_object('request', p_request_id, 'summary', summary, 'answers', (
        SELECT coalesce(jsonb_agg(jsonb_build_object('minion', m.minion_id, 'outcome', m.outcome, 'changes', m.changes,
            'comment', m.comment)
                                  ORDER BY m.minion_id COLLATE "C"), '[]')
        FROM (SELECT * FROM approval.request_plan_minion AS every
              WHERE every.request_id = p_request_id AND every.plan_no = (summary ->> 'plan')::integer
              ORDER BY every.minion_id COLLATE "C" LIMIT shown_minions) AS m));
END
$$;
COMMENT ON FUNCTION approval.show_plan IS
    'The newest plan of a request: its summary (null: none was made) and the answers of its first thousand minions. Raises AP014. '
    'Definer: tables are private.';
