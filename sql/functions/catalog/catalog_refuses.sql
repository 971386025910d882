CREATE OR REPLACE FUNCTION approval.catalog_refuses(p_catalog approval.catalog, p_is_proven boolean) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT p_is_proven AND p_catalog.agreed_at IS NOT NULL AND p_catalog.seen_at > now() - interval '7 days'
$$;
COMMENT ON FUNCTION approval.catalog_refuses IS
    'Internal: whether what a catalog lacks can be refused to one of its minions: two agree on it, one saw it within a week, and '
    'the minion is proven to have it. Else that is only noted.';
