"""Write the man page of salt-approval and the completions of shells, all of its argument parser: `make man`."""

import os
import pathlib

os.environ["COLUMNS"] = "100"  # the same, whatever the terminal

import shtab
from argparse_manpage.manpage import Manpage

from saltext.approval.cli import parser
from saltext.approval.cli.help import SHELLS

ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    """Write them into the folders of the repository."""
    for shell, name in SHELLS.items():
        (ROOT / "approval/cli/completions" / name).write_text(shtab.complete(parser(), shell), encoding="utf-8")
    (ROOT / "docs/salt-approval.1").write_text(man_page(), encoding="utf-8")


def man_page():
    """The man page of the command, in roff."""
    page = Manpage(parser())
    page.source = "saltext-approval"
    page.manual = "saltext-approval"
    page.description = "ask for, approve and follow changes on Salt minions"
    page.date = ""
    return "\n".join(line.rstrip() for line in str(page).splitlines()) + "\n"


if __name__ == "__main__":
    main()
