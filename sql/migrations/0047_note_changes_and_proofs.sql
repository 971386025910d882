-- Pages that are open ask every few seconds whether they are still true; the answer has to cost next to nothing.
CREATE TABLE approval.change (
    stream bigint NOT NULL CHECK (stream >= 0),
    changed_xid xid8 NOT NULL,
    changes bigint NOT NULL DEFAULT 1 CHECK (changes > 0),
    PRIMARY KEY (stream, changed_xid)
);
CREATE INDEX change_apart ON approval.change (changed_xid) WHERE changed_xid > '0';
COMMENT ON TABLE approval.change IS
    'How often what people see was changed: the change number of a stream is the sum of its rows. Each transaction has a row of '
    'its own, so that none waits for another; approval.maintain_changes makes one of many.';
COMMENT ON COLUMN approval.change.stream IS 'A request by its number; 0: the requests that wait for people, and the policy.';
COMMENT ON COLUMN approval.change.changed_xid IS 'The transaction; 0: all those that were added up.';
COMMENT ON COLUMN approval.change.changes IS 'How many changes this row stands for.';

-- They have an argument more: the session or token of whoever asks on the web, for the audit.
DROP FUNCTION IF EXISTS approval.open_request(
    bigint, text, text, text, approval.request_type, text, text[], text[], text[], text[], timestamptz, text, text, bigint, text,
    bigint, bigint, jsonb);
DROP FUNCTION IF EXISTS approval.submit_as(
    bigint, text, text, text, text, text, text[], text[], text[], text[], timestamptz, text, text, text, text, jsonb);
DROP FUNCTION IF EXISTS approval.cancel_as(bigint, text, text, text, bigint, text);
DROP FUNCTION IF EXISTS approval.open_revert(
    bigint, text, text, text, approval.request_type, bigint, text[], text, text, text, text);
