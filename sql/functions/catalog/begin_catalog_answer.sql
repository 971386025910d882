CREATE OR REPLACE FUNCTION approval.begin_catalog_answer(p_minion_id text, p_nonce text, p_attempt integer, p_report jsonb)
    RETURNS boolean
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unproven constant text := 'its answer is not proven to be its own: its pillar may be missing, or somebody else gave it';
    proof boolean := approval.catalog_proof(p_minion_id, p_nonce, p_report);
BEGIN
    UPDATE approval.catalog_ask AS a
    SET attempt = greatest(a.attempt, p_attempt), answered_at = CASE WHEN proof IS DISTINCT FROM false THEN now() END,
        refusal = CASE WHEN proof IS DISTINCT FROM false THEN a.refusal ELSE unproven END
    WHERE a.minion_id = p_minion_id AND a.nonce = p_nonce AND a.answered_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'AP006', MESSAGE = format('minion %s does not owe this answer', p_minion_id);
    END IF;
    RETURN coalesce(proof, false);
END
$$;
COMMENT ON FUNCTION approval.begin_catalog_answer IS
    'Internal: takes the answer of a minion that was asked with this nonce, once: one that somebody may have given in its name is '
    'passed over, and a later one is waited for. Gives whether it is proven to be the minion''s own. Raises AP006.';
