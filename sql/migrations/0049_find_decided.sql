-- Requests that somebody decided are found by who it was, and not by a walk through all decisions.
CREATE INDEX decision_by_principal ON approval.decision (principal_id, request_id);
-- These have an argument more: of whom the decisions are, and which form was sent.
DROP FUNCTION IF EXISTS approval.list_requests(text, text, text, bigint, integer);
DROP FUNCTION IF EXISTS approval.list_requests_by_session(bytea, text, text, boolean, bigint, integer);
DROP FUNCTION IF EXISTS approval.revert_by_session(bytea, bigint, text[], text, text, text);
