"""The file of passwords: its lines, what is refused of it, and who gets in by it."""

import os
import pty
import subprocess
import sys

import pytest

from saltext.approval.cli import main
from saltext.approval.errors import ConfigError, InputError
from saltext.approval.portal import passwords

RIGHT = "correct horse battery"


@pytest.fixture(scope="module")
def line():
    """Bob's line; it takes its time to make one."""
    return passwords.line("bob", RIGHT)


@pytest.fixture
def file(tmp_path):
    """A function that writes the file with this text, and gives its path."""
    path = tmp_path / "passwords"
    path.touch(mode=0o600)

    def write(text):
        path.write_text(text)
        return str(path)

    return write


def test_who_gets_in(file, line):
    way = passwords.Passwords(file(f"# a comment\n\n  {line}  \n"))
    assert way.is_right("bob", RIGHT)
    for name, password in (
        ("bob", RIGHT + " "),
        ("bob", ""),
        ("Bob", RIGHT),
        ("alice", RIGHT),
        ("alice", ""),
        ("", ""),
    ):
        assert not way.is_right(name, password)
    assert not way.is_right("bob", "x" * (passwords.MOST + 1))


def test_the_mark_of_a_password_changes_with_its_line(file, line):
    way = passwords.Passwords(file(line))
    before = way.credential("bob")
    assert way.credential("alice") is None
    assert "argon2" not in before
    file(passwords.line("bob", RIGHT))
    assert way.credential("bob") not in (before, None)
    file(line.replace("bob", "alice"))
    assert way.credential("bob") is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must hold a line of `salt-approval web password NAME`"),
        ("bob", "line 1 is none that"),
        ("bob:secret", "line 1 is none that"),
        ("# x\n:$argon2id$v=19$m=19456,t=2,p=1$AJml1wSWyy/KjfftSmLhbg$x", "line 2 is none that"),
        ("LINE\nLINE", "line 2: bob has a line before: only one can count"),
    ],
)
def test_a_file_that_cannot_be_used(file, line, text, says):
    with pytest.raises(ConfigError, match=says) as refused:
        passwords.Passwords(file(text.replace("LINE", line)))
    assert "secret" not in str(refused.value)
    assert "argon2" not in str(refused.value)


def test_a_file_that_others_read_is_refused(file, line):
    path = file(line)
    os.chmod(path, 0o644)
    with pytest.raises(ConfigError, match=r"approval:portal: passwords .* has mode 0644"):
        passwords.Passwords(path)


@pytest.mark.parametrize("name", ["", " bob", "bob ", "a:b", "#bob", "a\nb", "x" * 300])
def test_names_that_a_line_cannot_have(name):
    with pytest.raises(InputError, match="is no name for the file"):
        passwords.line(name, RIGHT)


@pytest.mark.parametrize("password", ["", "x" * 11, "x" * 1025])
def test_passwords_that_are_too_short_or_long(password):
    with pytest.raises(InputError, match="a password has 12 to 1024 characters"):
        passwords.line("bob", password)


def test_the_command_prints_the_line(file):
    command = [sys.executable, "-m", "saltext.approval", "web", "password", "bob"]
    done = subprocess.run(command, input=RIGHT + "\n", capture_output=True, text=True, check=True)
    assert passwords.Passwords(file(done.stdout)).is_right("bob", RIGHT)
    refused = subprocess.run(command, input="short\n", capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "12 to 1024 characters" in refused.stderr


def test_at_a_terminal_it_asks_twice(monkeypatch, capsys):
    master, terminal = pty.openpty()
    answers = iter([RIGHT, RIGHT + "!"])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["web", "password", "bob"]) == 2
    os.close(master)
    out, err = capsys.readouterr()
    assert (out, "the two passwords differ: nothing was printed" in err) == ("", True)
