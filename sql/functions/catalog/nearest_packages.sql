CREATE OR REPLACE FUNCTION approval.nearest_packages(p_catalog_id integer, p_name text, p_limit integer) RETURNS text[]
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
-- By the pieces of three letters that names have in common, of which the index of names is made; letters at the ends are looked at
-- too, since a name of four letters has but two pieces.
WITH wish AS (
    SELECT approval.resource_key('package', p_name) AS key
), piece AS (
    SELECT DISTINCT substr(w.key, place, 3) AS piece FROM wish AS w, generate_series(1, least(length(w.key) - 2, 40)) AS place
), shared AS (
    SELECT n.name_id, n.name, n.key, count(*) AS pieces
    FROM piece AS p
    JOIN approval.package_name AS n ON n.key LIKE '%' || regexp_replace(p.piece, E'([\\\\%_])', E'\\\\\\1', 'g') || '%'
    GROUP BY n.name_id, n.name, n.key
    ORDER BY 4 DESC, abs(length(n.key) - length(p_name)), n.key LIMIT 200
)
SELECT ARRAY(
    SELECT min(s.name) FROM shared AS s CROSS JOIN wish AS w
    WHERE EXISTS (SELECT FROM approval.catalog_version AS v
                  WHERE v.name_id = s.name_id AND v.catalog_id = p_catalog_id AND v.gone_since IS NULL)
        AND 2.0 * s.pieces / greatest(length(s.key) + length(w.key) - 4, 1) >= 0.4
    GROUP BY s.key, s.pieces, w.key
    ORDER BY 2.0 * s.pieces / greatest(length(s.key) + length(w.key) - 4, 1) DESC, s.key LIMIT p_limit)
$$;
COMMENT ON FUNCTION approval.nearest_packages IS
    'Internal: names in a catalog that are much like one that it has not, the nearest first.';
