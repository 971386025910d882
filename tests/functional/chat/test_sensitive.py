"""What the policy marks as sensitive is told in no channel, to nobody who is asked to decide, and stands in no log."""

import json
import logging

CANARY = "canary-51d0"
ACTION = {
    "name": "passwd",
    "kind": "action",
    "action": {"function": "shadow.set_password"},
    "requesters": ["*"],
    "sensitive": ["password"],
    "chain": [{"name": "review", "any_of": [{"group": "reviewers"}]}],
    "parameters": {"properties": {"name": {}, "password": {}}},
}
VALUE = {
    **ACTION,
    "name": "secret",
    "kind": "value",
    "sensitive": ["db.password"],
    "parameters": {"properties": {"values": {"properties": {"db.password": {}}}}},
}
del VALUE["action"]


def test_no_message_has_it(room, client, caplog):
    caplog.set_level(logging.DEBUG)
    for definition in (ACTION, VALUE):
        room.database.execute("SELECT approval.put_request_type(%s)", (json.dumps(definition),))
    room.know()
    for topic in ("requests", "jobs", "drift", "alarms"):
        room.route(topic)
    asks = client("alice").request
    action = asks("passwd", ["web1"], reason="a", parameters={"name": "root", "password": CANARY})["request"]
    value = asks("secret", ["web1"], reason="b", values={"db.password": CANARY})["request"]
    room.work()
    assert any("•••" in message.shown for message in room.direct("bob"))
    for number in (action, value):
        client("bob").approve(number)
        room.database.execute(
            "UPDATE approval.item SET outcome = 'failed', observed = %s, outcome_text = %s WHERE request_id = %s",
            (CANARY, f"found {CANARY}", number),
        )
    client("bob").values(value)
    jid = room.job("shadow.set_password", command=f"salt web1 shadow.set_password root {CANARY}")
    room.returned(jid, "web1", 1, "shadow.set_password", CANARY.encode())
    room.work()
    told = [message.shown for message in room.ops.messages]
    told += [message.shown for name in room.people for message in room.direct(name)]
    assert any("shadow.set_password •••" in text for text in told)
    assert CANARY not in json.dumps(told)
    kept = room.database.execute("SELECT body::text FROM approval.outbox WHERE destination LIKE 'chat-%%'")
    assert CANARY not in json.dumps(kept)
    assert CANARY not in caplog.text
