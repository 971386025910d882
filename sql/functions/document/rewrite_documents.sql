CREATE OR REPLACE FUNCTION approval.rewrite_documents(p_minions text[], p_now timestamptz) RETURNS bigint[]
    -- Compiled just in time, the statement would take seconds to begin, for a thousand minions as for a hundred thousand.
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET jit = off AS $$
DECLARE
    openings_ahead constant integer := 4;
    overtaken bigint[];
BEGIN
    overtaken := approval.supersede_items(p_minions, p_now);

    DELETE FROM approval.document WHERE minion_id = ANY (p_minions);

    WITH candidate AS (
        SELECT i.minion_id, i.kind, i.name, i.item_id, i.effective_at, i.approval_seq, i.applied_at,
            coalesce(i.expires_at, 'infinity') AS expires_at,
            CASE WHEN i.pinned IS NULL THEN i.type ELSE 'version' END AS type,
            coalesce(i.pinned, i.content) AS content
        FROM approval.item AS i
        WHERE i.minion_id = ANY (p_minions) AND i.state = 'approved' AND i.kind <> 'action'
            AND (i.expires_at IS NULL OR i.expires_at > p_now)
    ), held AS MATERIALIZED (
        -- Only so many openings ahead; after the last of them the calendar counts as closed until documents are written again.
        SELECT h.minion_id, h.item_id, h.starts_at, h.ends_at
        FROM (SELECT array_agg(c.minion_id) AS minions, array_agg(c.item_id) AS items
              FROM candidate AS c WHERE c.applied_at IS NULL) AS new,
            approval.holds(new.minions, new.items, p_now, openings_ahead) AS h
    ), instant AS (
        SELECT minion_id, p_now AS at FROM unnest(p_minions) AS given (minion_id)
        UNION
        SELECT edge.minion_id, edge.at
        FROM (SELECT minion_id, effective_at AS at FROM candidate
              UNION SELECT minion_id, expires_at FROM candidate
              UNION SELECT minion_id, starts_at FROM held
              UNION SELECT minion_id, ends_at FROM held) AS edge
        WHERE edge.at > p_now AND edge.at < 'infinity'
    ), holding AS (
        SELECT DISTINCT ON (c.minion_id, instant.at, c.kind, c.name)
            c.minion_id, instant.at, c.kind, c.name, c.item_id, c.type, c.content
        FROM instant
        JOIN candidate AS c ON c.minion_id = instant.minion_id AND c.effective_at <= instant.at AND c.expires_at > instant.at
        WHERE NOT EXISTS (
            SELECT FROM held AS h
            WHERE h.minion_id = c.minion_id AND h.item_id = c.item_id AND h.starts_at <= instant.at AND h.ends_at > instant.at)
        ORDER BY c.minion_id, instant.at, c.kind, c.name, c.effective_at DESC, c.approval_seq DESC
    ), assembled AS (
        -- Sorted once for all of the arrays; what a group gets stays in this order, however it is grouped.
        SELECT s.minion_id, s.at,
            coalesce(array_agg(s.kind) FILTER (WHERE s.kind IS NOT NULL), '{}') AS kinds,
            coalesce(array_agg(s.name) FILTER (WHERE s.kind IS NOT NULL), '{}') AS names,
            coalesce(array_agg(s.type) FILTER (WHERE s.kind IS NOT NULL), '{}') AS types,
            coalesce(array_agg(s.content) FILTER (WHERE s.kind IS NOT NULL), '{}') AS contents,
            coalesce(array_agg(s.item_id) FILTER (WHERE s.kind IS NOT NULL), '{}') AS item_ids,
            string_agg(approval.item_fields(s.kind, s.name, s.type, s.content), '') FILTER (WHERE s.kind IS NOT NULL) AS fields
        FROM (SELECT instant.minion_id, instant.at, h.kind, h.name, h.type, h.content, h.item_id
              FROM instant LEFT JOIN holding AS h ON h.minion_id = instant.minion_id AND h.at = instant.at
              ORDER BY instant.minion_id, instant.at, h.kind COLLATE "C", h.name COLLATE "C") AS s
        GROUP BY s.minion_id, s.at
    ), changing AS (
        -- An edge that changes nothing on this minion makes no document.
        SELECT a.*
        FROM (SELECT a.*, lag(a.item_ids) OVER (PARTITION BY a.minion_id ORDER BY a.at) AS ids_before FROM assembled AS a) AS a
        WHERE a.ids_before IS DISTINCT FROM a.item_ids
    ), numbered AS (
        SELECT c.*, m.revision + row_number() OVER per_minion AS revision,
            lag(c.at) OVER per_minion IS NULL AS is_first,
            coalesce(lead(c.at) OVER per_minion, 'infinity') AS until
        FROM changing AS c JOIN approval.minion AS m USING (minion_id)
        WINDOW per_minion AS (PARTITION BY c.minion_id ORDER BY c.at)
    ), written AS (
        INSERT INTO approval.document
            (minion_id, valid_from, valid_until, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
        SELECT minion_id, CASE WHEN is_first THEN '-infinity' ELSE at END, until, revision,
            approval.document_digest(minion_id, revision, fields),
            sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
            kinds, names, types, contents, item_ids
        FROM numbered
        RETURNING *
    ), kept AS (
        INSERT INTO approval.document_history
            (minion_id, revision, valid_from, written_at, digest, evidence_key, kinds, names, types, contents, item_ids)
        SELECT minion_id, revision, greatest(valid_from, p_now), p_now, digest, evidence_key, kinds, names, types, contents,
            item_ids
        FROM written
        RETURNING minion_id, revision
    )
    UPDATE approval.minion AS m SET revision = newest.revision
    FROM (SELECT minion_id, max(revision) AS revision FROM kept GROUP BY minion_id) AS newest
    WHERE m.minion_id = newest.minion_id;

    -- Readers that keep a copy are told once per transaction; the notice carries nothing, reading is the truth.
    NOTIFY approval_documents;
    RETURN overtaken;
END
$$;
COMMENT ON FUNCTION approval.rewrite_documents IS
    'Internal: writes the documents of these minions anew, for now and each known future change, with new revisions, digests and '
    'keys. Gives the requests that lost an item by it: the caller settles them. The caller holds approval.lock_minions, and p_now '
    'is not before the time that it gave.';
