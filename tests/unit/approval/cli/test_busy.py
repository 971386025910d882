"""What is told before somebody runs something."""

from saltext.approval.cli.busy import busy_text

DUE = {"request": 7, "type": "package", "title": "", "items": 2, "until": None, "by": None, "calendar": None}
SHOWN = {"as_of": "2026-12-01T10:00:00+00:00", "minion": "web1", "running": [], "due": [], "windows": [], "freezes": []}


def test_nothing():
    assert busy_text(SHOWN) == "on web1, as of 2026-12-01 10:00:00 UTC\nnothing runs\nnothing is due"
    assert busy_text({**SHOWN, "minion": None}).startswith("as of ")


def test_what_is_due_says_what_it_waits_for():
    held = {**DUE, "by": "calendar nights", "until": "2026-12-01T22:00:00+00:00"}
    rows = [
        {**DUE, "waiting_for": None},
        {**held, "waiting_for": None},
        {**held, "until": "infinity", "by": "wave 2 of request 7", "waiting_for": None},
        {**DUE, "items": None, "waiting_for": "due, not sent yet"},
    ]
    windows = [{"calendar": "nights", "from": "2026-12-01T22:00:00+00:00", "until": "2026-12-02T06:00:00+00:00"}]
    _, _, _, *lines = busy_text({**SHOWN, "due": rows, "windows": windows}).splitlines()
    assert [line.split(maxsplit=3)[-1] for line in lines[:4]] == [
        "now",
        "calendar nights, until 2026-12-01 22:00:00 UTC",
        "wave 2 of request 7",
        "due, not sent yet",
    ]
    assert lines[5].split("  ")[0] == "nights"


def test_what_speaks_to_a_terminal_is_shown_as_marks():
    job = {"published_at": None, "jid": "1", "user": "\x1b[31m", "command": "a\x07", "request": None}
    text = busy_text({**SHOWN, "running": [{**job, "ok": 1, "failed": 0, "silent": 2}]})
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "1 ok, 2 silent" in text
