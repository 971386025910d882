CREATE OR REPLACE FUNCTION approval.rewrite_documents(p_minions text[], p_now timestamptz) RETURNS bigint[]
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    overtaken bigint[];
BEGIN
    -- An item that another in force has overtaken is out of force for good; one overtaken only later still holds until then.
    WITH lost AS (
        UPDATE approval.item AS loser
        SET state = 'superseded'
        WHERE loser.minion_id = ANY (p_minions) AND loser.state = 'approved'
            AND EXISTS (
                SELECT FROM approval.item AS winner
                WHERE winner.minion_id = loser.minion_id AND winner.kind = loser.kind AND winner.name = loser.name
                    AND winner.state = 'approved'
                    AND (winner.effective_at, winner.approval_seq) > (loser.effective_at, loser.approval_seq)
                    AND winner.effective_at <= p_now)
        RETURNING loser.request_id
    )
    SELECT array_agg(DISTINCT request_id ORDER BY request_id) INTO overtaken FROM lost;

    DELETE FROM approval.document WHERE minion_id = ANY (p_minions);

    WITH instant AS (
        SELECT minion_id, p_now AS at FROM unnest(p_minions) AS given (minion_id)
        UNION
        SELECT minion_id, effective_at FROM approval.item
        WHERE minion_id = ANY (p_minions) AND state = 'approved' AND effective_at > p_now
    ), holding AS (
        SELECT DISTINCT ON (i.minion_id, instant.at, i.kind, i.name)
            i.minion_id, instant.at, i.kind, i.name, i.item_id,
            CASE WHEN i.pinned IS NULL THEN i.type ELSE 'version' END AS type,
            coalesce(i.pinned, i.content) AS content
        FROM instant
        JOIN approval.item AS i ON i.minion_id = instant.minion_id AND i.state = 'approved' AND i.effective_at <= instant.at
        ORDER BY i.minion_id, instant.at, i.kind, i.name, i.effective_at DESC, i.approval_seq DESC
    ), assembled AS (
        SELECT instant.minion_id, instant.at,
            coalesce(array_agg(h.kind ORDER BY h.kind COLLATE "C", h.name COLLATE "C") FILTER (WHERE h.kind IS NOT NULL), '{}') AS kinds,
            coalesce(array_agg(h.name ORDER BY h.kind COLLATE "C", h.name COLLATE "C") FILTER (WHERE h.kind IS NOT NULL), '{}') AS names,
            coalesce(array_agg(h.type ORDER BY h.kind COLLATE "C", h.name COLLATE "C") FILTER (WHERE h.kind IS NOT NULL), '{}') AS types,
            coalesce(array_agg(h.content ORDER BY h.kind COLLATE "C", h.name COLLATE "C") FILTER (WHERE h.kind IS NOT NULL), '{}')
                AS contents,
            coalesce(array_agg(h.item_id ORDER BY h.kind COLLATE "C", h.name COLLATE "C") FILTER (WHERE h.kind IS NOT NULL), '{}')
                AS item_ids
        FROM instant LEFT JOIN holding AS h ON h.minion_id = instant.minion_id AND h.at = instant.at
        GROUP BY instant.minion_id, instant.at
    ), numbered AS (
        SELECT a.*, m.revision + row_number() OVER per_minion AS revision,
            lag(a.at) OVER per_minion IS NULL AS is_first,
            coalesce(lead(a.at) OVER per_minion, 'infinity') AS until
        FROM assembled AS a JOIN approval.minion AS m USING (minion_id)
        WINDOW per_minion AS (PARTITION BY a.minion_id ORDER BY a.at)
    ), written AS (
        INSERT INTO approval.document
            (minion_id, valid_from, valid_until, revision, digest, evidence_key, kinds, names, types, contents, item_ids)
        SELECT minion_id, CASE WHEN is_first THEN '-infinity' ELSE at END, until, revision,
            approval.document_digest(minion_id, revision, kinds, names, types, contents),
            sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
            kinds, names, types, contents, item_ids
        FROM numbered
        RETURNING *
    ), kept AS (
        INSERT INTO approval.document_history
            (minion_id, revision, valid_from, written_at, digest, evidence_key, kinds, names, types, contents, item_ids)
        SELECT minion_id, revision, greatest(valid_from, p_now), p_now, digest, evidence_key, kinds, names, types, contents, item_ids
        FROM written
        RETURNING minion_id, revision
    )
    UPDATE approval.minion AS m SET revision = newest.revision
    FROM (SELECT minion_id, max(revision) AS revision FROM kept GROUP BY minion_id) AS newest
    WHERE m.minion_id = newest.minion_id;

    -- Readers that keep a copy are told once per transaction; the notice carries nothing, reading is the truth.
    NOTIFY approval_changed;
    RETURN coalesce(overtaken, '{}');
END
$$;
COMMENT ON FUNCTION approval.rewrite_documents(text[], timestamptz) IS
    'Internal: writes the documents of these minions anew, for now and each known future change, with new revisions, digests and keys. '
    'Gives the requests that lost an item by it: the caller settles them. The caller holds approval.lock_minions, and p_now is not before '
    'the time that it gave.';
