CREATE OR REPLACE FUNCTION approval.words_of(p_person approval.principal, p_pseudonym text) RETURNS jsonb
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
WITH account AS (
    SELECT used.provider, used.subject
    FROM (
        SELECT i.provider, i.subject FROM approval.identity AS i WHERE i.principal_id = p_person.principal_id
        UNION
        SELECT d.provider, d.subject FROM approval.decision AS d WHERE d.principal_id = p_person.principal_id
        UNION
        SELECT split_part(own.identity, ':', 1), substr(own.identity, strpos(own.identity, ':') + 1)
        FROM (
            SELECT e.identity FROM approval.audit_entry AS e WHERE e.principal = p_person.name AND e.identity IS NOT NULL
            UNION
            SELECT e.detail::jsonb ->> 'identity' FROM approval.audit_entry AS e
            WHERE e.stream = 0 AND e.act = 'identity-put' AND e.detail::jsonb ->> 'principal' = p_person.name) AS own
    ) AS used
    -- An account that is somebody else's now stands for them.
    WHERE NOT EXISTS (SELECT FROM approval.identity AS i
                      WHERE i.provider = used.provider AND i.subject = used.subject AND i.principal_id <> p_person.principal_id)
), address AS (
    SELECT c.address FROM approval.contact AS c WHERE c.principal_id = p_person.principal_id
    UNION
    SELECT e.detail::jsonb ->> 'address' FROM approval.audit_entry AS e
    WHERE e.stream = 0 AND e.act = 'contact-put' AND e.detail::jsonb ->> 'principal' = p_person.name
), word AS (
    SELECT a.provider || ':' || a.subject AS word, a.provider || ':' || p_pseudonym AS replacement FROM account AS a
    UNION
    SELECT before || a.subject, before || p_pseudonym FROM account AS a, unnest(ARRAY['', 'sudo_']) AS before
    UNION
    SELECT a.address, p_pseudonym FROM address AS a
    WHERE NOT EXISTS (SELECT FROM approval.contact AS c
                      WHERE c.address = a.address AND c.principal_id <> p_person.principal_id)
    UNION
    SELECT before || p_person.name, before || p_pseudonym FROM unnest(ARRAY['', 'sudo_']) AS before
)
SELECT jsonb_object_agg(w.word, w.replacement) FROM word AS w
WHERE NOT EXISTS (SELECT FROM approval.principal AS p WHERE p.name = w.word AND p.principal_id <> p_person.principal_id)
$$;
COMMENT ON FUNCTION approval.words_of IS
    'Internal: what a person is known by, {word: what replaces it}: the name, the accounts that they had (PROVIDER:SUBJECT, and '
    'the subject, before which the user of a job can have sudo_), and the addresses where they were told. Words that stand for '
    'somebody else now are not among them.';
