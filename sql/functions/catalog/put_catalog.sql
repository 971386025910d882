CREATE OR REPLACE FUNCTION approval.put_catalog(
    p_minion_id text, p_nonce text, p_attempt integer, p_report jsonb, p_names text[], p_versions text[], p_collectors text[])
    RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    -- Tens of thousands of names are hashed; a plan for ten would look up each.
    SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    most_versions constant integer := 300000;
    moment timestamptz := clock_timestamp();
    given_sources text := p_report ->> 'sources';
    given_content text := p_report ->> 'content';
    proven boolean;
    own approval.catalog_member;
    target approval.catalog;
    vouched boolean;
    outcome text;
BEGIN
    IF coalesce(given_sources, '') !~ '^[0-9a-f]{64}$' OR given_content !~ '^[0-9a-f]{64}$'
        OR coalesce(p_report ->> 'system', '') !~ '^[!-~]{1,255}$' OR coalesce(p_report ->> 'release', '') !~ '^[ -~]{1,255}$'
        OR jsonb_typeof(p_report -> 'complete') IS DISTINCT FROM 'boolean' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'it does not tell system, release, sources and content as it has to';
    ELSIF cardinality(p_names) IS DISTINCT FROM cardinality(p_versions) OR cardinality(p_names) > most_versions THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = format('it has more than %s versions of packages', most_versions);
    ELSIF EXISTS (SELECT FROM unnest(p_names, p_versions) AS g (name, version)
                  -- A bound in the pattern would take twenty times as long.
                  WHERE coalesce(g.name, '') !~ '^[!-~]+$' OR coalesce(g.version, '') !~ '^[!-~]+$'
                      OR length(g.name) > 255 OR length(g.version) > 255) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005',
            MESSAGE = 'it has a name or a version that is empty, longer than 255 characters, or of characters that none has';
    ELSIF p_names IS NOT NULL AND given_content IS DISTINCT FROM approval.catalog_content(p_names, p_versions) THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'its packages are not those of its own digest';
    END IF;
    proven := approval.begin_catalog_answer(p_minion_id, p_nonce, p_attempt, p_report);
    IF EXISTS (SELECT FROM approval.catalog_ask AS a WHERE a.minion_id = p_minion_id AND a.answered_at IS NULL) THEN
        RETURN 'unproven';
    END IF;
    UPDATE approval.catalog_ask AS a SET refusal = NULL WHERE a.minion_id = p_minion_id;
    UPDATE approval.minion_fact AS f SET seen_at = moment WHERE f.minion_id = p_minion_id;
    -- Members of one catalog report one after another.
    PERFORM pg_advisory_xact_lock(hashtextextended('approval.catalog/' || given_sources, 0));
    SELECT m.* INTO own FROM approval.catalog_member AS m JOIN approval.catalog AS c USING (catalog_id)
    WHERE m.minion_id = p_minion_id AND c.sources = given_sources;
    SELECT c.* INTO target FROM approval.catalog AS c
    WHERE c.sources = given_sources AND (c.content = given_content OR NOT c.is_apart OR c.catalog_id = own.catalog_id)
    ORDER BY (c.content = given_content) IS TRUE DESC, given_content IS NOT NULL AND c.catalog_id = own.catalog_id DESC,
        c.agreed_at IS NOT NULL DESC, c.catalog_id = own.catalog_id DESC NULLS LAST, c.catalog_id
    LIMIT 1;
    vouched := target.catalog_id IS NOT NULL AND (NOT proven AND target.agreed_at IS NOT NULL OR EXISTS (
        SELECT FROM approval.catalog_member AS m
        WHERE m.catalog_id = target.catalog_id AND m.minion_id <> p_minion_id AND m.content = target.content
            AND (m.is_proven OR NOT proven)));
    outcome := CASE
        WHEN given_content IS NULL AND target.catalog_id IS NOT NULL THEN 'joined'
        WHEN target.content = given_content THEN 'same'
        -- Another one changed the catalog meanwhile, so that what was thought to be known is not.
        WHEN p_names IS NULL THEN 'wanted'
        WHEN NOT vouched OR proven AND p_minion_id = ANY (p_collectors) OR proven AND EXISTS (
                SELECT FROM approval.catalog_member AS m
                WHERE m.catalog_id = target.catalog_id AND m.minion_id <> p_minion_id AND m.content = given_content AND m.is_proven)
            THEN 'stored'
        WHEN own.claimed_at < target.seen_at THEN 'contradicts'
        ELSE 'claimed' END;

    IF outcome = 'wanted' THEN
        UPDATE approval.catalog_ask AS a SET wanted_at = moment WHERE a.minion_id = p_minion_id;
        RETURN outcome;
    ELSIF outcome = 'contradicts' OR outcome = 'stored' AND target.catalog_id IS NULL THEN
        INSERT INTO approval.catalog AS c (sources, system, release, is_complete, content, is_apart, collected_at, seen_at)
        VALUES (given_sources, p_report ->> 'system', p_report ->> 'release', (p_report -> 'complete')::boolean, given_content,
                outcome = 'contradicts', moment, moment)
        RETURNING * INTO target;
    ELSIF outcome = 'stored' THEN
        UPDATE approval.catalog AS c
        SET content = given_content, collected_at = moment, seen_at = moment, agreed_at = NULL,
            is_complete = (p_report -> 'complete')::boolean, release = p_report ->> 'release'
        WHERE c.catalog_id = target.catalog_id;
    ELSIF outcome = 'same' AND (proven OR target.agreed_at IS NULL) THEN
        UPDATE approval.catalog AS c SET seen_at = moment WHERE c.catalog_id = target.catalog_id;
    END IF;
    IF outcome IN ('stored', 'contradicts') THEN
        PERFORM approval.put_versions(target.catalog_id, p_names, p_versions, moment);
    END IF;
    INSERT INTO approval.catalog_member AS m (minion_id, catalog_id, content, claimed_at, is_proven, seen_at)
    VALUES (p_minion_id, target.catalog_id, given_content, CASE WHEN outcome = 'claimed' THEN moment END, proven, moment)
    ON CONFLICT (minion_id) DO UPDATE
    SET catalog_id = excluded.catalog_id, is_proven = excluded.is_proven, seen_at = excluded.seen_at,
        content = CASE WHEN outcome = 'joined' AND m.catalog_id = excluded.catalog_id THEN m.content ELSE excluded.content END,
        claimed_at = CASE WHEN outcome = 'joined' AND m.catalog_id = excluded.catalog_id THEN m.claimed_at
                          WHEN outcome = 'claimed' THEN least(m.claimed_at, excluded.claimed_at) END;
    UPDATE approval.catalog AS c SET agreed_at = moment, is_apart = false
    WHERE c.catalog_id = target.catalog_id AND c.agreed_at IS NULL AND outcome IN ('stored', 'same') AND proven
        AND (p_minion_id = ANY (p_collectors) OR 2 <= (
            SELECT count(*) FROM approval.catalog_member AS m
            WHERE m.catalog_id = c.catalog_id AND m.content = c.content AND m.is_proven));
    UPDATE approval.catalog_member AS m SET claimed_at = NULL
    WHERE outcome = 'stored' AND m.catalog_id = target.catalog_id AND m.content = given_content AND m.claimed_at IS NOT NULL;
    -- Who is alone with a claim is asked again once another stands by the catalog; before that, another is asked.
    UPDATE approval.catalog_ask AS a SET wanted_at = moment
    WHERE outcome = 'same' AND a.minion_id IN (
            SELECT m.minion_id FROM approval.catalog_member AS m
            WHERE m.catalog_id = target.catalog_id AND m.claimed_at IS NOT NULL AND m.content <> target.content)
        OR outcome = 'claimed' AND a.minion_id IN (
            SELECT m.minion_id FROM approval.catalog_member AS m
            WHERE m.catalog_id = target.catalog_id AND m.content = target.content AND m.minion_id <> p_minion_id
            ORDER BY m.is_proven DESC, m.seen_at DESC LIMIT 1);
    IF outcome = 'contradicts' THEN
        PERFORM approval.tell('inventory', 'catalog/' || p_minion_id, jsonb_build_object('act', 'catalog-contradicts',
            'minion', p_minion_id, 'system', target.system, 'release', target.release, 'catalog', target.catalog_id));
    END IF;
    PERFORM approval.drop_unused_catalogs();
    RETURN outcome;
END
$$;
COMMENT ON FUNCTION approval.put_catalog IS
    'Takes the answer of a minion about its packages (p_report: system, release, complete, sources, content, revision, mac; names '
    'and versions, parallel, or NULL where it told none) and gives: joined (it told its sources alone), same (as its catalog has '
    'it), stored (nobody else stands by the catalog, or a second one claims the same: it is the catalog''s content now), claimed '
    '(others stand by the catalog: one of them is asked), contradicts (they stood by it again: the minion has a catalog of its own '
    'now, and it is told), wanted (it is to be asked for all packages), unproven (somebody else may have given it: nothing was '
    'done). p_collectors: minions whose word alone is enough. Raises AP005, AP006 for an answer that nobody waits for. Definer: '
    'tables are private.';
