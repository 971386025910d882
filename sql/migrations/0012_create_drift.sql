-- What is no longer as it was applied, and who does not answer.
CREATE TABLE approval.drift (
    minion_id text NOT NULL REFERENCES approval.minion,
    kind text NOT NULL,
    name text NOT NULL,
    item_id bigint NOT NULL,
    expected text,
    observed text,
    finding text NOT NULL,
    jid text NOT NULL,
    since timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    cleared_at timestamptz,
    PRIMARY KEY (minion_id, kind, name)
);
CREATE INDEX drift_open ON approval.drift (minion_id) WHERE cleared_at IS NULL;
COMMENT ON TABLE approval.drift IS
    'Resources that were proven to be as approved and, by later authentic evidence, were not: the last time for each.';
COMMENT ON COLUMN approval.drift.item_id IS 'What is approved. Once another item has taken its place, the row tells of the past.';
COMMENT ON COLUMN approval.drift.jid IS 'The job whose return showed it last.';
COMMENT ON COLUMN approval.drift.since IS 'When it was first seen so, without having been seen as approved in between.';
COMMENT ON COLUMN approval.drift.cleared_at IS 'When it was seen as approved again; NULL: it is still otherwise.';

CREATE TABLE approval.silence (
    minion_id text PRIMARY KEY REFERENCES approval.minion,
    since timestamptz NOT NULL,
    jid text NOT NULL,
    fun text NOT NULL,
    asked_at timestamptz NOT NULL,
    missed integer NOT NULL CHECK (missed > 0)
);
COMMENT ON TABLE approval.silence IS 'Minions that did not return from a state run, or no evidence from a check, within a bound. Goes with the next return that proves itself, or the next run answered.';
COMMENT ON COLUMN approval.silence.since IS 'When the first job was published that it has not answered.';
COMMENT ON COLUMN approval.silence.jid IS 'The last such job; fun and asked_at are that one''s.';
COMMENT ON COLUMN approval.silence.missed IS 'How many such jobs there are.';

-- The few jobs that somebody published, among the many that minions report.
CREATE INDEX job_published ON approval.job (published_at) WHERE NOT claimed AND (fun LIKE 'state.%' OR fun = 'approval.observe');
CREATE TABLE approval.silence_mark (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    published_at timestamptz NOT NULL
);
INSERT INTO approval.silence_mark VALUES (true, '-infinity');
COMMENT ON TABLE approval.silence_mark IS 'Up to when jobs have been looked at for minions that did not return; see approval.find_silent.';

CREATE TABLE approval.minion_check (
    minion_id text PRIMARY KEY REFERENCES approval.minion,
    asked_at timestamptz NOT NULL
);
CREATE INDEX minion_check_asked ON approval.minion_check (asked_at);
COMMENT ON TABLE approval.minion_check IS 'When each minion was last told to read what is there; see approval.due_checks.';

CREATE VIEW approval.standing AS
WITH held AS (
    SELECT d.minion_id, d.item_ids FROM approval.document AS d
    WHERE d.valid_from <= now() AND d.valid_until > now() AND cardinality(d.item_ids) > 0
), drifting AS (
    SELECT DISTINCT t.minion_id
    FROM approval.drift AS t JOIN held AS h ON h.minion_id = t.minion_id AND t.item_id = ANY (h.item_ids)
    WHERE t.cleared_at IS NULL
), unproven AS (
    SELECT i.minion_id, bool_or(i.outcome <> 'waiting') AS failed
    FROM approval.item AS i JOIN held AS h ON h.minion_id = i.minion_id AND i.item_id = ANY (h.item_ids)
    WHERE i.state = 'approved' AND i.outcome <> 'converged'
    GROUP BY i.minion_id
)
SELECT m.minion_id, CASE
    WHEN h.minion_id IS NULL THEN 'unknown'
    WHEN t.minion_id IS NOT NULL THEN 'drifting'
    WHEN u.failed THEN 'failed'
    WHEN s.minion_id IS NOT NULL THEN 'silent'
    WHEN u.minion_id IS NOT NULL THEN 'waiting'
    ELSE 'converged' END AS standing
FROM approval.minion AS m
LEFT JOIN held AS h USING (minion_id)
LEFT JOIN drifting AS t USING (minion_id)
LEFT JOIN unproven AS u USING (minion_id)
LEFT JOIN approval.silence AS s USING (minion_id);
COMMENT ON VIEW approval.standing IS
    'How each minion stands to what is approved for it now, the worst first: drifting (was applied and is otherwise now), failed (could not '
    'be applied), silent (did not return), waiting (not proven yet), converged; unknown: nothing is approved for it.';
