CREATE OR REPLACE VIEW approval.newest_type AS
SELECT DISTINCT ON (t.type_name) t.* FROM approval.request_type AS t ORDER BY t.type_name, t.type_version DESC;
COMMENT ON VIEW approval.newest_type IS 'Internal: each request type in its newest version, by which requests are made.';
