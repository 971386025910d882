-- Types mark values and arguments as sensitive: nobody is shown these but by a look of their own, which is recorded.
CREATE TABLE approval.sensitive (
    type_name text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    argument text,
    UNIQUE NULLS NOT DISTINCT (kind, name, argument, type_name),
    CONSTRAINT sensitive_kind CHECK (kind IN ('value', 'action') AND (kind = 'action') = (argument IS NOT NULL))
);
COMMENT ON TABLE approval.sensitive IS
    'What the newest versions of request types mark as sensitive. A mark holds for the name, in requests of all types.';
COMMENT ON COLUMN approval.sensitive.name IS 'Of a value, or the function of an action.';
COMMENT ON COLUMN approval.sensitive.argument IS 'The argument of the function; NULL: it is a value.';

CREATE TABLE approval.look (
    look_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    request_id bigint NOT NULL REFERENCES approval.request,
    principal_id bigint NOT NULL REFERENCES approval.principal,
    login oid NOT NULL,
    looked_at timestamptz NOT NULL,
    xid xid8 NOT NULL
);
CREATE INDEX look_of_request ON approval.look (request_id, principal_id);
COMMENT ON TABLE approval.look IS
    'Who looked at the sensitive values of a request, beside the entries of the audit. Insert-only.';
COMMENT ON COLUMN approval.look.login IS 'The login that asked for it, to which alone the values are given.';
COMMENT ON COLUMN approval.look.xid IS 'The transaction that recorded it: values are given once it has committed.';
CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approval.look
    FOR EACH STATEMENT EXECUTE FUNCTION approval.refuse_change();

CREATE TABLE approval.salt_key (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    key bytea NOT NULL CHECK (octet_length(key) = 32)
);
COMMENT ON TABLE approval.salt_key IS 'The key of which the salts of item sets are made. No login reads it.';
COMMENT ON COLUMN approval.salt_key.key IS 'Random; it can be replaced, as each salt is kept with its set.';
INSERT INTO approval.salt_key (key)
SELECT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

ALTER TABLE approval.item_set ADD COLUMN salt bytea CHECK (octet_length(salt) = 32);
COMMENT ON COLUMN approval.item_set.salt IS
    'Goes into the digest where an item is sensitive, so that nobody finds its content by trying; NULL: none was when it was made.';
-- They have an argument more: the salt of the set, and whether what is sensitive is left out.
DROP FUNCTION IF EXISTS approval.put_items(
    bigint, integer, text, text[], text[], text[], text[], text[], timestamptz);
DROP FUNCTION IF EXISTS approval.item_groups(bigint, integer, boolean, integer);
