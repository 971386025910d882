-- Comments of tables name the functions as they are called now.
COMMENT ON TABLE approval.silence_mark IS
    'Up to when jobs have been looked at for minions that did not return; see approval.note_silence.';
COMMENT ON TABLE approval.minion_check IS 'When each minion was last told to read what is there; see approval.take_checks.';
