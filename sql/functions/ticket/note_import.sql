CREATE OR REPLACE FUNCTION approval.note_import(p_provider text, p_subject text, p_facts jsonb) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moment timestamptz := clock_timestamp();
    actor record;
    fact jsonb;
    noted integer := 0;
BEGIN
    IF p_provider = 'pg' THEN
        RAISE EXCEPTION USING ERRCODE = 'AP002', MESSAGE = 'an import names the system that it comes from as its provider, not pg';
    ELSIF p_facts IS NULL OR jsonb_typeof(p_facts) <> 'array'
        OR EXISTS (SELECT FROM jsonb_array_elements(p_facts) AS f (fact) WHERE jsonb_typeof(f.fact) <> 'object') THEN
        RAISE EXCEPTION USING ERRCODE = 'AP005', MESSAGE = 'the facts of an import must be an array of objects';
    END IF;
    actor := approval.acting_principal(p_provider, p_subject);
    -- Two imports at once wait for each other here, so that the second finds what the first noted.
    PERFORM pg_advisory_xact_lock(hashtextextended('import/' || p_provider, 0));
    FOR fact IN
        SELECT DISTINCT jsonb_build_object('source', p_provider) || f.fact FROM jsonb_array_elements(p_facts) AS f (fact)
        EXCEPT SELECT e.detail::jsonb FROM approval.audit_entry AS e WHERE e.stream = 0 AND e.act = 'imported'
        ORDER BY 1
    LOOP
        PERFORM approval.audit_append(0, moment, 'imported', actor.name, p_provider || ':' || p_subject, actor.assurance, fact);
        noted := noted + 1;
    END LOOP;
    RETURN noted;
END
$$;
COMMENT ON FUNCTION approval.note_import IS
    'Records what another system (p_provider, whose identity the caller acts as) once did, each fact an object, in the audit of '
    'policy and inventory: nothing follows from it. A fact that stands there is not recorded again. Gives how many were new. '
    'Raises AP001, AP002, AP005. Definer: tables are private.';
