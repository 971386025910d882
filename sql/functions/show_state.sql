CREATE OR REPLACE FUNCTION approval.show_state(p_minion_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.minion WHERE minion_id = p_minion_id) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_nullable(p_minion_id)),
            HINT = 'The engine registers a minion once its key is accepted; so does salt-approval minion add.';
    END IF;
    SELECT jsonb_build_object('minion', p_minion_id, 'documents', coalesce(jsonb_agg(jsonb_build_object(
        'revision', d.revision, 'digest', d.digest, 'valid_from', nullif(d.valid_from, '-infinity'),
        'valid_until', nullif(d.valid_until, 'infinity'), 'in_force', d.valid_from <= now() AND d.valid_until > now(),
        'items', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'kind', e.kind, 'name', e.name, 'type', e.type, 'value', e.content, 'request', i.request_id,
                'outcome', i.outcome, 'applied_at', i.applied_at, 'observed', i.observed) ORDER BY e.ordinal), '[]')
            FROM unnest(d.kinds, d.names, d.types, d.contents, d.item_ids) WITH ORDINALITY
                AS e (kind, name, type, content, item_id, ordinal)
            JOIN approval.item AS i ON i.minion_id = d.minion_id AND i.item_id = e.item_id)) ORDER BY d.valid_from), '[]'))
    INTO result
    FROM approval.document AS d
    WHERE d.minion_id = p_minion_id AND d.valid_until > now();
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.show_state(text) IS
    'What is approved for a minion now, and what will be; with the request behind each resource and what came of it. No keys. '
    'Raises AP004. Definer: tables are private.';
