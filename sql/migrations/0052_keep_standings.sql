-- Compliance is asked for all day, over all minions: how they stand is kept, and only those that changed are looked at.
CREATE TABLE approval.minion_standing (
    minion_id text PRIMARY KEY,
    standing text NOT NULL,
    minion_groups text[] NOT NULL,
    resources bigint NOT NULL CHECK (resources >= 0 AND (resources > 0) = (standing = 'drifting')),
    valid_until timestamptz NOT NULL
);
CREATE INDEX minion_standing_end ON approval.minion_standing (valid_until) WHERE valid_until < 'infinity';
COMMENT ON TABLE approval.minion_standing IS
    'How each minion stood, as view standing has it, when approval.maintain_standings looked last. It still holds for those that '
    'no row of standing_change names since, until valid_until.';
COMMENT ON COLUMN approval.minion_standing.minion_groups IS 'Its groups then, sorted.';
COMMENT ON COLUMN approval.minion_standing.resources IS 'How many of its resources were drifting.';
COMMENT ON COLUMN approval.minion_standing.valid_until IS 'When another one of its documents comes into force, by time alone.';

CREATE TABLE approval.standing_tally (
    groups_digest bytea NOT NULL CHECK (octet_length(groups_digest) = 32),
    standing text NOT NULL,
    minion_groups text[] NOT NULL,
    minions bigint NOT NULL,
    resources bigint NOT NULL,
    PRIMARY KEY (groups_digest, standing)
);
COMMENT ON TABLE approval.standing_tally IS
    'How many rows of minion_standing have which groups and standing. approval.maintain_standings alone writes it.';
COMMENT ON COLUMN approval.standing_tally.groups_digest IS 'sha256 of minion_groups, which may be too long for a key.';
COMMENT ON COLUMN approval.standing_tally.resources IS 'How many of their resources were drifting.';

CREATE TABLE approval.standing_change (
    change_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    minions text[] NOT NULL CHECK (minions <> '{}')
);
COMMENT ON TABLE approval.standing_change IS
    'Minions that may stand otherwise than minion_standing has it, or are in other groups. Whoever changes something adds a row, '
    'in the same transaction, and changes none, so that nobody waits for the returns of others.';

-- The function that the triggers call stands in sql/functions/drift/note_standings.sql; here they need its name.
CREATE FUNCTION approval.note_standings() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RETURN NULL;
END
$$;
CREATE TRIGGER standing_inserted AFTER INSERT ON approval.minion REFERENCING NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
-- Of each row: revisions change much more often than this, and many at once.
CREATE TRIGGER standing_updated AFTER UPDATE ON approval.minion
    FOR EACH ROW WHEN (OLD.removed_at IS DISTINCT FROM NEW.removed_at) EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_inserted AFTER INSERT ON approval.minion_group_member REFERENCING NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_deleted AFTER DELETE ON approval.minion_group_member REFERENCING OLD TABLE AS old_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_inserted AFTER INSERT ON approval.document REFERENCING NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_deleted AFTER DELETE ON approval.document REFERENCING OLD TABLE AS old_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
-- An item that is new is in no document yet.
CREATE TRIGGER standing_updated AFTER UPDATE ON approval.item REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_inserted AFTER INSERT ON approval.drift REFERENCING NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_updated AFTER UPDATE ON approval.drift REFERENCING OLD TABLE AS old_row NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_inserted AFTER INSERT ON approval.silence REFERENCING NEW TABLE AS new_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();
CREATE TRIGGER standing_deleted AFTER DELETE ON approval.silence REFERENCING OLD TABLE AS old_row
    FOR EACH STATEMENT EXECUTE FUNCTION approval.note_standings();

-- Nothing is kept of those that there are already: the engine looks at them, a thousand at a time.
INSERT INTO approval.standing_change (minions)
SELECT array_agg(m.minion_id ORDER BY m.minion_id COLLATE "C")
FROM (SELECT k.minion_id, row_number() OVER (ORDER BY k.minion_id COLLATE "C") / 1000 AS part
      FROM approval.minion AS k WHERE k.removed_at IS NULL) AS m
GROUP BY m.part ORDER BY m.part;

-- It gives a column more.
DROP FUNCTION IF EXISTS approval.count_standings(text[]);
