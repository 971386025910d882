-- What a request would change, as its minions said before it was approved.
ALTER TABLE approval.request_type ADD COLUMN plan_within interval CHECK (plan_within > interval '0');
COMMENT ON COLUMN approval.request_type.plan_within IS
    'The first approval needs a plan of the present items that is no older than this; NULL: none is needed.';

CREATE TABLE approval.request_plan (
    request_id bigint NOT NULL,
    plan_no integer NOT NULL CHECK (plan_no > 0),
    item_set_version integer NOT NULL,
    planned_at timestamptz NOT NULL,
    planned_by text NOT NULL,
    minion_count integer NOT NULL CHECK (minion_count > 0),
    digest text NOT NULL CHECK (digest ~ '^sha256:[0-9a-f]{64}$'),
    PRIMARY KEY (request_id, plan_no),
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set
);
COMMENT ON TABLE approval.request_plan IS
    'Runs of a request''s items as a test, on its minions or some of them. Insert-only. What minions say there is a claim, and no evidence.';
COMMENT ON COLUMN approval.request_plan.item_set_version IS 'The items that were planned; a plan of others than the present ones counts for nothing.';
COMMENT ON COLUMN approval.request_plan.minion_count IS 'How many minions those items name; the plan may be of fewer.';
COMMENT ON COLUMN approval.request_plan.digest IS 'Over the digest of the items planned and the answer of each minion, length-prefixed.';

CREATE TABLE approval.request_plan_minion (
    request_id bigint NOT NULL,
    plan_no integer NOT NULL,
    minion_id text NOT NULL REFERENCES approval.minion,
    outcome text NOT NULL CHECK (outcome IN ('changes', 'nothing', 'impossible', 'silent')),
    changes jsonb NOT NULL,
    comment text NOT NULL CHECK (octet_length(comment) <= 65536),
    PRIMARY KEY (request_id, plan_no, minion_id),
    FOREIGN KEY (request_id, plan_no) REFERENCES approval.request_plan,
    CONSTRAINT request_plan_changes CHECK (jsonb_typeof(changes) = 'object' AND octet_length(changes::text) <= 1048576),
    CONSTRAINT request_plan_silent CHECK (outcome <> 'silent' OR changes = '{}')
);
COMMENT ON TABLE approval.request_plan_minion IS
    'changes: something would be changed; nothing: all is so already; impossible: not all of it can be done, the comment says why; '
    'silent: no usable answer came. Insert-only.';
COMMENT ON COLUMN approval.request_plan_minion.changes IS '{name: {"old", "new"}} as Salt writes changes, with what the items bring along.';

DO $$
DECLARE
    table_name text;
BEGIN
    FOREACH table_name IN ARRAY ARRAY['request_plan', 'request_plan_minion'] LOOP
        EXECUTE format('CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION approval.refuse_change()', table_name);
    END LOOP;
END
$$;
