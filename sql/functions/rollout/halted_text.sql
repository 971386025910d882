CREATE OR REPLACE FUNCTION approval.halted_text(p_request_id bigint) RETURNS text
    LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
SELECT format('halted %s: %s', approval.when_text(o.halted_at), o.halted_because)
    || coalesce((SELECT format(' (%s)', string_agg(format('%s: %s', f.minion_id, coalesce(f.reason, f.verdict)), '; '
                                                   ORDER BY f.minion_id))
                 FROM (SELECT * FROM approval.rollout_failures(p_request_id) AS every ORDER BY every.minion_id LIMIT 3) AS f
                 HAVING count(*) > 0), '')
FROM approval.rollout AS o WHERE o.request_id = p_request_id AND o.state = 'halted'
$$;
COMMENT ON FUNCTION approval.halted_text IS
    'Internal: since when and why the rollout of a request is halted, with the first three minions that failed, for people; NULL: '
    'it is not.';
