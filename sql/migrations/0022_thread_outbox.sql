-- One queue for all that other systems are told: messages in threads, of a request or of anything else; routes say which go where.
ALTER TABLE approval.outbox ADD COLUMN thread text;
UPDATE approval.outbox SET thread = 'request/' || request_id;
ALTER TABLE approval.outbox
    DROP CONSTRAINT outbox_pkey,
    ALTER COLUMN thread SET NOT NULL,
    ALTER COLUMN request_id DROP NOT NULL,
    ADD PRIMARY KEY (destination, thread, seq),
    ADD CONSTRAINT outbox_thread CHECK (
        CASE WHEN request_id IS NULL THEN thread ~ '^[a-z]+/.' AND NOT starts_with(thread, 'request/')
             ELSE thread = 'request/' || request_id END);
DROP INDEX approval.outbox_undelivered;
CREATE INDEX outbox_undelivered ON approval.outbox (destination, thread, seq) WHERE state <> 'delivered';
CREATE INDEX outbox_request ON approval.outbox (request_id);
COMMENT ON TABLE approval.outbox IS
    'Messages that must reach another system: at least once, in order per destination and thread. Written in the transaction that '
    'they tell of; only the lowest undelivered seq of a thread can be claimed, so a dead letter halts its thread and no other.';
COMMENT ON COLUMN approval.outbox.thread IS
    'The subject of the message, within which order matters: request/7, drift/web1. It begins with a kind of subject and a slash.';
COMMENT ON COLUMN approval.outbox.request_id IS 'The request of the thread; NULL: it is about none.';

CREATE TABLE approval.route (
    destination text NOT NULL CHECK (destination ~ '^[a-z][a-z0-9_-]*$' AND destination <> 'salt'),
    topic text NOT NULL CHECK (topic IN ('requests', 'jobs', 'inventory', 'drift')),
    filter jsonb NOT NULL CHECK (jsonb_typeof(filter) = 'object'),
    PRIMARY KEY (destination, topic, filter)
);
COMMENT ON TABLE approval.route IS
    'Notices that a destination gets: those of a topic whose body contains the filter. None to begin with. Changed by role '
    'policy_admin alone.';
COMMENT ON COLUMN approval.route.destination IS
    'The system that consumes it. Never salt: what is sent to minions follows from approvals alone.';
COMMENT ON COLUMN approval.route.topic IS
    'requests: each act on a request as it was recorded. jobs, inventory, drift: what the engine tells.';
COMMENT ON COLUMN approval.route.filter IS 'As in {"act": "approved"}; {}: all notices of the topic.';

-- These name a thread now.
DROP FUNCTION IF EXISTS approval.claim_outbox(text, interval, bigint);
DROP FUNCTION IF EXISTS approval.due_outbox(text, bigint[], integer);
DROP FUNCTION IF EXISTS approval.settle_outbox(text, bigint, bigint, text, timestamptz, text);
DROP FUNCTION IF EXISTS approval.retry_outbox(text, text, text, bigint);
DROP FUNCTION IF EXISTS approval.drop_outbox(text, text, text, bigint);
DROP FUNCTION IF EXISTS approval.list_outbox(text, integer);
