CREATE OR REPLACE FUNCTION approval.salt_of(
    p_digest text, p_kinds text[], p_names text[], p_requester_id bigint, p_reverts bigint, p_renews bigint) RETURNS bytea
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT approval.hmac(k.key, approval.field('apv1-salt') || approval.field(p_requester_id::text)
                     || approval.field(p_reverts::text) || approval.field(p_renews::text) || approval.field(p_digest))
FROM approval.salt_key AS k
WHERE EXISTS (SELECT FROM unnest(p_kinds, p_names) AS g (kind, name) JOIN approval.sensitive AS s USING (kind, name))
$$;
COMMENT ON FUNCTION approval.salt_of IS
    'Internal: the salt of an item set that has this digest without one; NULL: nothing in it is sensitive. The same person is '
    'given the same again, so that a trial has the digest of what it tried; nobody else finds out by trials of their '
    'own what was asked.';
