"""All that README.md and the pages for those who use it have somebody type, in order, on one fresh machine."""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import documents
import pytest
from lab import PROJECT, wait_until

# In the order in which they are typed: the last one ends with uninstalling.
PAGES = [PROJECT / f"docs/{name}.md" for name in ("setting-up", "policy", "daily-work", "job-log", "alarms", "running")]
LANGUAGES = ("", "sh", "console", "yaml")
# Begins a line that somebody types.
COMMAND = re.compile(r"^(\w+\$|(salt|psql|pg_|sudo|systemctl|createuser|createdb)\b)")
FREEZE = '{"freezes": {"held": {"from": "2026-01-01", "until": "2099-01-01", "type": "value", "reason": "a test"}}}'


def approved_value(machine, name, state="converged"):
    """The number of a request for a value on web1, approved and come to this state."""
    asked = machine.run(
        f"sudo salt-run --out=json approval.request value minions=web1 values='{{{name}: x}}' reason=x", "alice"
    )
    number = re.search(r'"request": (\d+)', asked.stdout)[1]
    machine.run(f"salt-approval approve {number}", "carol")
    wait_until(lambda: shown(machine, number)["state"] == state, f"request {number}: {state}")
    return number


def shown(machine, number):
    return json.loads(machine.run(f"salt-approval --json show {number}", "carol").stdout)


def held_request(machine):
    machine.run("salt-approval policy load -", text=FREEZE)
    return approved_value(machine, "held", "approved")


def own_delegation(machine):
    return str(json.loads(machine.run("salt-approval --json delegations", "carol").stdout)[0]["delegation"])


def account_of_alice(machine):
    machine.run("echo alice:wonder | chpasswd")
    # Salt asks PAM in a Python that it starts anew. The one of a virtual environment is a link to the system's.
    machine.run("echo /opt/saltstack/salt/lib/python3*/site-packages >/usr/lib/python3/dist-packages/onedir.pth")


def raised_alarm(machine):
    """The number of an open alarm about a job by hand on web1."""
    machine.run("salt web1 service.start no-such-service", check=False)
    listed = "salt-approval --json alarms web1 --kind unapproved-job"
    rows = wait_until(lambda: json.loads(machine.run(listed, "alice").stdout), "the alarm")
    return str(rows[0]["alarm"])


class Case(NamedTuple):
    """
    The conditions that a command of a page takes for granted.

    before: called with the machine; what it gives is N of the command. typed: what is typed after the command.
    code: its exit code. says: stands in its answer. not_run: why it cannot be run here.
    """

    before: Callable = lambda machine: None
    typed: str = ""
    code: int = 0
    says: str = ""
    not_run: str = ""


# How a command begins -> its case.
CASES = {
    "sudo -u postgres createuser --superuser --pwprompt dba": Case(
        lambda machine: machine.run("echo 127.0.0.1 db1 >>/etc/hosts"), typed="secret\nsecret\n"
    ),
    "(umask 077; cat >/root/approval-dba.dsn)": Case(typed="host=db1 dbname=approval user=dba password=secret\n"),
    "createuser --role=approval_person --pwprompt dave": Case(typed="secret\nsecret\n"),
    "(umask 077; cat >~/approval.dsn)": Case(typed="host=db1 dbname=approval user=dave password=secret\n"),
    "salt-run -a pam": Case(account_of_alice, typed="wonder\n", says="pending"),
    "salt web1 state.apply shop": Case(lambda machine: approved_value(machine, "shop_release"), says="Failed:    0"),
    "salt-approval break-glass N": Case(held_request),
    "salt-approval undelegate N": Case(own_delegation),
    "salt-approval mute N": Case(raised_alarm, says="muted"),
    "salt-approval acknowledge N": Case(raised_alarm, says="acknowledged"),
    "salt-approval show N": Case(lambda machine: "1", says="request 1"),
    "salt-approval outbox retry N": Case(lambda machine: "1", code=1, says="request 1"),
    "salt-approval compliance --metrics": Case(
        lambda machine: machine.run("mkdir -p /var/lib/prometheus/node-exporter")
    ),
    "salt-key --delete=web2": Case(typed="y\n"),
    "scp -p": Case(not_run="there is no second machine"),
    "createdb": Case(lambda machine: machine.run("dropdb approval")),
    "salt-pip uninstall": Case(typed="y\n"),
}


def test_readme_from_nothing_to_converged(newcomer):
    machine, answers = newcomer
    assert "2 items on 2 minions" in answers["sudo salt-run approval.show 1"]
    show = "sudo salt-run approval.show 1"
    wait_until(lambda: "2 items on 2 minions: 2 converged" in machine.run(show, "alice").stdout, "the minions' proof")
    check = next(answer for command, answer in answers.items() if command.startswith("salt-approval check"))
    assert ": 0 errors, " in check


@pytest.mark.parametrize("page", [PROJECT / "README.md", *PAGES], ids=lambda page: page.name)
def test_every_block_is_one_that_is_typed_or_cannot_be(page):
    blocks = documents.blocks(page)
    assert 2 * len(blocks) == sum(line.startswith("```") for line in page.read_text().splitlines())
    assert {block.language for block in blocks} <= set(LANGUAGES)
    hidden = [(block.line, line) for block in blocks if not block.language for line in block.text.splitlines()]
    assert not [(number, line) for number, line in hidden if COMMAND.match(line)]
    consoles = [block for block in blocks if block.language == "console"]
    assert all(block.commands for block in consoles)


def test_the_pages_as_they_stand(newcomer):
    machine, _ = newcomer
    unused, wrong = set(CASES), []
    for block in (block for page in PAGES for block in documents.blocks(page)):
        if block.file:
            machine.write(block.file, block.text)
        for person, command in block.commands:
            begin = next((begin for begin in CASES if command.startswith(begin)), None)
            unused.discard(begin)
            wrong += outcome(machine, person, command, CASES.get(begin, Case()), f"{block.page}:{block.line}")
    assert not wrong, "\n".join(wrong)
    assert not unused, "no command begins so any more"
    assert not machine.path("/srv/approval").is_symlink(), "it is uninstalled again"
    assert "2.10-3" in machine.run("salt web1 pkg.version hello").stdout, "minions keep what they have"


def outcome(machine, person, command, case, place):
    """Type a command; gives a list of one text if it went otherwise than `case` has it, else of none."""
    if case.not_run:
        return []
    number = case.before(machine)
    line = re.sub(r"\bN\b", str(number), command)
    result = machine.run(line, person, check=False, text=case.typed)
    print(f"{person}$ {line}\n{result.stdout}", flush=True)
    if result.returncode == case.code and case.says in result.stdout:
        return []
    return [f"{place}: {person}$ {line}\nexit code {result.returncode}\n{result.stdout}"]
