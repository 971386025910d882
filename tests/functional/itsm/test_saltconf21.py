"""What saltconf21 approved is taken over, once, and nothing of it is lost without a word."""

import json
import pathlib

import child
import documents
import pytest

SCHEMA = (pathlib.Path(__file__).parent / "saltconf21.sql").read_text(encoding="utf-8")
BLOCKS = documents.blocks(pathlib.Path(__file__).parents[3] / "docs/moving-from-saltconf21.md")
ZONE = ("--time-zone", "Europe/Amsterdam")
ROW = """
INSERT INTO install_packages (itsm_id, minion_id, package_name, package_version, after, created_at, reverted)
VALUES (%s, %s, %s, %s, %s, %s, %s)
"""
# Ticket, minion, package, version, after, created at, reverted.
ROWS = [
    ("SC21-1", "old1", "vim", "8.1", "2021-03-01 10:00", "2021-03-01 09:00", False),
    ("SC21-1", "old2", "vim", "8.1", "2021-03-01 10:00", "2021-03-01 09:00", False),
    # The later one counts, on the one minion that it names.
    ("SC21-2", "old2", "vim", "8.2", "2021-07-01 10:00", "2021-06-01 09:00", False),
    # Of two for the same time the one that was made later, whatever its version.
    ("SC21-3", "old1", "htop", "3.1", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-4", "old1", "htop", "3.0", "2021-05-01 10:00", "2021-04-02 09:00", False),
    # Made at the same time as well: a removal goes before any version, and is there twice.
    ("SC21-5", "web1", "nano", "5.4", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-5", "web1", "nano", None, "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-5", "web1", "nano", None, "2021-05-01 10:00", "2021-04-01 09:00", False),
    # Reverted: the one before counts again.
    ("SC21-6", "web2", "curl", "7.74", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-7", "web2", "curl", "7.88", "2021-08-01 10:00", "2021-07-01 09:00", True),
    # A glob, and one that the inventory never saw.
    ("SC21-8", "*x", "curl", "7.74", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-8", "nobody", "curl", "7.74", "2021-05-01 10:00", "2021-04-01 09:00", False),
    # Names and versions that are none; the rest of the ticket is taken.
    ("SC21-9", "web2", "bad name", "1", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-9", "web2", "jq", "1.6; reboot", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-9", "web2", "less", "Latest", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-9", "web1", "less", "551", "infinity", "2021-04-01 09:00", False),
    # Nothing but what is none.
    ("SC21-10", "web2", "tree", "any", "2021-05-01 10:00", "2021-04-01 09:00", False),
    # Each is well by itself, both are not.
    ("SC21-11", "web1", "zip", "3.0", "2021-05-01 10:00", "2021-04-01 09:00", False),
    ("SC21-11", "web1", "zip:amd64", "3.1", "2021-05-01 10:00", "2021-04-01 09:00", False),
]
KEPT = {
    ("SC21-1", "old1", "vim", "8.1"),
    ("SC21-2", "old2", "vim", "8.2"),
    ("SC21-4", "old1", "htop", "3.0"),
    ("SC21-5", "web1", "nano", None),
    ("SC21-6", "web2", "curl", "7.74"),
    ("SC21-9", "web2", "less", "latest"),
}
ITEMS = """
SELECT r.external_ref, i.minion_id, i.name, i.content FROM approval.request AS r
JOIN approval.item AS i ON i.request_id = r.request_id WHERE r.source = 'saltconf21'
"""
EVERYTHING = """
SELECT (SELECT jsonb_agg(r ORDER BY request_id) FROM approval.request AS r),
    (SELECT jsonb_agg(i ORDER BY i.request_id, minion_id, name) FROM approval.item AS i),
    (SELECT jsonb_agg(m ORDER BY minion_id) FROM approval.minion AS m),
    (SELECT jsonb_agg(e ORDER BY stream, seq) FROM approval.audit_entry AS e)
"""


@pytest.fixture
def old(new_database):
    """A Database of saltconf21 with a bit of everything."""
    with new_database("old", "template1") as database, database.connect() as conn:
        conn.execute(SCHEMA)
        conn.cursor().executemany(ROW, ROWS)
        conn.execute(
            "INSERT INTO minions (minion_id, operating_system) "
            "VALUES ('old1', 'Linux'), ('old2', 'Linux'), ('web1', 'Windows'), ('a/b', 'Linux')"
        )
        conn.execute("INSERT INTO available_packages (operating_system, package_name, package_version) "
                     "VALUES ('Linux', 'vim', '8.1'), ('Linux', 'vim', '8.2'), ('Windows', 'git', NULL)")  # fmt: skip
        conn.execute(
            "INSERT INTO reboot_requests (itsm_id, minion_id, job_id, created_at) VALUES "
            "('SC21-20', 'old1', '20210501100000000000', '2021-05-01 12:00'), "
            "('SC21-20', 'nobody', '20210501100000000001', '2021-05-01 12:00')"
        )
        yield database


@pytest.fixture
def run(approved, old, dsn_file, tmp_path):
    """A function that runs the import as the login operator, who may by the page; gives (exit code, output)."""
    from saltext.approval import config, db
    from saltext.approval.policy import loader

    (policy,) = [block.text for block in BLOCKS if block.language == "yaml"]
    # The login operator has the role that the page gives to its own.
    policy = policy.replace("saltconf21:mover", "saltconf21:operator").replace(
        "  mover: {saltconf21", "  operator: {saltconf21"
    )
    with db.connect(config.Connection(approved.dsn("policy_admin"))) as conn:
        loader.load(conn, loader.parse(policy))
    path = tmp_path / "old.dsn"
    path.touch(mode=0o600)
    path.write_text(old.dsn())

    def command(*arguments, login="operator", source=("--from-dsn-file", str(path))):
        words = ["salt-approval", "--dsn-file", dsn_file(login), "--utc", "import", "saltconf21", *source, *arguments]
        result = child.run(child.program("salt-approval"), words)
        return result.returncode, result.stdout + result.stderr

    return command


def left_out(report):
    """{(ticket, minion, package, version): why}"""
    return {(row["ticket"], row["minion"], row["package"], row["version"]): row["why"] for row in report["left_out"]}


def test_acceptance_25_import_twice_makes_the_same_rows_and_all_omissions_are_named(run, approved):
    code, text = run(*ZONE, "--yes", "--json")
    first = json.loads(text)
    assert code == 1, "some was refused"
    assert set(approved.execute(ITEMS)) == KEPT
    before = approved.execute(EVERYTHING)
    second = json.loads(run(*ZONE, "--yes", "--json")[1])
    assert approved.execute(EVERYTHING) == before
    assert [row["request"] for row in second["requests"]] == [row["request"] for row in first["requests"]]
    assert {row["is_new"] for row in first["requests"]} == {True}
    assert {row["is_new"] for row in second["requests"]} == {False}
    assert second["left_out"] == first["left_out"]
    # Each row was taken over, or is named; and so is a minion.
    assert len(first["left_out"]) == 1 + len(ROWS) - len(KEPT)
    named = left_out(first)
    rows = {(ticket, minion, package, version or "absent") for ticket, minion, package, version, *_ in ROWS}
    kept = {(ticket, minion, package, version or "absent") for ticket, minion, package, version in KEPT}
    kept |= {("SC21-9", "web2", "less", "Latest")}
    again = {("SC21-5", "web1", "nano", "absent")}
    assert set(named) == {(None, "a/b", None, None)} | rows - kept | again
    assert named["SC21-1", "old2", "vim", "8.1"] == "SC21-2 came later, for the same package"
    assert named["SC21-3", "old1", "htop", "3.1"] == "SC21-4 came later, for the same package"
    assert "the same ticket" in named["SC21-5", "web1", "nano", "5.4"]
    assert "the same ticket" in named["SC21-5", "web1", "nano", "absent"]
    assert named["SC21-7", "web2", "curl", "7.88"] == "its ticket was reverted"
    assert (
        named["SC21-8", "*x", "curl", "7.74"] == named["SC21-8", "nobody", "curl", "7.74"] == "the minion is not known"
    )
    assert "is not a package name" in named["SC21-9", "web2", "bad name", "1"]
    assert "is not a version of package jq" in named["SC21-9", "web2", "jq", "1.6; reboot"]
    assert "none of a calendar" in named["SC21-9", "web1", "less", "551"]
    assert named["SC21-10", "web2", "tree", "any"].startswith("refused: the version of tree is 'any'")
    assert "two things of what may be one" in named["SC21-11", "web1", "zip", "3.0"]
    assert named[None, "a/b", None, None] == "this is no id of a minion"


def test_requests_wait_for_approval_at_their_time(run, approved):
    run(*ZONE, "--yes")
    rows = approved.execute(
        "SELECT external_ref, type_name, state, not_before::text, reason FROM approval.request "
        "WHERE source = 'saltconf21' ORDER BY request_id LIMIT 2"
    )
    assert rows == [
        ("SC21-1", "package", "pending", "2021-03-01 09:00:00+00", "imported from saltconf21, ticket SC21-1"),
        ("SC21-2", "package", "pending", "2021-07-01 08:00:00+00", "imported from saltconf21, ticket SC21-2"),
    ]
    assert approved.execute("SELECT count(*) FROM approval.document") == [(0,)], "nothing is in force"


def test_reboots_are_recorded_and_never_sent_again(run, approved):
    report = json.loads(run(*ZONE, "--yes", "--json")[1])
    assert report["reboots"] == {"found": 2, "recorded": 1}
    rows = approved.execute("SELECT principal, detail::jsonb FROM approval.audit_entry WHERE act = 'imported'")
    reboots = [
        {"minion": minion, "jid": jid, "at": "2021-05-01T10:00:00+00:00"}
        for minion, jid in (("old1", "20210501100000000000"), ("nobody", "20210501100000000001"))
    ]
    assert rows == [("mover", {"source": "saltconf21", "ticket": "SC21-20", "reboots": reboots})]
    assert approved.execute("SELECT count(*) FROM approval.outbox") == [(0,)]
    assert json.loads(run(*ZONE, "--yes", "--json")[1])["reboots"] == {"found": 2, "recorded": 0}


def test_a_dry_run_says_the_same_and_changes_nothing(run, approved):
    before = approved.execute(EVERYTHING)
    code, text = run(*ZONE, "--json")
    tried = json.loads(text)
    assert approved.execute(EVERYTHING) == before
    assert (code, tried["applied"], {row["request"] for row in tried["requests"]}) == (1, False, {None})
    done = json.loads(run(*ZONE, "--yes", "--json")[1])
    unnumbered = [{**row, "request": None} for row in done["requests"]]
    assert tried == {**done, "applied": False, "requests": unnumbered}
    assert done["minions"] == {"found": 4, "added": 2}


def test_it_is_told_as_text(run):
    code, text = run(*ZONE)
    assert code == 1
    for line in (
        "minions: 4, of which 2 would be made known",
        "requests: 6 would be made, 0 there already",
        "reboots: 2, of 1 tickets would be recorded in the audit; none is repeated",
        "packages of Linux: 1 in 2 versions, not taken over: the inventory asks the minions themselves",
        "nothing was changed: say --yes",
    ):
        assert line in text.splitlines()
    assert "SC21-8   *x, nobody  curl" in text


def test_what_changed_there_since_is_named_and_changes_no_request(run, approved, old):
    run(*ZONE, "--yes")
    old.execute(ROW, ("SC21-2", "old1", "vim", "9.0", "2022-01-01 10:00", "2022-01-01 09:00", False))
    before = approved.execute("SELECT count(*) FROM approval.request")
    named = left_out(json.loads(run(*ZONE, "--yes", "--json")[1]))
    assert "with another content" in named["SC21-2", "old1", "vim", "9.0"]
    assert named["SC21-1", "old1", "vim", "8.1"] == "SC21-2 came later, for the same package"
    assert approved.execute("SELECT count(*) FROM approval.request") == before


def test_a_minion_that_was_removed_here_stays_so(run, approved):
    approved.execute("SELECT approval.put_minions('{old1}')", login="operator")
    approved.execute("SELECT approval.remove_minions('saltconf21', 'operator', '{old1}', 'scrapped')", login="operator")
    named = left_out(json.loads(run(*ZONE, "--yes", "--json")[1]))
    assert "it was removed here" in named[None, "old1", None, None]
    assert named["SC21-4", "old1", "htop", "3.0"] == "the minion is not known"
    assert approved.execute("SELECT removed_at IS NULL FROM approval.minion WHERE minion_id = 'old1'") == [(False,)]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--time-zone", "Mars/Base"), 2, "'Mars/Base' is no time zone: give a name such as Europe/Amsterdam"),
        ((*ZONE, "--type", "standard"), 2, "requests of type standard are approved by themselves"),
        ((*ZONE, "--type", "service"), 2, "requests of type service are not about packages"),
        ((*ZONE, "--type", "nothing"), 1, "nothing"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, arguments, code, says):
    assert run(*arguments)[0] == code
    assert says in run(*arguments)[1]


def test_only_a_login_that_speaks_for_saltconf21_imports(run, approved):
    code, text = run(*ZONE, "--yes", login="alice")
    assert (code, "alice does not speak for saltconf21" in text) == (1, True)
    approved.execute("SELECT approval.drop_speaker('operator', 'saltconf21')", login="policy_admin")
    assert "operator does not speak for saltconf21" in run(*ZONE, "--yes")[1]
    assert approved.execute("SELECT count(*) FROM approval.request") == [(0,)]


def test_the_old_database_has_to_be_one(run, approved, old):
    code, text = run(*ZONE, source=("--dsn", approved.dsn()))
    assert (code, "that is no database of saltconf21, which has the tables minions," in text) == (2, True)
    code, text = run(*ZONE, source=("--dsn", "host=h password=secret"))
    assert (code, "--dsn holds a password" in text, "secret" in text) == (2, True, False)
    code, text = run(*ZONE, source=("--dsn", "host=/nowhere dbname=old"))
    assert (code, "the database of saltconf21 cannot be reached" in text) == (2, True)
    assert run(*ZONE, source=("--dsn", old.dsn()))[0] == 1


def test_the_commands_of_the_page_are_those_that_there_are(run):
    lines = [line for block in BLOCKS for line in block.text.splitlines() if line.startswith("salt-approval import")]
    assert len(lines) == 2
    for line in lines:
        words = line.split()[3:]
        rest = [word for word in words if not word.endswith(".dsn") and word not in ("--dsn-file", "--from-dsn-file")]
        assert "SC21-8   *x, nobody  curl" in run(*rest)[1]
