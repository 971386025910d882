-- A renewal leaves out what cannot be asked for any more, as a revert does.
COMMENT ON TABLE approval.request_left_out IS
    'What a revert was asked to take back, or a renewal to ask for anew, and cannot, and why: it is about the rest.';
