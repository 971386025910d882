"""The common part of the commands: progress for who waits at a terminal, and for nobody else."""

import io

import pytest

from saltext.approval.cli import command


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Time that goes on by a second with each look."""
    times = iter(range(1000))
    monkeypatch.setattr(command.time, "monotonic", lambda: float(next(times)))


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
def test_items_are_counted_for_who_waits(monkeypatch, clock, stream):
    monkeypatch.setattr("sys.stderr", stream())
    assert list(command.counted(iter("abc"), "letters")) == ["a", "b", "c"]
    command.told("reading")
    shown = command.sys.stderr.getvalue()
    assert ("\r3 letters" in shown, "reading ..." in shown) == ((True, True) if stream is Terminal else (False, False))


def test_the_count_is_gone_when_all_is_done(monkeypatch, clock):
    monkeypatch.setattr("sys.stderr", Terminal())
    with pytest.raises(ValueError, match="broken"):
        list(command.counted((int(text) if text.isdigit() else _broken() for text in "1x"), "numbers"))
    assert command.sys.stderr.getvalue().endswith("\r\x1b[K")


def _broken():
    raise ValueError("broken")
