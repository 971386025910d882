-- A session keeps the proof of its sign-in, and until when it is authenticated by it.
ALTER TABLE approval.web_session
    ADD COLUMN authenticated_until timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN sign_in jsonb NOT NULL DEFAULT '{}'
        CONSTRAINT web_session_sign_in CHECK (jsonb_typeof(sign_in) = 'object' AND length(sign_in::text) <= 2000);
ALTER TABLE approval.web_session ALTER COLUMN authenticated_until DROP DEFAULT, ALTER COLUMN sign_in DROP DEFAULT;
COMMENT ON COLUMN approval.web_session.authenticated_until IS
    'Until then its person is authenticated, if the policy has the login''s word count so much, and asserted afterwards.';
COMMENT ON COLUMN approval.web_session.sign_in IS
    'What the provider of the identity said of the sign-in, for the audit: auth_time, acr, amr.';
DROP FUNCTION IF EXISTS approval.begin_session(text, text, bytea, text, text);
DROP FUNCTION IF EXISTS approval.use_session(bytea);
