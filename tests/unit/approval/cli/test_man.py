"""The man page, the completions and the help know every command, with each of its options."""

import argparse
import pathlib
import re
import subprocess

import pytest

from saltext.approval import cli
from saltext.approval.cli.help import PAGES

ROOT = pathlib.Path(__file__).resolve().parents[4]
MAKE = "make man writes them anew"


def walk(parser, words=()):
    """Each command as (its words, its options)."""
    options = [option for action in parser._actions for option in action.option_strings]
    yield words, options
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield from walk(sub, (*words, name))


COMMANDS = [(words, options) for words, options in walk(cli.parser()) if words]


@pytest.fixture(scope="module")
def page():
    return (ROOT / "docs/salt-approval.1").read_text(encoding="utf-8").replace("\\-", "-")


def test_the_man_page_knows_each_command_and_option(page):
    for words, options in COMMANDS:
        start = re.search(f"salt-approval (?:.*)?{re.escape(' '.join(words))}", page)
        assert start or f"fI\\,{words[-1]}" in page, f"{words}: {MAKE}"
        for option in set(options) - {"-h", "--help"}:
            assert option in page, f"{words} {option}: {MAKE}"


def test_the_man_page_is_one():
    result = subprocess.run(
        ["groff", "-man", "-ww", "-z", ROOT / "docs/salt-approval.1"], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0
    assert "error" not in result.stderr


def completed(*words):
    """The words that bash offers at the end of these."""
    script = ROOT / "approval/cli/completions/salt-approval"
    body = f"""
    source {script}
    COMP_WORDS=({" ".join(f"'{word}'" for word in words)}) COMP_CWORD={len(words) - 1} COMP_LINE='{" ".join(words)}'
    _shtab_salt_approval
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    result = subprocess.run(["bash", "-c", body], check=True, capture_output=True, text=True)
    return {line.strip() for line in result.stdout.splitlines()}


def test_bash_offers_each_command():
    offered = completed("salt-approval", "")
    assert {words[0] for words, _ in COMMANDS} <= offered, MAKE
    assert {words[1] for words, _ in COMMANDS if words[0] == "audit" and len(words) == 2} <= completed(
        "salt-approval", "audit", ""
    )


def test_bash_knows_each_option():
    text = (ROOT / "approval/cli/completions/salt-approval").read_text()
    for words, options in COMMANDS:
        name = "_shtab_salt_approval_" + "_".join(words).replace("-", "_") + "_option_strings"
        (found,) = re.findall(f"^{name}=\\((.*)\\)$", text, re.MULTILINE)
        assert set(options) <= set(found.replace("'", "").replace('"', "").split()), f"{words}: {MAKE}"


def test_the_command_prints_what_is_shipped(capsys):
    assert cli.main(["completion", "bash"]) == 0
    assert "-F _shtab_salt_approval salt-approval" in capsys.readouterr().out


class TestHelp:
    def said(self, capsys, *words):
        code = cli.main(["help", *words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    def test_it_lists_topics(self, capsys):
        _, text, _ = self.said(capsys)
        assert set(PAGES) == {"readme", *(page.stem for page in (ROOT / "docs").glob("*.md"))}
        assert {"running", "policy"} <= set(text.splitlines())
        assert "  connections" in text.splitlines()

    @pytest.mark.parametrize(
        "topic", ["connections", "Connections", "snapshot", "upgrades", "the-engine", "when-the-database-is-away"]
    )
    def test_a_section(self, capsys, topic):
        code, text, _ = self.said(capsys, topic)
        assert (code, text.startswith("## ")) == (0, True)
        assert text.count("\n## ") == 0

    def test_a_page(self, capsys):
        assert self.said(capsys, "roles")[1].startswith("# Roles and grants")
        assert "\n## Use it on your own master\n" in self.said(capsys, "readme")[1]

    def test_none(self, capsys):
        code, text, error = self.said(capsys, "conections")
        assert (code, text) == (2, "")
        assert "there is no topic 'conections'" in error
        assert "did you mean connections?" in error

    def test_each_topic_that_a_message_names_is_there(self, capsys):
        for file in (ROOT / "approval").rglob("*.py"):
            for topic in re.findall(r"salt-approval help ([a-z-]+)", file.read_text()):
                assert topic == "lists" or self.said(capsys, topic)[0] == 0, (file.name, topic)
