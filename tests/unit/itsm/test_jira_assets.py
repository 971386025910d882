"""Fields of Jira that refer to objects of Assets: what is fetched, what is read of it, and what is refused."""

import copy
import json

import pytest
from standins import acme
from standins.jira import JiraStandIn

from saltext.approval.errors import ConfigError, InputError
from saltext.approval.itsm import jira_assets, jira_client, reading, sites
from saltext.approval.itsm.ticket import Denied, Unfetched

PACKAGES, SERVERS = "customfield_10201", "customfield_10202"
TYPE = "Linux Package Management Request"
ATTRIBUTES = {"package": "Name", "version": "Version", "minion": "Host"}


@pytest.fixture(params=["cloud", "datacenter"])
def jira(request, monkeypatch):
    """A stand-in of Jira with fields for packages and minions that are objects of Assets."""
    with JiraStandIn(request.param, seed=1) as site:
        site.add_field(PACKAGES, "Packages", "assets")
        site.add_field(SERVERS, "Servers", "assets")
        monkeypatch.setattr(jira_client, "GATEWAY", site.url)
        yield site


@pytest.fixture
def settings(jira, jira_settings):
    """The settings of the site that reads these fields."""
    types = {TYPE: {"request_type": "package", "minions": {"assets": SERVERS}, "packages": {"assets": PACKAGES}}}
    assets = {"workspace": jira.workspace_id, **ATTRIBUTES} if jira.is_cloud else ATTRIBUTES
    return jira_settings(jira, projects={jira.project: {"types": types}}, assets=assets)


@pytest.fixture
def site(settings, system_of):
    made = system_of(settings)
    yield made
    made.client.assets.close()


@pytest.fixture
def hello(jira):
    return jira.asset(Name="hello", Version="2.10-3", Vendor="GNU")


@pytest.fixture
def web1(jira):
    return jira.asset(Host="web1")


def asked(site, issue):
    return site.ask(site.ticket(site.fetch(issue.id)))


def refused(site, issue):
    with pytest.raises(InputError) as caught:
        asked(site, issue)
    assert not isinstance(caught.value, Unfetched)
    return str(caught.value)


def reference(jira, asset):
    return asset.id if jira.is_cloud else asset.key


def test_packages_and_minions(jira, site, hello, web1):
    web2, sl = jira.asset(Host="web2"), jira.asset(Name="sl", Version="Remove")
    issue = jira.create(fields={PACKAGES: [hello, sl], SERVERS: [web1, web2]})
    ask = asked(site, issue)
    assert ask.minions == ("web1", "web2")
    assert ask.items == (("package", "hello", "2.10-3"), ("package", "sl", "absent"))
    assert site.ticket(site.fetch(issue.id)).is_elsewhere


def test_beside_other_fields(jira, jira_settings, system_of, hello):
    types = copy.deepcopy(acme.TYPES)
    types[TYPE]["packages"].append({"assets": PACKAGES})
    assets = {"package": "Name", "version": "Version"} | ({"workspace": jira.workspace_id} if jira.is_cloud else {})
    site = system_of(jira_settings(jira, projects={jira.project: {"types": types}}, assets=assets))
    fields = {"customfield_10102": ["web1"], "customfield_10104": ("sl", "5.02-1"), PACKAGES: [hello]}
    assert asked(site, jira.create(fields=fields)).items == (
        ("package", "sl", "5.02-1"),
        ("package", "hello", "2.10-3"),
    )
    # An empty field fetches nothing.
    fields.pop(PACKAGES)
    before = len(jira.requests())
    assert asked(site, jira.create(fields=fields)).items == (("package", "sl", "5.02-1"),)
    assert all("/object/" not in entry.path for entry in jira.requests()[before:])


def test_each_object_is_fetched_once(jira, site, hello, web1):
    site.fetch(jira.create(fields={PACKAGES: [hello, hello], SERVERS: [web1]}).id)
    assert len(jira.requests("GET", "/object/")) == 2


def test_an_object_that_is_edited_changes_the_digest(jira, site, hello, web1):
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    digest = site.ticket(site.fetch(issue.id)).digest
    hello.attributes["Vendor"] = ["somebody"]
    assert site.ticket(site.fetch(issue.id)).digest == digest
    hello.attributes["Version"] = ["2.12-1"]
    assert site.ticket(site.fetch(issue.id)).digest != digest
    hello.attributes["Version"] = ["2.10-3"]
    assert site.ticket(site.fetch(issue.id)).digest == digest
    # Another object that says the same is another choice, and one that is gone no choice at all.
    issue.fields[PACKAGES] = [jira.asset(Name="hello", Version="2.10-3", Vendor="GNU")]
    assert site.ticket(site.fetch(issue.id)).digest != digest
    issue.fields[PACKAGES] = [hello]
    del jira.assets[hello.id]
    assert site.ticket(site.fetch(issue.id)).digest != digest


def test_an_edit_of_the_field_is_an_edit(jira, site, hello, web1):
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    jira.edit(issue.key, {PACKAGES: [jira.asset(Name="sl", Version="1")]}, by=jira.angel)
    (edit,) = site.ticket(site.fetch(issue.id)).edits
    assert edit.by.subject == (jira.angel.account_id if jira.is_cloud else jira.angel.key)


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"Name": "hello"}, "has to have one text as its 'Version', which is the version; it has none"),
        ({"Version": "1"}, "has to have one text as its 'Name', which is the package; it has none"),
        ({"Name": "hello", "Version": []}, "'Version', which is the version; it has none"),
        ({"Name": "hello", "Version": ["1", "2"]}, "it has '1', '2'"),
        ({"Name": "hello", "Version": " "}, "it has ' '"),
        ({"Name": "hello", "Version": "*"}, "'*' is no version of hello"),
        ({"Name": "he llo", "Version": "1"}, "'he llo' is no name of a package"),
    ],
)
def test_objects_that_do_not_say_what_is_needed(jira, site, web1, attributes, says):
    asset = jira.asset(**attributes)
    text = refused(site, jira.create(fields={PACKAGES: [asset], SERVERS: [web1]}))
    assert text.startswith(f"{PACKAGES}")
    assert f"object {asset.key}" in text
    assert says in text


def test_a_minion_that_cannot_be_meant(jira, site, hello):
    asset = jira.asset(Host="web*")
    text = refused(site, jira.create(fields={PACKAGES: [hello], SERVERS: [asset]}))
    assert text.startswith(f"{SERVERS}, object {asset.key}: 'web*' is no minion id")


def test_an_attribute_that_refers_to_another_object(jira, site, hello, web1):
    asset = jira.asset(Name="hello", Version=[hello])
    assert "it has nothing" in refused(site, jira.create(fields={PACKAGES: [asset], SERVERS: [web1]}))


def test_an_object_that_is_not_there(jira, site, hello, web1):
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    del jira.assets[hello.id]
    text = refused(site, issue)
    assert text.startswith(f"{PACKAGES}: there is no object {reference(jira, hello)} of Assets that we may read")


def test_too_many_objects(jira, site, web1):
    packages = [jira.asset(Name=f"p{number}", Version="1") for number in range(jira_assets.MOST)]
    issue = jira.create(fields={PACKAGES: packages, SERVERS: [web1]})
    assert "refers to 101 objects of Assets, of which 100" in refused(site, issue)
    assert jira.requests("GET", "/object/") == []


def test_without_a_licence_the_site_is_at_fault(jira, site, hello, web1):
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    jira.has_assets = False
    with pytest.raises(Denied) as caught:
        site.fetch(issue.id)
    assert caught.value.status == 403


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
def test_another_workspace_is_refused_and_not_asked(jira, site, hello, web1):
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    jira.workspace_id = "99999999-828c-470c-b7d1-8c4f48cd345a"
    text = refused(site, issue)
    assert text.startswith(f"{SERVERS}: object {web1.id} of Assets is not of the site's workspace, f1668d0c-")
    assert jira.requests("GET", "/object/") == []


CLOUD = {"workspaceId": "w-1", "id": "w-1:88", "objectId": "88"}


@pytest.mark.parametrize(
    ("workspace", "value"),
    [
        ("w-1", [{**CLOUD, "objectId": 88}]),
        ("w-1", [{**CLOUD, "objectId": "88/../89", "id": "w-1:88/../89"}]),
        ("w-1", [{**CLOUD, "id": "w-1:89"}]),
        ("w-1", [{**CLOUD, "workspaceId": "w-2", "id": "w-2:88"}]),
        ("w-1", [{"objectId": "88"}]),
        ("w-1", ["88"]),
        ("w-1", CLOUD),
        ("w-1", [{"key": "CMDB-88"}]),
        (None, [CLOUD]),
        (None, [{"key": "CMDB-88/.."}]),
        (None, [{"key": "cmdb-88"}]),
        (None, [{"key": 88}]),
        (None, "CMDB-88"),
    ],
)
def test_fields_that_refer_to_nothing(workspace, value):
    own = jira_assets.Settings(workspace, ATTRIBUTES)
    ticket_type = sites.TicketType("package", packages=(("assets", PACKAGES),))
    with pytest.raises(InputError, match=PACKAGES):
        jira_assets.references(own, ticket_type, {PACKAGES: value})
    assert jira_assets.bound(own, ticket_type, {PACKAGES: value}, {}) == {}


@pytest.mark.parametrize(
    "found",
    [
        [],
        "x",
        {"id": "88"},
        {"id": 88, "objectKey": "CMDB-88"},
        {"id": "89", "objectKey": "CMDB-89"},
        {"id": "88", "objectKey": "CMDB-88", "attributes": 5},
        {"id": "88", "objectKey": "CMDB-88", "attributes": [5, {"objectTypeAttribute": {"name": []}}]},
        {"id": "88", "objectKey": "CMDB-88", "attributes": [{"objectTypeAttribute": {"name": "Name"}}]},
        {
            "id": "88",
            "objectKey": "CMDB-88",
            "attributes": [{"objectTypeAttribute": {"name": "Name"}, "objectAttributeValues": [{"value": {"a": 1}}]}],
        },
    ],
)
def test_answers_that_are_broken(described, found):
    settings = {**described["sc21"], "assets": {"workspace": "w-1", **ATTRIBUTES}}
    site = sites.load({"sc21": settings})["sc21"]
    ticket_type = sites.TicketType("package", packages=(("assets", PACKAGES),))
    fields = {PACKAGES: [CLOUD]}
    jira_assets.bound(site.own.assets, ticket_type, fields, {"88": found})
    with pytest.raises(InputError, match="88"):
        jira_assets.readable(site, ticket_type, fields, {"88": found})


# Without network.


def test_what_would_have_to_be_fetched_is_said(jira, settings, hello, web1):
    site = sites.load({"acme": settings})["acme"]
    issue = jira.create(fields={PACKAGES: [hello], SERVERS: [web1]})
    jira.transition(issue, "Approve")
    body = jira.hooks._document(jira.events[-1])
    outcome, answer = reading.read(site, _json(body), "webhook", minions={"other"})
    assert outcome == "asks"
    assert answer["type"] == "package"
    where = (
        f"https://api.atlassian.com/jsm/assets/workspace/{jira.workspace_id}/v1/object"
        if jira.is_cloud
        else f"{jira.url}/rest/assets/1.0/object"
    )
    assert answer["to_fetch"] == [f"{where}/{reference(jira, one)}" for one in (web1, hello)]
    assert "minions" not in answer
    assert "items" not in answer


def test_objects_that_were_fetched_by_hand(jira, settings, site, hello, web1):
    document = site.fetch(jira.create(fields={PACKAGES: [hello], SERVERS: [web1]}).id)
    found = sites.load({"acme": settings})["acme"]
    outcome, answer = reading.read(found, _json(document), "ticket", minions={"web1"})
    assert (outcome, answer["minions"]) == ("asks", ["web1"])
    assert "to_fetch" not in answer
    outcome, answer = reading.read(found, _json(document), "ticket", minions={"web2"})
    assert outcome == "refused"


def _json(document):
    return json.dumps(document).encode()


# The address.


def test_tokens_of_service_accounts_fetch_objects_at_the_gateway(jira_settings, secret_file, system_of, monkeypatch):
    with JiraStandIn(seed=1) as jira:
        jira.add_field(PACKAGES, "Packages", "assets")
        monkeypatch.setattr(jira_client, "GATEWAY", jira.url)
        robot = jira.person("Robot", token=True, scopes=("read:jira-work", "read:cmdb-object:jira"))
        auth = {"token_file": secret_file("scoped.token", robot.token), "cloud_id": jira.cloud_id}
        types = {TYPE: {"request_type": "package", "minions": "customfield_10102", "packages": {"assets": PACKAGES}}}
        assets = {"workspace": jira.workspace_id, "package": "Name", "version": "Version"}
        site = system_of(jira_settings(jira, auth=auth, projects={"SC21": {"types": types}}, assets=assets))
        hello = jira.asset(Name="hello", Version="2.10-3")
        issue = jira.create(fields={PACKAGES: [hello], "customfield_10102": ["web1"]})
        assert asked(site, issue).items == (("package", "hello", "2.10-3"),)
        (entry,) = jira.requests("GET", "/object/")
        assert entry.path.startswith(f"/ex/jira/{jira.cloud_id}/jsm/assets/workspace/{jira.workspace_id}/v1/object/")


def test_data_center_has_no_workspaces(jira_settings):
    with JiraStandIn("datacenter", seed=1) as jira:
        settings = jira_settings(jira, assets={"workspace": "w-1"})
        with pytest.raises(ConfigError, match="assets: Data Center has no workspaces"):
            sites.load({"acme": settings})


# Whether it works.


def found(settings, *levels):
    site = sites.system(sites.load({"acme": settings})["acme"])
    return [text for level, text, _ in site.check() if level in levels]


def test_a_check_finds_nothing_wrong(jira, settings, hello, web1):
    assert "Assets has the attributes that are read" in found(settings, "ok")
    assert found(settings, "error") == []


def test_a_check_finds_fields_that_are_none_of_assets(jira, settings, hello, web1):
    settings = copy.deepcopy(settings)
    settings["projects"][jira.project]["types"][TYPE]["packages"] = {"assets": "customfield_10107"}
    assert any("is of type string, where assets is needed" in text for text in found(settings, "error"))
    settings["projects"][jira.project]["types"][TYPE]["packages"] = {"lines": PACKAGES}
    assert any("is of type assets, where string is needed" in text for text in found(settings, "error"))


def test_a_check_finds_attributes_that_are_not_there(jira, settings, hello, web1):
    settings["assets"]["version"] = "Release"
    (text,) = found(settings, "error")
    assert text == "no schema of Assets that we may read has an attribute 'Release'"


def test_a_check_finds_that_there_is_no_licence(jira, settings):
    jira.has_assets = False
    (text,) = found(settings, "error")
    assert text.startswith("we may not read Assets: ")


@pytest.mark.parametrize("jira", ["cloud"], indirect=True)
def test_a_check_finds_another_workspace(jira, settings):
    settings["assets"]["workspace"] = "w-1"
    (text,) = found(settings, "error")
    assert text == f"the workspace of Assets is not w-1 (there is {jira.workspace_id!r})"
