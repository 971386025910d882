"""`salt-approval web --demo`: from nothing to an approval in a browser, and nothing left of it afterwards."""

import contextlib
import datetime
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

import psycopg
import pytest

from saltext.approval.cli import main
from saltext.approval.trial import postgres

DAYS = 31
README = pathlib.Path(__file__).resolve().parents[3] / "README.md"


class Demo:
    """A demo that was started: ``process``, ``port``, ``passwords`` by name, and ``folder``, where all of it is."""

    def __init__(self, process, port, folder, printed):
        self.process, self.port, self.folder, self.printed = process, port, folder, printed
        self.passwords = dict(re.findall(r"^    (\w+) +(\S+)    who", printed, re.MULTILINE))

    def query(self, statement):
        """The rows of a statement of the superuser's."""
        (socket,) = self.folder.glob("approval-demo.*/postgres/socket")
        with psycopg.connect(f"host={socket} user={postgres.SUPERUSER} dbname=approval") as connection:
            return connection.execute(statement).fetchall()

    def processes(self):
        """The command lines of the processes that have the folder in theirs."""
        lines = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                lines.append(path.read_bytes().decode(errors="replace"))
        return [line for line in lines if str(self.folder) in line]


@pytest.fixture(scope="module")
def short_folder():
    """A folder with a short path, as the socket of the server comes to be in it."""
    with tempfile.TemporaryDirectory(prefix="apv") as folder:
        # The server's account has to come through.
        os.chmod(folder, 0o711)  # noqa: S103 (to come through, not to look)
        yield pathlib.Path(folder)


@pytest.fixture(scope="module")
def demo(short_folder):
    """A Demo of few minions that takes requests; the last test here ends it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (typed,) = re.findall(r"^try/bin/salt-approval (.*)$", README.read_text(encoding="utf-8"), re.MULTILINE)
    process = subprocess.Popen(
        [sys.executable, "-m", "saltext.approval", *typed.split(), "--minions", "100", "--bind", f"localhost:{port}"],
        env={**os.environ, "TMPDIR": str(short_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    yield Demo(process, port, short_folder, "".join(lines))
    # Whatever it left, so that a failure leaves nothing.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_month_is_whole(demo):
    """Every kind of end that a request can have, nothing from the future, and an audit that verifies."""
    states = {state for (state,) in demo.query("SELECT DISTINCT state FROM approval.request")}
    assert states >= {
        "pending", "approved", "rejected", "cancelled", "expired", "superseded", "converged"
    }  # fmt: skip
    assert demo.query("SELECT * FROM approval.verify_audit()") == []
    assert {state for (state,) in demo.query("SELECT DISTINCT state FROM approval.rollout")} == {"done", "halted"}
    standings = {standing for (standing,) in demo.query("SELECT DISTINCT standing FROM approval.standing")}
    assert standings >= {"converged", "drifting", "silent"}
    (times,) = demo.query(
        "SELECT min(submitted_at), max(submitted_at), bool_and(approved_at > submitted_at), now() FROM approval.request"
    )
    first, last, in_order, now = times
    assert now - datetime.timedelta(days=DAYS) < first < last < now
    assert in_order
    assert demo.query("SELECT count(*) > 0 FROM approval.request AS r, approval.waits(r.request_id, NULL, now()) AS w "
                      "WHERE r.state = 'approved' AND w.by LIKE '%maintenance%'") == [(True,)]  # fmt: skip
    changes = "jsonb_array_elements(approval.plan_summary(p.request_id) -> 'changes') AS c"
    asked_for = f"SELECT bool_and((c ->> 'asked_for')::boolean) FROM approval.request_plan AS p, {changes}"
    assert demo.query(asked_for) == [(True,)]
    assert demo.query("SELECT count(*) > 0 FROM approval.ticket_request") == [(True,)]
    assert demo.query("SELECT count(*) > 0 FROM approval.request WHERE reverts IS NOT NULL") == [(True,)]
    assert {kind for (kind,) in demo.query("SELECT DISTINCT kind FROM approval.alarm")} == {"drift", "halted-wave"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (["--bind", "0.0.0.0:8087"], "serves this machine alone"),
        (["--bind", "192.0.2.7:8087"], "serves this machine alone"),
        (["--bind", "[::]:8087"], "serves this machine alone"),
        (["--bind", "approval.example.com:8087"], "serves this machine alone"),
        (["--bind", "unix:/run/socket"], "serves this machine alone"),
        (["--bind", "127.0.0.1"], "serves this machine alone"),
        (["--minions", "3"], "has 100 to"),
        (["--config", "/etc/salt-approval/service.yaml"], "leave --config out"),
    ],
)
def test_what_the_demo_refuses(given, why, capsys):
    assert main(["web", "--demo", *given]) == 2
    assert why in capsys.readouterr().err


def test_an_address_in_use_is_told_before_anything_is_started(free_port, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        assert main(["web", "--demo", "--bind", f"127.0.0.1:{free_port}"]) == 2
    assert capsys.readouterr().err.endswith("give another with --bind\n")


def test_a_server_that_is_not_installed_is_named(free_port, capsys, monkeypatch):
    monkeypatch.setattr(postgres, "FOLDERS", ("/nowhere/*/bin",))
    assert main(["web", "--demo", "--bind", f"127.0.0.1:{free_port}"]) == 2
    assert "apt-get install postgresql" in capsys.readouterr().err


def test_options_of_the_demo_are_none_of_the_service(capsys):
    assert main(["web", "--bind", "127.0.0.1:8087"]) == 2
    assert "are of --demo" in capsys.readouterr().err


def test_from_nothing_to_an_approval_and_to_nothing_again(demo, come):
    """As the README has it: start, sign in, approve one; then it ends."""
    assert set(demo.passwords) == {"ines", "tom"}, demo.printed
    ines, tom = come(demo), come(demo)
    for name, visitor in (("ines", ines), ("tom", tom)):
        assert visitor.sign_in(name, demo.passwords[name]).status_code == 303
    assert "Nothing waits for you" in tom.get("/inbox").plain
    inbox = ines.get("/inbox")
    number = next(
        number
        for number in re.findall(r'<a href="/requests/(\d+)">Request', inbox.text)
        if "Waits for" in ines.get(f"/requests/{number}").plain
    )
    assert ines.decide(number, "approve", "Seen").status_code == 303
    assert demo.query(
        f"SELECT d.comment FROM approval.decision AS d JOIN approval.principal AS p USING (principal_id) "
        f"WHERE d.request_id = {number} AND p.name = 'ines'"
    ) == [("Seen",)]
    assert demo.processes()
    demo.process.send_signal(signal.SIGTERM)
    assert demo.process.wait(120) == 0
    assert not demo.processes()
    assert list(demo.folder.iterdir()) == []
