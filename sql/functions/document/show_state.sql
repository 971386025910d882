CREATE OR REPLACE FUNCTION approval.show_state(p_minion_id text, p_reader bigint DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    reader constant bigint := approval.reading_as(p_reader);
    readable constant text[] := approval.readable_groups(reader, 'requests');
    result jsonb;
BEGIN
    IF NOT EXISTS (SELECT FROM approval.minion AS m
                   WHERE m.minion_id = p_minion_id AND approval.in_groups(m.minion_id, readable)) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004', MESSAGE = format('unknown minion: %s', quote_nullable(p_minion_id)),
            HINT = 'The engine registers a minion once its key is accepted; so does salt-approval minion add.';
    END IF;
    SELECT jsonb_build_object('minion', p_minion_id, 'held', (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'kind', i.kind, 'name', i.name, 'type', i.type, 'value', approval.item_arguments(i), 'request', i.request_id,
            'until', nullif(b.until, 'infinity'), 'by', b.by) ORDER BY i.kind, i.name, i.approval_seq), '[]')
        FROM approval.item AS i, approval.held_back(i.minion_id, i.item_id, moment) AS b
        WHERE i.minion_id = p_minion_id AND i.state = 'approved' AND i.applied_at IS NULL),
            'documents', coalesce(jsonb_agg(jsonb_build_object(
        'revision', d.revision, 'digest', d.digest, 'valid_from', nullif(d.valid_from, '-infinity'),
        'valid_until', nullif(d.valid_until, 'infinity'), 'in_force', d.valid_from <= moment AND d.valid_until > moment,
        'items', (
            SELECT coalesce(jsonb_agg(jsonb_build_object(
                'kind', e.kind, 'name', e.name, 'type', e.type, 'value', e.content, 'request', i.request_id,
                'outcome', i.outcome, 'standing', CASE WHEN f.item_id IS NULL THEN i.outcome ELSE 'drifted' END,
                'applied_at', i.applied_at, 'observed', i.observed, 'drift', approval.shown_drift(f), 'text', i.outcome_text)
                ORDER BY e.ordinal), '[]')
            FROM unnest(d.kinds, d.names, d.types, d.contents, d.item_ids) WITH ORDINALITY
                AS e (kind, name, type, content, item_id, ordinal)
            JOIN approval.item AS i ON i.minion_id = d.minion_id AND i.item_id = e.item_id
            LEFT JOIN approval.drift AS f ON f.minion_id = i.minion_id AND f.item_id = i.item_id AND f.cleared_at IS NULL))
                ORDER BY d.valid_from), '[]'))
    INTO result
    FROM approval.document AS d
    WHERE d.minion_id = p_minion_id AND d.valid_until > moment;
    IF NOT approval.in_groups(p_minion_id, approval.readable_groups(reader, 'values')) THEN
        -- By a digest of what has few possible values these can be tried.
        result := approval.hidden(result, '{value,observed,text,digest}');
    END IF;
    IF NOT approval.sees_sensitive(p_reader) THEN
        -- Its digest as well, of a document that has any.
        result := approval.covered(result) || jsonb_build_object('documents', (
            SELECT coalesce(jsonb_agg(CASE WHEN EXISTS (
                    SELECT FROM jsonb_array_elements(d.document -> 'items') AS i
                    WHERE approval.is_sensitive(i ->> 'kind', i ->> 'name'))
                THEN approval.hidden(approval.covered(d.document), '{digest}') ELSE d.document END ORDER BY d.place), '[]')
            FROM jsonb_array_elements(result -> 'documents') WITH ORDINALITY AS d (document, place)));
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.show_state IS
    'The documents of a minion, of now and of later; with the request behind each resource, what came of it, and its drift. '
    'held: what is approved and held back, until when and by what (see held_back). No keys; values are ••• for the login, or '
    'for p_reader (see reading_as), where they may not read them, see also sees_sensitive. Raises AP004. '
    'Definer: tables are private.';
