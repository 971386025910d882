"""A database that can be away, and the returner of a master through Salt's loader."""

import pathlib

import pytest
import salt.loader

from saltext.approval.jobs import spool


class Cache:
    """The functions of the returner as the master's loader gives them, without the prefix."""

    def __init__(self, opts):
        self.opts = opts
        self._functions = salt.loader.returners(opts, {})

    def __getattr__(self, name):
        return self._functions[f"approval.{name}"]

    @property
    def spool(self):
        return spool.Spool(spool.settings(self.opts))


class Line:
    """The way of the returner's login, by the DSN file in its settings, which leads to the database or nowhere."""

    def __init__(self, settings, dsn):
        self.settings = settings
        self._path = pathlib.Path(settings["dsn_file"])
        self._dsn = dsn
        self.restore()

    def cut(self):
        self._path.write_text(f"host={self._path.parent} port=1 user=salt password=hunter2\n")

    def restore(self):
        self._path.write_text(self._dsn + "\n")


@pytest.fixture
def line(approved, settings_of):
    """The way to the database: line.cut(), line.restore()."""
    return Line(settings_of("returner"), approved.dsn("returner"))


@pytest.fixture
def spool_path(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def returner_in(line, spool_path, master_opts):
    """A function that gives the returner of a master with these settings of approval:returner."""

    def load(**settings):
        given = {**line.settings, "spool": str(spool_path), **settings}
        return Cache(master_opts(approval={"returner": given}))

    return load
