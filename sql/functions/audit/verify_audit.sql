CREATE OR REPLACE FUNCTION approval.verify_audit(p_reader bigint DEFAULT NULL)
    RETURNS TABLE (stream bigint, seq bigint, problem text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.check_audit_reader(approval.reading_as(p_reader));
WITH vouched AS MATERIALIZED (
    -- Of several acts that name an entry the last one counts; an act that was altered itself vouches for nothing.
    SELECT DISTINCT ON (v.entry ->> 0, v.entry ->> 1) v.entry ->> 0 AS stream, v.entry ->> 1 AS seq, v.entry ->> 2 AS content
    FROM approval.audit_entry AS a
    CROSS JOIN LATERAL (SELECT CASE WHEN a.hash = approval.audit_hash(
        a.stream, a.seq, a.at, a.act, a.principal, a.identity, a.login_role, a.assurance, a.detail, a.previous_hash)
        THEN a.detail::jsonb -> 'entries' END AS entries) AS named
    CROSS JOIN LATERAL jsonb_array_elements(
        CASE jsonb_typeof(named.entries) WHEN 'array' THEN named.entries ELSE '[]' END) AS v (entry)
    WHERE a.stream = 0 AND a.act = 'pseudonymised'
    ORDER BY v.entry ->> 0, v.entry ->> 1, a.seq DESC
), entry AS (
    SELECT e.*, lag(e.seq, 1, 0::bigint) OVER chain AS seq_before, lag(e.hash, 1, ''::bytea) OVER chain AS hash_before
    FROM approval.audit_entry AS e
    WINDOW chain AS (PARTITION BY e.stream ORDER BY e.seq)
), seal AS (
    SELECT s.*, lag(s.seal_no, 1, 0::bigint) OVER chain AS no_before, lag(s.hash, 1, ''::bytea) OVER chain AS hash_before
    FROM approval.audit_seal AS s
    WINDOW chain AS (ORDER BY s.seal_no)
), problem AS (
    SELECT e.stream, e.seq, 'the entry was altered: its content does not give its hash' AS problem
    FROM entry AS e
    CROSS JOIN LATERAL (SELECT approval.audit_hash(
        e.stream, e.seq, e.at, e.act, e.principal, e.identity, e.login_role, e.assurance, e.detail,
        e.previous_hash)) AS content (hash)
    LEFT JOIN vouched AS v ON v.stream = e.stream::text AND v.seq = e.seq::text
    WHERE e.hash <> content.hash AND v.content IS DISTINCT FROM encode(content.hash, 'hex')
    UNION ALL
    SELECT e.stream, e.seq, format('entries are missing: %s is followed by %s', e.seq_before, e.seq)
    FROM entry AS e WHERE e.seq <> e.seq_before + 1
    UNION ALL
    SELECT e.stream, e.seq, 'the entry does not continue the one before it'
    FROM entry AS e WHERE e.seq = e.seq_before + 1 AND e.previous_hash <> e.hash_before
    UNION ALL
    SELECT h.stream, h.head_seq, 'the chain does not end where its head says'
    FROM approval.audit_stream AS h
    LEFT JOIN LATERAL (SELECT e.seq, e.hash FROM approval.audit_entry AS e WHERE e.stream = h.stream
        ORDER BY e.seq DESC LIMIT 1) AS last
        ON true
    WHERE h.head_seq IS DISTINCT FROM coalesce(last.seq, 0) OR h.head_hash IS DISTINCT FROM coalesce(last.hash, ''::bytea)
    UNION ALL
    SELECT c.stream, c.seq, format('seal %s covers another hash than this entry has', c.seal_no)
    FROM approval.audit_sealed_head AS c
    LEFT JOIN approval.audit_entry AS e ON e.stream = c.stream AND e.seq = c.seq
    WHERE e.hash IS DISTINCT FROM c.hash
    UNION ALL
    SELECT NULL, s.seal_no, 'the seal was altered, or does not continue the one before it'
    FROM seal AS s
    WHERE s.seal_no <> s.no_before + 1 OR s.previous_hash <> s.hash_before
        OR s.hash <> approval.seal_hash(s.seal_no, s.sealed_at, s.previous_hash)
)
SELECT p.stream, p.seq, p.problem FROM problem AS p ORDER BY p.stream NULLS LAST, p.seq, p.problem
$$;
COMMENT ON FUNCTION approval.verify_audit IS
    'Recomputes every chain and seal. No row: intact. A row names the stream and entry (for a seal: NULL and its number) and '
    'what is wrong. An entry whose content does not give its hash is whole if an act pseudonymised of stream 0 names that '
    'content: [stream, seq, audit_hash] in its entries. p_reader: see reading_as. Raises AP025. Definer: those who may verify '
    'need not read everything.';
