-- Pages on requests over very many minions go through none of them: what they tell of all items is kept, and rows come in order.
ALTER TABLE approval.item_set ADD COLUMN group_count bigint CHECK (group_count > 0);
COMMENT ON COLUMN approval.item_set.group_count IS
    'Of a large set: how many kinds of minions it has, by what is asked of them; its groups and its tally are kept. NULL: the '
    'set is small, and whoever reads counts its items.';

CREATE TABLE approval.item_group (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    group_no integer NOT NULL,
    minions bigint NOT NULL CHECK (minions > 0),
    first_minion text NOT NULL,
    last_minion text NOT NULL,
    PRIMARY KEY (request_id, item_set_version, group_no),
    FOREIGN KEY (request_id, item_set_version) REFERENCES approval.item_set
);
COMMENT ON TABLE approval.item_group IS
    'The minions of a large item set of which exactly the same is asked, by how many they are: the first hundred such groups. '
    'Insert-only.';
COMMENT ON COLUMN approval.item_group.first_minion IS 'The first of them by name, whose items are those of all.';

CREATE TABLE approval.item_tally (
    request_id bigint NOT NULL,
    item_set_version integer NOT NULL,
    entry_no bigint GENERATED ALWAYS AS IDENTITY,
    state text NOT NULL,
    outcome text NOT NULL,
    items bigint NOT NULL CHECK (items <> 0),
    PRIMARY KEY (request_id, item_set_version, entry_no)
);
COMMENT ON TABLE approval.item_tally IS
    'How many items of a large set have which state and outcome: the sum over its entries. Whoever changes items adds entries of '
    'what became more and what became fewer, and changes none, so that nobody waits for the returns of others; now and then '
    'entries become one.';
COMMENT ON COLUMN approval.item_tally.items IS 'How many more there are; where it is negative, how many fewer.';

-- The function that the triggers call stands in sql/functions/item/tally_items.sql; here they need its name.
CREATE FUNCTION approval.tally_items() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NULL;
END
$$;
CREATE TRIGGER tally_inserted AFTER INSERT ON approval.item REFERENCING NEW TABLE AS new_item
    FOR EACH STATEMENT EXECUTE FUNCTION approval.tally_items();
CREATE TRIGGER tally_updated AFTER UPDATE ON approval.item REFERENCING OLD TABLE AS old_item NEW TABLE AS new_item
    FOR EACH STATEMENT EXECUTE FUNCTION approval.tally_items();
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval.item_group
    FOR EACH STATEMENT EXECUTE FUNCTION approval.refuse_change();

-- Large sets that there are already, by the rules of approval.put_items.
ALTER TABLE approval.item_set DISABLE TRIGGER insert_only;
WITH per_minion AS (
    SELECT i.request_id, i.item_set_version, i.minion_id COLLATE "C" AS minion_id,
        sha256(string_agg(sha256(convert_to(concat_ws(E'\n', i.kind, i.name, i.type, coalesce('=' || i.content, '-')), 'UTF8')),
                          ''::bytea ORDER BY i.kind COLLATE "C", i.name COLLATE "C")) AS likeness
    FROM approval.item_set AS s JOIN approval.item AS i USING (request_id, item_set_version)
    WHERE s.item_count > 1000
    GROUP BY i.request_id, i.item_set_version, i.minion_id
), numbered AS (
    SELECT p.request_id, p.item_set_version, count(*) AS minions, min(p.minion_id) AS first_minion, max(p.minion_id) AS last_minion,
        row_number() OVER (PARTITION BY p.request_id, p.item_set_version ORDER BY count(*) DESC, min(p.minion_id)) AS group_no
    FROM per_minion AS p GROUP BY p.request_id, p.item_set_version, p.likeness
), kept AS (
    INSERT INTO approval.item_group
    SELECT n.request_id, n.item_set_version, n.group_no, n.minions, n.first_minion, n.last_minion
    FROM numbered AS n WHERE n.group_no <= 100
)
UPDATE approval.item_set AS s SET group_count = n.group_count
FROM (SELECT request_id, item_set_version, max(group_no) AS group_count FROM numbered GROUP BY 1, 2) AS n
WHERE s.request_id = n.request_id AND s.item_set_version = n.item_set_version;
ALTER TABLE approval.item_set ENABLE TRIGGER insert_only;
INSERT INTO approval.item_tally (request_id, item_set_version, state, outcome, items)
SELECT i.request_id, i.item_set_version, i.state, i.outcome, count(*)
FROM approval.item_set AS s JOIN approval.item AS i USING (request_id, item_set_version)
WHERE s.group_count IS NOT NULL
GROUP BY i.request_id, i.item_set_version, i.state, i.outcome;

-- The items of a request that wait or failed, in the order of pages.
CREATE INDEX item_outcome ON approval.item (request_id, item_set_version, outcome, minion_id, kind, name)
    WHERE outcome <> 'converged';

ALTER TABLE approval.drift ADD COLUMN request_id bigint;
UPDATE approval.drift AS d SET request_id = i.request_id
FROM approval.item AS i WHERE i.minion_id = d.minion_id AND i.item_id = d.item_id;
ALTER TABLE approval.drift ALTER COLUMN request_id SET NOT NULL;
COMMENT ON COLUMN approval.drift.request_id IS 'The request of the item, so that the drift of a large one is found.';
CREATE INDEX drift_request ON approval.drift (request_id, minion_id, kind, name) WHERE cleared_at IS NULL;

-- Sendings of a request, of one of its minions and by job.
DROP INDEX approval.dispatch_request;
CREATE INDEX dispatch_request ON approval.dispatch (request_id, minion_id);
CREATE INDEX dispatch_job ON approval.dispatch (request_id, jid, minion_id) WHERE jid IS NOT NULL;

-- A plan is never changed: what it comes to over all minions is worked out when it is made.
ALTER TABLE approval.request_plan
    ADD COLUMN outcomes jsonb CHECK (jsonb_typeof(outcomes) = 'object'),
    ADD COLUMN changes jsonb CHECK (jsonb_typeof(changes) = 'array');
ALTER TABLE approval.request_plan DISABLE TRIGGER insert_only;
UPDATE approval.request_plan AS p SET outcomes = (
    SELECT coalesce(jsonb_object_agg(tally.outcome, tally.count), '{}')
    FROM (SELECT m.outcome, count(*) AS count FROM approval.request_plan_minion AS m
          WHERE m.request_id = p.request_id AND m.plan_no = p.plan_no GROUP BY m.outcome) AS tally), changes = (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
        'name', change.name, 'old', change.old, 'new', change.new, 'minions', change.minions, 'asked_for', change.asked_for)
        ORDER BY change.asked_for DESC, change.name), '[]')
    FROM (
        SELECT entry.name, entry.change ->> 'old' AS old, entry.change ->> 'new' AS new, count(*) AS minions,
            EXISTS (SELECT FROM approval.item AS i
                    WHERE i.request_id = p.request_id AND i.item_set_version = p.item_set_version
                        AND entry.name IN (i.name, i.name || ' (' || i.kind || ')')) AS asked_for
        FROM approval.request_plan_minion AS m, jsonb_each(m.changes) AS entry (name, change)
        WHERE m.request_id = p.request_id AND m.plan_no = p.plan_no
        GROUP BY entry.name, entry.change ->> 'old', entry.change ->> 'new'
        ORDER BY asked_for DESC, entry.name LIMIT 200) AS change);
ALTER TABLE approval.request_plan ENABLE TRIGGER insert_only;
ALTER TABLE approval.request_plan ALTER COLUMN outcomes SET NOT NULL, ALTER COLUMN changes SET NOT NULL;
COMMENT ON COLUMN approval.request_plan.outcomes IS 'How many minions have which outcome.';
COMMENT ON COLUMN approval.request_plan.changes IS
    'The first two hundred changes: [{name, old, new, minions: how many, asked_for: whether the request names it}].';

-- Items are listed by approval.list_items, a page of them.
DROP FUNCTION IF EXISTS approval.request_items(bigint);
