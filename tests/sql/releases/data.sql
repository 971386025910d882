-- What was approved, by which keys minions prove it, what was decided, and what the audit says: a name and a content each.
SELECT 'document', md5(string_agg(concat_ws(' ', minion_id, revision, valid_from, valid_until, digest, evidence_key, kinds, names, types, contents),
                                  '/' ORDER BY minion_id, revision)) FROM approval.document
UNION ALL SELECT 'history', md5(string_agg(concat_ws(' ', minion_id, revision, digest, evidence_key, names, contents, item_ids),
                                           '/' ORDER BY minion_id, revision)) FROM approval.document_history
UNION ALL SELECT 'decision', md5(string_agg(concat_ws(' ', request_id, stage_no, decision, comment), '/' ORDER BY decided_at)) FROM approval.decision
UNION ALL SELECT 'audit', md5(string_agg(concat_ws(' ', stream, seq, at, act, principal, identity, login_role, detail, hash), '/' ORDER BY stream, seq))
FROM approval.audit_entry
UNION ALL SELECT 'requests', string_agg(request_id || state || reason, '/' ORDER BY request_id) FROM approval.request
UNION ALL SELECT 'items', string_agg(concat_ws(' ', item_id, state, outcome, observed), '/' ORDER BY item_id) FROM approval.item
UNION ALL SELECT 'returns', md5(string_agg(concat_ws(' ', jid, minion_id, attempt, verdict, findings), '/' ORDER BY jid, minion_id, attempt)) FROM approval.job_return
UNION ALL SELECT 'outbox', string_agg(concat_ws(' ', destination, request_id, seq, topic, state, body), '/' ORDER BY request_id, seq) FROM approval.outbox
UNION ALL SELECT 'standing', string_agg(concat_ws(' ', minion_id, standing), '/' ORDER BY minion_id) FROM approval.standing
ORDER BY 1
