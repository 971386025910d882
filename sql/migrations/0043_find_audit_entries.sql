-- Acts are looked for by their time, whatever request they are on.
CREATE INDEX audit_entry_at ON approval.audit_entry (at, stream, seq);
-- It has an argument more: who asks.
DROP FUNCTION IF EXISTS approval.what_if_by_session(bytea, text, integer);
