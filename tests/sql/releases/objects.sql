-- All that a schema consists of, as sentences to compare. Partitions have the date of the day in their names.
SELECT 'table ' || c.relname || ' ' || concat_ws(' ', c.relkind, c.relowner::regrole, c.reloptions, obj_description(c.oid), c.relacl)
FROM pg_class AS c WHERE c.relnamespace = 'approval'::regnamespace AND c.relname !~ '_[0-9]{8}' AND c.relkind <> 'i'
UNION ALL
SELECT format('column %s.%s ', c.relname, a.attname) || concat_ws(' ', a.attnum - (
        SELECT count(*) FROM pg_attribute AS d WHERE d.attrelid = c.oid AND d.attisdropped AND d.attnum BETWEEN 1 AND a.attnum),
    format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attacl,
    pg_get_expr(f.adbin, f.adrelid), col_description(c.oid, a.attnum))
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS f ON f.adrelid = c.oid AND f.adnum = a.attnum
WHERE c.relnamespace = 'approval'::regnamespace AND c.relname !~ '_[0-9]{8}' AND c.relkind <> 'i'
UNION ALL
SELECT format('constraint %s on %s ', o.conname, o.conrelid::regclass) || concat_ws(' ', pg_get_constraintdef(o.oid), o.convalidated, obj_description(o.oid))
FROM pg_constraint AS o WHERE o.connamespace = 'approval'::regnamespace AND o.conrelid::regclass::text !~ '_[0-9]{8}'
    AND o.confrelid::regclass::text !~ '_[0-9]{8}'
UNION ALL
SELECT 'index ' || pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relnamespace = 'approval'::regnamespace AND c.relname !~ '_[0-9]{8}'
UNION ALL
SELECT 'view ' || c.relname || ' ' || pg_get_viewdef(c.oid) FROM pg_class AS c
WHERE c.relnamespace = 'approval'::regnamespace AND c.relkind IN ('v', 'm')
UNION ALL
SELECT 'trigger ' || pg_get_triggerdef(t.oid) FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'approval'::regnamespace AND NOT t.tgisinternal AND c.relname !~ '_[0-9]{8}'
UNION ALL
SELECT 'routine ' || p.oid::regprocedure || ' ' || concat_ws(' ', p.proowner::regrole, p.proacl, obj_description(p.oid),
    CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) END)
FROM pg_proc AS p WHERE p.pronamespace = 'approval'::regnamespace
UNION ALL
SELECT 'schema ' || concat_ws(' ', n.nspowner::regrole, n.nspacl, obj_description(n.oid)) FROM pg_namespace AS n WHERE n.nspname = 'approval'
UNION ALL SELECT 'type ' || concat_ws(' ', t.typname, t.typtype, t.typacl) FROM pg_type AS t
WHERE t.typnamespace = 'approval'::regnamespace AND t.typtype <> 'c' AND t.typelem = 0
UNION ALL SELECT 'row of ' || r.content FROM (
    SELECT 'assurance ' || a::text FROM approval.assurance AS a UNION ALL SELECT 'request_state ' || s::text FROM approval.request_state AS s
    UNION ALL SELECT 'transition ' || t::text FROM approval.transition AS t
    UNION ALL SELECT 'migration ' || concat_ws(' ', m.migration_id, m.sha256) FROM approval.migration AS m
    UNION ALL SELECT 'code_version ' || concat_ws(' ', v.sha256, v.version) FROM approval.code_version AS v) AS r (content)
