CREATE OR REPLACE FUNCTION approval.note_facts(
    p_minions text[], p_os text[], p_os_families text[], p_os_archs text[], p_kernels text[], p_os_releases text[],
    p_salt_versions text[], p_seen_at timestamptz[]) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed integer;
BEGIN
    INSERT INTO approval.minion_fact AS f (minion_id, os, os_family, os_arch, kernel, os_release, salt_version, seen_at)
    SELECT DISTINCT ON (g.minion_id) g.minion_id, left(g.os, 255), left(g.os_family, 255), left(g.os_arch, 255),
        left(g.kernel, 255), left(g.os_release, 255), left(g.salt_version, 255), coalesce(g.seen_at, now())
    FROM unnest(p_minions, p_os, p_os_families, p_os_archs, p_kernels, p_os_releases, p_salt_versions, p_seen_at)
        AS g (minion_id, os, os_family, os_arch, kernel, os_release, salt_version, seen_at)
    WHERE EXISTS (SELECT FROM approval.minion AS m WHERE m.minion_id = g.minion_id AND m.removed_at IS NULL)
    ORDER BY g.minion_id, g.seen_at DESC NULLS LAST
    ON CONFLICT (minion_id) DO UPDATE
    SET os = excluded.os, os_family = excluded.os_family, os_arch = excluded.os_arch, kernel = excluded.kernel,
        os_release = excluded.os_release, salt_version = excluded.salt_version, seen_at = greatest(f.seen_at, excluded.seen_at)
    WHERE (f.os, f.os_family, f.os_arch, f.kernel, f.os_release, f.salt_version)
            IS DISTINCT FROM (excluded.os, excluded.os_family, excluded.os_arch, excluded.kernel, excluded.os_release,
                              excluded.salt_version)
        OR f.seen_at < excluded.seen_at;
    GET DIAGNOSTICS changed = ROW_COUNT;
    RETURN changed;
END
$$;
COMMENT ON FUNCTION approval.note_facts IS
    'Notes grains of minions (parallel arrays; of p_seen_at NULL: now) where they are news; unknown minions are passed over. Gives '
    'how many rows it changed. Definer: tables are private.';
