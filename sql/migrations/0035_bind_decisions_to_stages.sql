-- A decision may name the stage that it is meant for.
DROP FUNCTION IF EXISTS approval.decide(text, text, bigint, text, text, text);
