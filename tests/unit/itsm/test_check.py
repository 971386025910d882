"""What is wrong with a site is found before the first ticket comes, and how to mend it is said."""

import datetime

import pytest
from standins import acme
from standins.jira import JiraStandIn

from saltext.approval.itsm import checking, sites

TODAY = datetime.datetime.now(datetime.timezone.utc).date()
LATER = TODAY + datetime.timedelta(days=300)


def found(settings, *levels):
    """What is found of these levels, each with what to do, as texts."""
    site = sites.load({"acme": settings})["acme"]
    rows = list(checking.findings(site, sites.system(site), TODAY))
    for level, text, remedy in rows:
        assert level in ("ok", "warning", "error")
        assert text
        assert (remedy is None) == (level == "ok")
    return [f"{text} | {remedy}" for level, text, remedy in rows if level in levels]


def wrong(settings):
    return found(settings, "warning", "error")


@pytest.fixture
def good(jira, jira_settings):
    """Settings of a site of Jira that nothing is wrong with, which has an issue in each state."""
    jira.bot.is_admin = True
    for status in ("Sending to Integration", "Waiting for Integration"):
        jira.create(fields={}, status=status)
    settings = jira_settings(jira)
    us = jira.bot.account_id if jira.is_cloud else jira.bot.key
    return {**settings, "auth": {**settings["auth"], "expires": LATER}, "ignore_actors": [us]}


def test_nothing_is_wrong(good):
    assert wrong(good) == []
    assert len(found(good, "ok")) >= 9


def test_nothing_is_changed(jira, good):
    wrong(good)
    assert {entry.method for entry in jira.requests()} <= {"GET", "POST"}
    assert jira.requests("POST", r"(?<!search/jql)$") == []


def changed(settings, path, value):
    """The settings with another value at this path."""
    first, *rest = path
    return {**settings, first: changed(settings[first], rest, value) if rest else value}


PACKAGES = ("projects", "SC21", "types", "Linux Package Management Request")


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        (("projects",), {"XX": {"types": acme.TYPES}}, "there is no project XX that we may see"),
        (
            ("projects", "SC21", "types"),
            {"Other": acme.TYPES["Reboot Request"]},
            "SC21 has no issue type 'other' (there are 'Linux Package Management Request', ",
        ),
        ((*PACKAGES, "minions"), "customfield_1", ": customfield_1: there is no such field"),
        (
            (*PACKAGES, "minions"),
            "customfield_10104",
            ": customfield_10104 is of type option-with-child, where array is needed",
        ),
        ((*PACKAGES, "after"), "customfield_10107", "is of type string, where datetime is needed"),
        (("workflow", "done"), "Ended", "SC21 has no status 'ended' in the workflows"),
        (("workflow", "moves", "waiting"), "Weit", "has no transition 'Weit' for us (there is "),
    ],
)
def test_settings_that_the_site_does_not_fit(good, path, value, says):
    assert any(says in text for text in found(changed(good, path, value), "error"))


@pytest.mark.parametrize("permission", ["BROWSE_PROJECTS", "ADD_COMMENTS", "EDIT_OWN_COMMENTS", "TRANSITION_ISSUES"])
def test_permissions(jira, good, permission):
    jira.withheld = {permission}
    (text,) = wrong(good)
    assert f"we have not {permission} in SC21: " in text


def test_without_the_permission_for_links_there_are_none(jira, good):
    jira.withheld = {"LINK_ISSUES"}
    (text,) = found(good, "warning")
    assert text.startswith("we have not LINK_ISSUES in SC21: tickets get no link to their request | ")
    assert found(good, "error") == []
    assert wrong({**good, "remote_links": False}) == []


def test_a_transition_that_we_may_not_take(jira, good):
    jira.permit("Wait", [jira.angel])
    (text,) = wrong(good)
    assert "has no transition 'Wait' for us" in text


@pytest.mark.parametrize(
    ("stage", "move", "level", "says"),
    [
        ("done", {"transition": "Complete", "resolution": "Done"}, "ok", "sets the resolution 'Done'"),
        (
            "done",
            {"transition": "Complete", "resolution": "Finished"},
            "error",
            "there is no resolution 'Finished' (there",
        ),
        ("waiting", {"transition": "Wait", "resolution": "Done"}, "warning", "has no resolution, so 'Done' is not set"),
    ],
)
def test_resolutions(good, stage, move, level, says):
    assert any(says in text for text in found(changed(good, ("workflow", "moves", stage), move), level))


def test_a_resolution_that_a_transition_wants(jira, good):
    for transition in jira.transitions:
        if transition.name == "Complete":
            transition.screen = ("resolution!",)
    (text,) = wrong(good)
    assert "the transition 'Complete' wants a resolution" in text


def test_what_cannot_be_tried_is_said(jira, good):
    jira.issues.clear()
    jira.keys.clear()
    texts = found(good, "warning")
    assert len(texts) == 3
    assert all("could not be tried" in text for text in texts)


def test_who_may_not_write_options(jira, good):
    jira.bot.is_admin = False
    assert any("Administer Jira" in text for text in wrong(good)) == jira.is_cloud


def test_our_own_account_decides_nothing(good):
    (text,) = wrong({**good, "ignore_actors": []})
    assert "is not among ignore_actors | Add it there" in text


def test_another_kind_of_jira(jira, good, secret_file):
    other = "datacenter" if jira.is_cloud else "cloud"
    auth = {"token_file": good["auth"]["token_file"], **({} if jira.is_cloud else {"email": "a@example.org"})}
    assert found({**good, "api": other, "auth": auth}, "error")


def test_a_jira_that_does_not_sign(jira_settings, monkeypatch):
    with JiraStandIn("datacenter", seed=1) as jira:
        settings = jira_settings(jira)
        assert not any("sign" in text for text in wrong(settings))
        info = jira.server_info

        def older(request, version):
            reply = info(request, version)
            reply.body.update(version="9.12.5", versionNumbers=[9, 12, 5])
            return reply

        monkeypatch.setattr(jira, "server_info", older)
        assert any("Jira 9.12.5 does not sign its webhooks" in text for text in found(settings, "error"))


@pytest.mark.parametrize(
    ("days", "level", "says"),
    [
        (None, "warning", "auth has no expires"),
        (-1, "error", "expired on"),
        (14, "warning", "expires on"),
        (15, "ok", ""),
    ],
)
def test_when_the_token_ends(good, days, level, says):
    auth = {name: value for name, value in good["auth"].items() if name != "expires"}
    if days is not None:
        auth["expires"] = TODAY + datetime.timedelta(days=days)
    assert any(says in text for text in found({**good, "auth": auth}, level))
    assert len(wrong({**good, "auth": auth})) == (level != "ok")


def test_a_token_that_is_not_valid(good, secret_file):
    secret_file("jira.token", "another")
    (text,) = wrong(good)
    assert text.endswith("| Make a new token, and put it into the file.")


def test_a_site_that_is_not_there(good):
    (text,) = wrong({**good, "url": "http://127.0.0.1:1"})
    assert "the connection failed" in text


def test_secrets(good, tmp_path, secret_file):
    assert any(
        "is taken | Run salt-approval itsm secret add acme" in text for text in wrong({**good, "webhook_secrets": None})
    )
    readable = tmp_path / "readable"
    readable.write_text("a secret of webhooks")
    readable.chmod(0o644)
    for file, says in (
        (tmp_path / "missing", "cannot be read"),
        (readable, "has mode 0644"),
        (secret_file("short", "short"), "a secret has at least 8 characters"),
    ):
        (text,) = wrong({**good, "webhook_secrets": [{"file": str(file)}]})
        assert says in text
    old = {"file": secret_file("old", "an older secret of them"), "until": TODAY - datetime.timedelta(days=1)}
    (text,) = wrong({**good, "webhook_secrets": [*good["webhook_secrets"], old]})
    assert "does not count any more" in text


def test_a_clock_that_is_wrong(good, monkeypatch):
    monkeypatch.setattr(checking, "SKEW_S", -1.0)
    (text,) = wrong(good)
    assert "s apart | Have both keep the time by NTP" in text


# ServiceNow.


@pytest.fixture
def good_instance(instance, servicenow_settings):
    instance.create(fields={"u_minions": "web1"})
    settings = servicenow_settings(instance)
    return {
        **settings,
        "auth": {**settings["auth"], "expires": LATER},
        "ignore_actors": [instance.bot.sys_id],
    }


def test_nothing_is_wrong_with_an_instance(instance, good_instance):
    assert wrong(good_instance) == []
    assert {entry.method for entry in instance.requests()} == {"GET"}


@pytest.mark.parametrize("table", ["sysapproval_approver", "sys_audit", "sys_user", "sys_attachment", "change_request"])
def test_tables_that_we_may_not_read(instance, good_instance, table):
    instance.closed.tables.add(table)
    assert any(f"we may not read {table}" in text for text in wrong(good_instance)) or table == "sys_user"
    assert wrong(good_instance)


def test_fields_that_are_not_there(instance, good_instance):
    settings = changed(good_instance, ("tables", "change_request", "minions"), "u_minion")
    (text,) = found(settings, "error")
    assert "change_request has no field u_minion, or we may not read it" in text


def test_an_instance_without_records(instance, good_instance):
    instance.tables["change_request"].clear()
    (text,) = wrong(good_instance)
    assert "could not be tried" in text
