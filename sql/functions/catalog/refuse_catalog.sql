CREATE OR REPLACE FUNCTION approval.refuse_catalog(
    p_minion_id text, p_nonce text, p_attempt integer, p_report jsonb, p_reason text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reason text := left(p_reason, 500);
    before text := (SELECT a.refusal FROM approval.catalog_ask AS a WHERE a.minion_id = p_minion_id);
    proven boolean := approval.begin_catalog_answer(p_minion_id, p_nonce, p_attempt, p_report);
BEGIN
    UPDATE approval.catalog_ask AS a SET refusal = reason WHERE a.minion_id = p_minion_id AND a.answered_at IS NOT NULL;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF before IS DISTINCT FROM reason THEN
        PERFORM approval.tell('inventory', 'catalog/' || p_minion_id, jsonb_build_object(
            'act', 'catalog-refused', 'minion', p_minion_id, 'reason', reason, 'proven', proven));
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION approval.refuse_catalog IS
    'Notes that the answer of a minion about its packages cannot be taken, and tells of it unless the last one was refused '
    'for the same; gives false, and does nothing else, where another may have given it in the minion''s name. Raises AP006 for an '
    'answer that nobody waits for. Definer: tables are private.';
