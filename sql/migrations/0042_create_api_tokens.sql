-- Tokens by which programs act for people, and what was answered to calls that may be sent again.
CREATE TABLE approval.api_token (
    token_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    provider text NOT NULL,
    subject text NOT NULL,
    credential text NOT NULL,
    title text NOT NULL,
    scopes text[] NOT NULL,
    made_at timestamptz NOT NULL,
    used_at timestamptz,
    ends_at timestamptz NOT NULL,
    CONSTRAINT api_token_title CHECK (btrim(title) <> '' AND length(title) <= 100),
    CONSTRAINT api_token_scopes CHECK (
        cardinality(scopes) > 0 AND scopes <@ '{read,request,decide}' AND array_position(scopes, NULL) IS NULL),
    CONSTRAINT api_token_lasts CHECK (ends_at > made_at AND ends_at <= made_at + interval '90 days'),
    FOREIGN KEY (provider, subject) REFERENCES approval.identity ON DELETE CASCADE
);
CREATE INDEX api_token_identity ON approval.api_token (provider, subject);
CREATE INDEX api_token_ends ON approval.api_token (ends_at);
COMMENT ON TABLE approval.api_token IS
    'Tokens of the REST API, until they end. Whoever has one acts as its person, asserted and for its scopes alone, through a '
    'login with role portal that speaks for the provider.';
COMMENT ON COLUMN approval.api_token.token_hash IS 'The sha256 of the token, which is kept nowhere here.';
COMMENT ON COLUMN approval.api_token.credential IS
    'That of the session in which it was made: where the person proves who they are with another one now, the token serves no '
    'more.';
COMMENT ON COLUMN approval.api_token.title IS 'What its person calls it.';
COMMENT ON COLUMN approval.api_token.scopes IS 'What it is for: read, request, decide.';
COMMENT ON COLUMN approval.api_token.used_at IS 'When it was last used, give or take a minute.';

CREATE TABLE approval.api_call (
    token_no bigint NOT NULL REFERENCES approval.api_token ON DELETE CASCADE,
    key_hash bytea NOT NULL CHECK (length(key_hash) = 32),
    content_hash bytea NOT NULL CHECK (length(content_hash) = 32),
    answer jsonb NOT NULL,
    answered_at timestamptz NOT NULL,
    PRIMARY KEY (token_no, key_hash)
);
CREATE INDEX api_call_answered ON approval.api_call (answered_at);
COMMENT ON TABLE approval.api_call IS
    'Calls of the REST API that did something in the last day, by their Idempotency-Key; see approval.begin_api_call.';
COMMENT ON COLUMN approval.api_call.key_hash IS 'The sha256 of the key, which can have anything in it.';
COMMENT ON COLUMN approval.api_call.content_hash IS 'The sha256 of what was asked for: the address, what it depends on, the body.';
COMMENT ON COLUMN approval.api_call.answer IS 'What the same call gets again.';

-- It has an argument more: what a token of the API has to be for.
DROP FUNCTION IF EXISTS approval.acting_by_session(bytea);
