CREATE OR REPLACE FUNCTION approval.put_items(
    p_request_id bigint, p_version integer, p_digest text, p_minions text[], p_kinds text[], p_names text[], p_types text[],
    p_values text[], p_now timestamptz, p_salt bytea) RETURNS void
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- Of larger sets nobody counts the items at each look: their groups are kept, and their tally (see tally_items).
    counted constant integer := 1000;
    kept_groups constant integer := 100;
BEGIN
    WITH alike AS MATERIALIZED (
        SELECT a.*, row_number() OVER (ORDER BY a.minions DESC, a.first_minion) AS group_no, count(*) OVER () AS group_count
        FROM approval.alike_minions(p_minions, p_kinds, p_names, p_types, CASE WHEN p_salt IS NULL THEN p_values ELSE ARRAY(
            SELECT approval.covered_content(g.kind, g.name, g.content)
            FROM unnest(p_kinds, p_names, p_values) WITH ORDINALITY AS g (kind, name, content, place) ORDER BY g.place) END) AS a
        WHERE cardinality(p_minions) > counted
    ), created AS (
        INSERT INTO approval.item_set
            (request_id, item_set_version, digest, item_count, created_at, minion_count, group_count, salt)
        SELECT p_request_id, p_version, p_digest, count(*), p_now, count(DISTINCT given.minion_id),
            (SELECT max(a.group_count) FROM alike AS a), p_salt
        FROM unnest(p_minions) AS given (minion_id)
    )
    INSERT INTO approval.item_group (request_id, item_set_version, group_no, minions, first_minion, last_minion)
    SELECT p_request_id, p_version, a.group_no, a.minions, a.first_minion, a.last_minion
    FROM alike AS a WHERE a.group_no <= kept_groups;
    INSERT INTO approval.item (minion_id, request_id, item_set_version, state, kind, name, type, content, digest)
    SELECT given.minion_id, p_request_id, p_version, 'proposed', given.kind, given.name, given.type, given.content,
        approval.item_digest(given.minion_id, given.kind, given.name, given.type, given.content)
    FROM unnest(p_minions, p_kinds, p_names, p_types, p_values) AS given (minion_id, kind, name, type, content);
    -- In one order with those who change groups of minions, or whether these are told apart.
    PERFORM approval.lock_reach(false);
    PERFORM approval.put_reach(p_request_id);
    -- Open requests that want something else of the same resource, and are not in force yet; under another name, that are in force
    -- too: nothing would take that out of force but this request naming it as well.
    WITH mine AS MATERIALIZED (
        SELECT g.*, approval.resource_key(g.kind, g.name) AS key
        FROM unnest(p_minions, p_kinds, p_names, p_values) AS g (minion_id, kind, name, content) WHERE g.kind <> 'action'
    )
    INSERT INTO approval.request_overlap (request_id, other_id, resources, example)
    SELECT p_request_id, other.request_id, count(*),
        min(format('%s %s on %s', other.kind, concat_ws(' as ', nullif(mine.name, other.name), other.name), other.minion_id))
    FROM mine
    JOIN approval.item AS other ON other.minion_id = mine.minion_id AND other.kind = mine.kind
        AND approval.resource_key(other.kind, other.name) = mine.key
    WHERE other.request_id <> p_request_id AND other.content IS DISTINCT FROM mine.content
        AND other.state IN ('proposed', 'approved') AND approval.may_be_one(mine.kind, mine.name, other.name)
        AND (other.state = 'proposed' OR other.effective_at > clock_timestamp()
             OR other.name <> mine.name
                AND (other.minion_id, other.kind, other.name) NOT IN (SELECT m.minion_id, m.kind, m.name FROM mine AS m))
    GROUP BY other.request_id;
END
$$;
COMMENT ON FUNCTION approval.put_items IS
    'Internal: stores one version of a request''s items, and which other requests they contradict. p_salt: of its digest, see '
    'approval.salt_of.';
