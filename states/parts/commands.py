"""The commands of package and service managers: how they are run, and the reasons they give."""

import re

REASON_LENGTH = 500  # characters
# Lines of package managers that begin so explain nothing.
CHATTER = ("WARNING:", "debconf:", "E: Can not write log", "N: ", "W: ")
# dnf and yum count their steps in lines like this.
PROGRESS = re.compile(r".* \d+/\d+$")


def _run(command):
    """The answer of cmd.run_all for the words of a command that may fail."""
    return __salt__["cmd.run_all"](command, python_shell=False, ignore_retcode=True, output_loglevel="trace")


def _reason(exc):
    """The words of a package manager, taken from the exception that a Salt module made of them."""
    info = getattr(exc, "info", None)
    said = info.get("errors") if isinstance(info, dict) else None
    text = "\n".join(map(str, said)) if said else getattr(exc, "error", "") or str(exc)
    lines = [line.strip() for line in text.splitlines()]
    lines = _faults([line for line in lines if line and not line.startswith(CHATTER)])
    return _shorten("; ".join(lines).replace(":; ", ": ") or type(exc).__name__)


def _faults(lines):
    """The failures in the account that a package manager gives of a transaction; ``lines`` if they are no account."""
    failed = [number for number, line in enumerate(lines) if "scriptlet failed" in line]
    # A script speaks for itself in the line above.
    said = [line for number in failed for line in lines[max(number - 1, 0) : number + 1] if not PROGRESS.match(line)]
    if not any(line.startswith("Transaction Summary") for line in lines):
        return said or lines
    first = next((number for number, line in enumerate(lines) if line.startswith(("Error:", "Failed to"))), len(lines))
    return [*said, *lines[first:]] or lines[-3:]


def _shorten(text):
    """``text`` cut to what evidence carries for one resource."""
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."
