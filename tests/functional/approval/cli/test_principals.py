"""A person who is gone gets a pseudonym: the audit is whole before and after, and forgeries are found."""

import datetime
import json

import child
import pytest

from saltext.approval.trust import audit

GONE = """
principals: {bob: {identities: ["pg:bob", "salt:bob"], disabled: true}}
contacts: {bob: {mail: bob@example.org}}
"""


@pytest.fixture
def run(approved, dsn_file, approve):
    """A function that runs salt-approval as a login; bob decided on request 1, which is withdrawn, and is gone."""
    number = approve(
        ["web1"], {"hello": "2.10"}, after=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=9)
    )

    def command(login, *arguments):
        return child.run(child.program("salt-approval"), ["salt-approval", "--dsn-file", dsn_file(login), *arguments])

    assert command("alice", "cancel", str(number)).returncode == 0
    return command


@pytest.fixture
def gone(run, tmp_path):
    """The same, with bob disabled."""
    path = tmp_path / "policy.yaml"
    path.write_text(GONE)
    loaded = run("policy_admin", "policy", "load", path)
    assert loaded.returncode == 0, loaded.stderr
    return run


def pseudonymise(run, name, *options, login="policy_admin"):
    return run(login, "principal", "pseudonymise", name, "--reason", "asked for by letter", *options)


def export(database):
    database.execute("SELECT approval.seal_audit()", login="engine")
    return [line for (line,) in database.execute("SELECT approval.export_audit()", login="auditor")]


def test_who_can_act_and_who_may_not_do_it_is_refused(run):
    refused = pseudonymise(run, "bob")
    assert (refused.returncode, refused.stderr) == (
        1,
        "salt-approval: bob can still act. Disable the principal first: disabled: true in the policy.\n",
    )
    refused = pseudonymise(run, "bob", login="alice")
    assert refused.returncode == 1
    assert "this login has not the role that it needs (approval_policy_admin)" in refused.stderr
    assert run("policy_admin", "principal", "pseudonymise", "bob").returncode == 2


def test_the_audit_is_whole_before_and_after(gone, database, tmp_path):
    before = export(database)
    head = audit.verify(before).head
    assert "bob@example.org" in "".join(before)
    tried = pseudonymise(gone, "bob", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert tried.stdout.endswith("nothing was changed: without --dry-run bob gets a pseudonym\n")
    assert audit.verify(export(database)).head == head
    done = pseudonymise(gone, "bob")
    assert done.stdout.splitlines()[:-1] == tried.stdout.splitlines()[:-1]
    pseudonym = done.stdout.split()[-2]
    assert done.stdout.endswith(f"bob is {pseudonym} now\n")
    after = export(database)
    assert '"bob' not in "".join(after).replace("\\", "")
    # The old head is still found in it, and both ways to verify agree.
    report = audit.verify(after, head)
    assert (report.intact, report.end_checked) == (True, True), report.broken
    assert gone("auditor", "audit", "verify").stdout == "the audit is intact\n"
    file = tmp_path / "export"
    file.write_text("".join(f"{line}\n" for line in after))
    told = gone("auditor", "audit", "verify", file, "--head", head)
    assert told.returncode == 0
    assert f"\n{report.replaced} of them have a pseudonym where a name was: read the acts" in told.stdout
    assert f"approved by {pseudonym} (pg:{pseudonym}, authenticated)" in gone("alice", "show", "1").stdout
    assert "there is no principal 'bob'" in pseudonymise(gone, "bob").stderr
    again = pseudonymise(gone, pseudonym)
    assert again.stdout.startswith(f"{pseudonym} is a pseudonym since 20")
    # A policy that was saved with the pseudonym in it can be loaded again.
    path = tmp_path / "shown.yaml"
    path.write_text(gone("policy_admin", "policy", "show").stdout)
    assert gone("policy_admin", "policy", "load", path).stdout == "nothing to change\n"


def test_an_export_that_was_changed_is_found(gone, database):
    pseudonymise(gone, "bob")
    records = [json.loads(line) for line in export(database)]
    for index, record in enumerate(records):
        if record["record"] == "entry":
            changed = [*records[:index], {**record, "principal": "mallory"}, *records[index + 1 :]]
            assert not audit.verify(map(json.dumps, changed)).intact
    without = [record for record in records if record.get("act") != "pseudonymised"]
    assert not audit.verify(map(json.dumps, without)).intact
