CREATE OR REPLACE FUNCTION approval.is_offered(p_system text, p_wanted text, p_version text) RETURNS boolean
    LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$
WITH plain AS (
    SELECT CASE WHEN p_system = 'Windows' THEN lower(regexp_replace(p_wanted, E'(\\.0){1,3}(?=$|-)', ''))
                ELSE regexp_replace(p_wanted, '^0:(?!.*:)', '') END AS wanted,
        CASE WHEN p_system = 'Windows'
                 THEN lower(regexp_replace(regexp_replace(p_version, E'\\+.*$', ''), E'(\\.0){1,3}(?=$|-)', ''))
             -- An rpm is meant whatever its epoch where none is given.
             WHEN p_system IN ('RedHat', 'Suse') AND p_wanted !~ ':' THEN regexp_replace(p_version, '^[0-9]+:', '')
             ELSE regexp_replace(p_version, '^0:(?!.*:)', '') END AS version
)
SELECT CASE
    WHEN p_wanted LIKE '%*%' THEN
        p.version ~ ('^' || replace(regexp_replace(p.wanted, '([^A-Za-z0-9*])', E'\\\\\\1', 'g'), '*', '.*') || '$')
    ELSE p.wanted = p.version
        -- And whatever its release.
        OR p_system IN ('RedHat', 'Suse') AND p.wanted !~ '-' AND p.wanted = regexp_replace(p.version, '-[^-]*$', '') END
FROM plain AS p
$$;
COMMENT ON FUNCTION approval.is_offered IS
    'Internal: whether a version that a catalog has is the one that is wanted, or fits it as a pattern with *, as minions of this '
    'system read it: without an epoch of 0; of rpm also without epoch or release; on Windows 1.0 is 1.0.0.';
