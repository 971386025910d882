CREATE OR REPLACE VIEW approval.current_item AS
SELECT i.* FROM approval.item AS i JOIN approval.request AS r USING (request_id, item_set_version);
COMMENT ON VIEW approval.current_item IS 'Internal: the items of requests as they were last amended.';
