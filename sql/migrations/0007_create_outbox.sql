CREATE TABLE approval.outbox (
    destination text NOT NULL,
    request_id bigint NOT NULL REFERENCES approval.request,
    seq bigint NOT NULL CHECK (seq > 0),
    topic text NOT NULL,
    body jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    leased_until timestamptz,
    delivered_at timestamptz,
    last_error text,
    PRIMARY KEY (destination, request_id, seq),
    CONSTRAINT outbox_delivered CHECK ((state = 'delivered') = (delivered_at IS NOT NULL))
);
CREATE INDEX outbox_undelivered ON approval.outbox (destination, request_id, seq) WHERE state <> 'delivered';
COMMENT ON TABLE approval.outbox IS
    'What must reach another system: at least once, in order per destination and request. Written in the transaction it tells of; '
    'only the lowest undelivered seq of a pair can be claimed, so a dead letter halts its pair and no other.';
