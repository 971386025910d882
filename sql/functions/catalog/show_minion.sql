CREATE OR REPLACE FUNCTION approval.show_minion(p_minion_id text) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    result jsonb;
BEGIN
    SELECT jsonb_build_object('minion', m.minion_id, 'registered_at', m.registered_at, 'os', f.os, 'os_family', f.os_family,
        'os_arch', f.os_arch, 'kernel', f.kernel, 'os_release', f.os_release, 'salt_version', f.salt_version, 'seen_at', f.seen_at,
        'asked_at', a.asked_at, 'answered_at', a.answered_at, 'refusal', a.refusal,
        'catalog', CASE WHEN c.catalog_id IS NOT NULL THEN jsonb_build_object('catalog', c.catalog_id, 'system', c.system,
            'release', c.release, 'collected_at', c.collected_at, 'seen_at', c.seen_at, 'agreed_at', c.agreed_at,
            'is_apart', c.is_apart, 'is_proven', b.is_proven, 'refuses', approval.catalog_refuses(c, b.is_proven), 'packages', (
                SELECT count(DISTINCT v.name_id) FROM approval.catalog_version AS v
                WHERE v.catalog_id = c.catalog_id AND v.gone_since IS NULL), 'minions', (
                SELECT count(*) FROM approval.catalog_member AS o WHERE o.catalog_id = c.catalog_id)) END)
    INTO result
    FROM approval.minion AS m
    LEFT JOIN approval.minion_fact AS f USING (minion_id)
    LEFT JOIN approval.catalog_ask AS a USING (minion_id)
    LEFT JOIN approval.catalog_member AS b USING (minion_id)
    LEFT JOIN approval.catalog AS c USING (catalog_id)
    WHERE m.minion_id = p_minion_id AND m.removed_at IS NULL
        AND approval.in_groups(m.minion_id, approval.readable_groups(approval.reading_as(), 'requests'));
    IF result IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'AP004',
            MESSAGE = format('unknown minion: %s', coalesce(quote_literal(p_minion_id), 'NULL')),
            HINT = 'salt-approval minion list has those that are known.';
    END IF;
    RETURN result;
END
$$;
COMMENT ON FUNCTION approval.show_minion IS
    'What is known of a minion: its system, when it was last seen, which catalog of packages it has, and whether requests are '
    'refused by that. Raises AP004. Definer: tables are private.';
