"""Secrets of webhooks change without a delivery being lost."""

import datetime
import os
import stat

import pytest
import yaml

from saltext.approval.errors import ConfigError, InputError
from saltext.approval.itsm import secret_files, sites

TODAY = datetime.date(2026, 11, 25)


@pytest.fixture
def site_with(described, secret_file):
    """A function that gives a site with secrets in files of these names, each with the day until which it counts."""

    def make(**until):
        given = [{"file": secret_file(name, f"the secret of {name}"), "until": day} for name, day in until.items()]
        return sites.load({"acme": {**described["sc21"], "webhook_secrets": given or None}})["acme"]

    return make


def loaded(site, lines, described):
    """The site with what the lines say."""
    return sites.load({"acme": {**described["sc21"], **yaml.safe_load("\n".join(lines))}})["acme"]


def test_a_new_one_beside_the_old(site_with, described, tmp_path):
    site = site_with(old=None, older=datetime.date(2026, 11, 26))
    path, lines = secret_files.add(site, None, TODAY)
    assert path == str(tmp_path / "acme-20261125.webhook")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    found = loaded(site, lines, described).secrets
    assert [(os.path.basename(one.file), one.until) for one in found] == [
        ("acme-20261125.webhook", None),
        ("old", datetime.date(2026, 12, 2)),
        ("older", datetime.date(2026, 11, 26)),
    ]
    assert len(found[0].key()) >= 43
    assert found[0].key() != found[1].key()


def test_the_first_one(site_with, tmp_path):
    with pytest.raises(InputError, match="with --folder"):
        secret_files.add(site_with(), None, TODAY)
    path, _ = secret_files.add(site_with(), str(tmp_path), TODAY)
    assert os.path.exists(path)


def test_none_is_overwritten(site_with):
    site = site_with(old=None)
    path, _ = secret_files.add(site, None, TODAY)
    with open(path) as file:
        before = file.read()
    with pytest.raises(InputError, match="is there already"):
        secret_files.add(site, None, TODAY)
    with open(path) as file:
        assert file.read() == before


def test_a_folder_that_is_not_there(site_with, tmp_path):
    with pytest.raises(ConfigError, match="cannot be made: No such file"):
        secret_files.add(site_with(old=None), str(tmp_path / "nowhere"), TODAY)


def test_one_whose_day_has_passed_goes(site_with, described, tmp_path):
    site = site_with(new=None, today=TODAY, yesterday=datetime.date(2026, 11, 24))
    removed, lines = secret_files.retire(site, TODAY)
    assert removed == [str(tmp_path / "yesterday")]
    assert sorted(os.listdir(tmp_path)) == ["new", "today"]
    found = loaded(site, lines, described).secrets
    assert [os.path.basename(one.file) for one in found] == ["new", "today"]
    assert secret_files.retire(site, TODAY) == ([], lines)
