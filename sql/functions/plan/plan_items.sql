CREATE OR REPLACE FUNCTION approval.plan_items(p_request_id bigint, p_sample integer DEFAULT NULL)
    RETURNS TABLE (digest text, minion_id text, items jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    target approval.request;
BEGIN
    SELECT * INTO target FROM approval.request WHERE request_id = p_request_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP014', MESSAGE = format('there is no request %s', coalesce(p_request_id::text, 'NULL'));
    END IF;
    IF target.state <> 'pending' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006',
            MESSAGE = format('request %s is %s: there is nothing left to plan', p_request_id, target.state);
    END IF;
    -- Which minions a sample has follows from the items: nobody picks them, and the next plan is of the same.
    RETURN QUERY
    SELECT s.digest, i.minion_id,
        jsonb_agg(jsonb_build_object('kind', i.kind, 'name', i.name, 'type', i.type, 'value', approval.item_arguments(i))
            ORDER BY i.kind, i.name)
    FROM approval.item_set AS s JOIN approval.item AS i USING (request_id, item_set_version)
    WHERE s.request_id = p_request_id AND s.item_set_version = target.item_set_version AND i.state = 'proposed'
    GROUP BY s.digest, i.minion_id
    ORDER BY sha256(approval.field(s.digest) || approval.field(i.minion_id))
    LIMIT p_sample;
END
$$;
COMMENT ON FUNCTION approval.plan_items IS
    'The parts of a plan of a pending request: the digest of its items, and by minion the items, on all minions or so many. Raises '
    'AP006, AP014. Definer: tables are private.';
