-- What approvers of an action decide on is what is sent: its function's arguments stand in the item, the type's own among them.
-- Requests that are older keep what was decided on; theirs are added when they are shown and sent.
ALTER TABLE approval.item_set ADD COLUMN arguments_complete boolean NOT NULL DEFAULT false;
ALTER TABLE approval.item_set ALTER COLUMN arguments_complete SET DEFAULT true;
COMMENT ON COLUMN approval.item_set.arguments_complete IS
    'The items of an action have all arguments as they are sent, those that its type fixes included; false: a request made before 0.2.0.';

-- These answer with more columns.
DROP FUNCTION IF EXISTS approval.list_calendars();
DROP FUNCTION IF EXISTS approval.list_outbox(text, integer);
-- These are asked with more, and a call with less would mean either.
DROP FUNCTION IF EXISTS approval.show_request(bigint);
DROP FUNCTION IF EXISTS approval.list_requests(text, text, integer);

-- By which request one was taken back, and which ones still wait for their review, is asked whenever they are shown.
CREATE INDEX request_reverts ON approval.request (reverts) WHERE reverts IS NOT NULL;
CREATE INDEX request_unreviewed ON approval.request (type_name, type_version, request_id) WHERE approved_at IS NOT NULL AND review_at IS NULL;
