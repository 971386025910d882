"""The settings of sites: what they become, and that wrong ones are named with what would be right."""

import copy
import datetime

import pytest

from saltext.approval.errors import ConfigError, InputError
from saltext.approval.itsm import generic, jira, servicenow, sites


def changed(described, name, path, value):
    """The settings of one site of the example, with another value at a path; None: with nothing there."""
    content = {name: copy.deepcopy(described[name])}
    inner = content
    for part in path[:-1]:
        inner = inner[part]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return content


def test_the_example(described):
    found = sites.load(described)
    jira_site, other = found["sc21"], found["dev"]
    assert (jira_site.provider, other.provider) == ("jira-sc21", "sn-dev")
    assert jira_site.auth["expires"] == datetime.date(2027, 6, 30)
    linux = jira_site.own.types["SC21", "linux package management request"]
    assert linux.fields == ("customfield_10102", "customfield_10104", "customfield_10107", "customfield_10106")
    assert jira_site.own.edges["approved"] == (("waiting for approval", "sending to integration"),)
    assert jira_site.own.types["SC21", "reboot request"].action == ("system.reboot", "{}")
    assert jira_site.routes["reboot"].action == ("system.reboot", "{}")
    assert other.own.moves["done"][-1]["close_code"] == "successful"
    assert isinstance(sites.system(jira_site), jira.Jira)
    assert isinstance(sites.system(other), servicenow.ServiceNow)


@pytest.mark.parametrize("name", ["sc21", "jira-sc21"])
def test_sites_are_found_by_name_and_by_provider(described, name):
    assert sites.find(sites.load(described), name).name == "sc21"


def test_an_unknown_site(described):
    with pytest.raises(InputError, match=r"no site 'sc22' .known: sc21, dev"):
        sites.find(sites.load(described), "sc22")


def test_a_site_of_another_system():
    found = sites.load(
        {"desk": {"kind": "generic", "types": {"package": {"request_type": "package"},
                                               "restart": {"request_type": "reboot", "action": "system.reboot"}}}}
    )["desk"]  # fmt: skip
    assert found.provider == "generic-desk"
    assert found.own.types["restart"].packages == ()
    assert isinstance(sites.system(found), generic.Generic)


LINUX = ("sc21", "projects", "SC21", "types", "Linux Package Management Request")


@pytest.mark.parametrize(
    ("name", "path", "value", "says"),
    [
        ("sc21", ("sc21", "kind"), "jirra", "kind must be one of"),
        ("sc21", ("sc21", "kind"), ["jira"], "kind must be one of"),
        ("sc21", ("sc21", "ulr"), "https://x", "there is no setting 'ulr'"),
        ("sc21", ("sc21", "url"), "example.org", "url must be that of the site"),
        ("sc21", ("sc21", "url"), "https://user:secret@example.org", "url must be that of the site"),
        ("sc21", ("sc21", "url"), "file:///etc/passwd", "url must be that of the site"),
        ("sc21", ("sc21", "url"), "http://jira.example.org", "with https"),
        ("sc21", ("sc21", "url"), "http://127.0.0.1.example.org", "with https"),
        ("sc21", ("sc21", "auth"), {"password": "x"}, "auth: there is no setting 'password'"),
        ("sc21", ("sc21", "auth", "token_file"), "sc21.token", "auth: token_file must be the full path"),
        ("sc21", ("sc21", "auth", "expires"), "soon", "auth: expires must be a day"),
        ("sc21", ("sc21", "auth", "email"), 5, "auth: email must be a text"),
        ("sc21", ("sc21", "webhook_secrets"), "/etc/x", "webhook_secrets must be a list"),
        ("sc21", ("sc21", "webhook_secrets"), [{"file": "x"}], "webhook_secrets: file must be the full path"),
        ("sc21", ("sc21", "webhook_secrets"), [{"file": "/x", "until": 5}], "until must be a day"),
        ("sc21", ("sc21", "webhook_secrets"), [{"file": "/x", "until": datetime.date(2026, 1, 1)}], "has to stay"),
        ("sc21", ("sc21", "route_token_file"), "x", "route_token_file must be the full path"),
        ("sc21", ("sc21", "time_zone"), "Mars/Olympus", "time_zone must be a time zone"),
        ("sc21", ("sc21", "time_zone"), 5, "time_zone must be a time zone"),
        ("sc21", ("sc21", "language"), "english", "language must be two small letters"),
        ("sc21", ("sc21", "revert_type"), "No Type", "revert_type must be the name of a request type"),
        ("sc21", ("sc21", "routes"), {"instal": {}}, "routes: there is no setting 'instal'"),
        ("sc21", ("sc21", "routes"), {"install": {"action": "x.y"}}, "is about packages"),
        ("sc21", ("sc21", "api"), "server", "api must be cloud or datacenter"),
        ("sc21", ("sc21", "projects"), None, "projects must be a mapping"),
        ("sc21", ("sc21", "projects"), {"sc21": {"types": {}}}, "'sc21' is no key of a project"),
        ("sc21", (*LINUX, "request_type"), None, "request_type must be the name of a request type"),
        ("sc21", (*LINUX, "minions"), None, "minions must name the field"),
        ("sc21", (*LINUX, "minions"), {"cascade": "f"}, "minions: each is a field, or {options: FIELD}"),
        ("sc21", (*LINUX, "packages"), None, "set packages.*or action"),
        ("sc21", (*LINUX, "packages"), [5], "packages: each is a field, or {cascade: FIELD}"),
        ("sc21", (*LINUX, "action"), "system.reboot", "not both"),
        ("sc21", (*LINUX, "parameters"), {}, "parameters are those of an action"),
        ("sc21", (*LINUX, "names"), "rpm", "names must be any or debian"),
        ("sc21", (*LINUX, "packages"), {"assets": "f"}, "assets must be a mapping of settings"),
        ("sc21", ("sc21", "remote_links"), "no", "remote_links must be true or false"),
        ("sc21", ("sc21", "assets"), {}, "assets: workspace must be the id"),
        ("sc21", ("sc21", "assets"), {"workspace": "../x"}, "assets: workspace must be the id"),
        ("sc21", ("sc21", "assets"), {"workspace": "a-1", "name": "Name"}, "assets: there is no setting 'name'"),
        ("sc21", ("sc21", "assets"), {"workspace": "a-1", "minion": 5}, "assets: minion must be a text"),
        ("dev", ("dev", "tables", "change_request", "packages"), {"assets": "f"}, "each is a field, or {casc"),
        ("dev", ("dev", "assets"), {}, "there is no setting 'assets'"),
        ("sc21", (*LINUX, "pkgs"), "f", "there is no setting 'pkgs'"),
        ("sc21", ("sc21", "workflow"), None, "workflow must be a mapping"),
        ("sc21", ("sc21", "workflow"), {"done": "Done"}, "set asked or approved"),
        ("sc21", ("sc21", "workflow", "aproved"), "x", "there is no setting 'aproved'"),
        ("sc21", ("sc21", "workflow", "approved"), {"from": "x"}, "approved: to must be the status"),
        ("sc21", ("sc21", "workflow", "approved"), {"form": "x", "to": "y"}, "there is no setting 'form'"),
        ("sc21", ("sc21", "workflow", "moves"), {"asked": 5}, "moves: asked must be a text"),
        ("sc21", ("sc21", "workflow", "moves", "done"), {"resolution": "Done"}, "done: transition must be a text"),
        ("sc21", ("sc21", "workflow", "moves", "done"), {"transition": "x"}, "done: resolution must be a text"),
        ("sc21", ("sc21", "workflow", "moves", "done"), {"name": "x"}, "done: there is no setting 'name'"),
        ("sc21", ("sc21", "workflow", "done"), None, "set done, the status into which"),
        ("dev", ("dev", "tables"), None, "tables must be a mapping"),
        ("dev", ("dev", "tables"), {"Change Request": {}}, "no name of a table"),
        ("dev", ("dev", "workflow", "approved"), {"approval": []}, "approved must name fields"),
        ("dev", ("dev", "workflow", "approved"), {}, "approved must name fields"),
        ("dev", ("dev", "workflow", "approved"), {"state": -1}, "approved: state must be a text"),
        ("dev", ("dev", "workflow", "approved"), [], "approved must name fields"),
        ("dev", ("dev", "workflow", "approved"), [{"state": "3"}, {}], "approved must name fields"),
        ("dev", ("dev", "workflow", "moves", "done"), {"state": 3}, "moves: done: state must be a text"),
        ("dev", ("dev", "workflow", "moves", "done"), [{"state": "0"}, "3"], "moves: done must be a mapping"),
        ("dev", ("dev", "basic"), {"user": "x"}, "basic: password_file must be the full path"),
        ("dev", ("dev", "auth"), {"email": "x"}, "there is no setting 'email'"),
    ],
)  # fmt: skip
def test_wrong_settings(described, name, path, value, says):
    with pytest.raises(ConfigError, match=says) as refused:
        sites.load(changed(described, name, path, value))
    assert str(refused.value).startswith(f"approval:itsm:sites:{name}")


@pytest.mark.parametrize("name", ["SC21", "", "a b", "-a", "a-", "a" * 41, 5])
def test_wrong_names(described, name):
    with pytest.raises(ConfigError, match="a site's name is of"):
        sites.load({name: described["sc21"]})


@pytest.mark.parametrize("given", [None, [], "x"])
def test_no_mapping_at_all(given):
    with pytest.raises(ConfigError, match="kind must be"):
        sites.load({"sc21": given})


def test_an_old_secret_stands_last(described):
    given = [{"file": "/old", "until": datetime.date(2026, 12, 1)}, {"file": "/new"}]
    found = sites.load(changed(described, "sc21", ("sc21", "webhook_secrets"), given))["sc21"]
    assert [secret.file for secret in found.secrets] == ["/new", "/old"]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080", "http://[::1]:8080/", "https://example.org/jira/", "https://[2001:db8::1]:8443"]
)
def test_urls(described, url):
    site = sites.load(changed(described, "sc21", ("sc21", "url"), url))["sc21"]
    assert site.url == url.rstrip("/")
