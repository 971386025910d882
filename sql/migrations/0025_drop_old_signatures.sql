-- Both have an argument more: how a revert resolves an overlap, and whether returns that can prove nothing are listed.
DROP FUNCTION IF EXISTS approval.revert_request(text, text, bigint, text[], text, text);
DROP FUNCTION IF EXISTS approval.list_returns(text, text, boolean, timestamptz, text[], integer);
