"""The stand-in of Jira refuses, limits and lies as Jira does."""

import datetime
import threading
import time

import pytest
import requests
from standins import jira_openapi
from standins.jira import JiraStandIn
from standins.jira_site import PACKAGES

MINIONS, PACKAGE, AFTER = "customfield_10102", "customfield_10104", "customfield_10106"
FIELDS = {MINIONS: ["web1", "web2"], PACKAGE: ("hello", "2.10-3"), AFTER: "2026-11-25T22:00:00+00:00"}


def adf(text):
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


@pytest.fixture
def issue(jira):
    return jira.create(fields=FIELDS)


def ids(api, issue):
    """The transitions that the caller may take, by name."""
    return {each["name"]: each["id"] for each in api.get(f"/issue/{issue.id}/transitions").json()["transitions"]}


def move(api, issue, name, **body):
    return api.post(f"/issue/{issue.id}/transitions", json={"transition": {"id": ids(api, issue)[name]}, **body})


# Who asks.


def test_a_token_of_the_site_logs_in_as_its_person(jira, api):
    assert api.get("/myself").json()["accountId"] == jira.bot.account_id


def test_a_bad_token_is_anybody_and_the_header_says_so(jira, api, issue):
    api.headers["Authorization"] = "Basic eDp5"
    answer = api.get("/myself")
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (401, "AUTHENTICATED_FAILED")
    assert api.get(f"/issue/{issue.key}").status_code == 404
    jira.anonymous_may_read = True
    answer = api.get(f"/issue/{issue.key}")
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (200, "AUTHENTICATED_FAILED")


def test_nobody_is_not_told_of_a_failed_login(api, issue):
    del api.headers["Authorization"]
    answer = api.get(f"/issue/{issue.key}")
    assert answer.status_code == 404
    assert "X-Seraph-LoginReason" not in answer.headers


def test_a_token_with_scopes_works_at_the_gateway_alone(jira, as_person):
    service = jira.person("Service", kind="app", token=True, scopes=("read:jira-work",))
    session = as_person(jira, service)
    assert session.get("/myself").status_code == 401
    assert session.get(jira.gateway_url + "/rest/api/3/myself").status_code == 200
    assert requests.get(jira.url + "/_edge/tenant_info", timeout=5).json()["cloudId"] in jira.gateway_url
    issue = jira.create()
    answer = session.post(jira.gateway_url + f"/rest/api/3/issue/{issue.key}/comment", json={"body": adf("x")})
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized; scope does not match")


def test_a_token_of_the_site_does_not_work_at_the_gateway(jira, api):
    assert api.get(jira.gateway_url + "/rest/api/3/myself").status_code == 401


def test_data_center_takes_tokens_and_no_passwords(data_center, old_api):
    assert old_api.get("/myself").json()["key"] == data_center.bot.key
    old_api.headers["Authorization"] = "Basic eDp5"
    assert old_api.get("/myself").status_code == 401


def test_the_log_holds_no_secret(jira, api, issue):
    api.post(f"/issue/{issue.id}/comment", json={"body": adf("hello")})
    (entry,) = jira.requests("POST", "/comment$")
    assert (entry.status, entry.body["body"]["type"]) == (201, "doc")
    assert entry.headers["Authorization"] == "Basic (hidden)"


def test_other_paths_and_methods_are_refused(jira, api, old_api, issue):
    assert api.get("/nothing").status_code == 404
    assert api.delete("/myself").status_code == 405
    assert api.get(jira.url + "/rest/api/2/myself").status_code == 404
    assert old_api.get("/issue/1/changelog").status_code == 404


def test_a_body_that_is_no_json_is_refused(api, issue):
    path = f"/issue/{issue.id}/comment"
    assert api.post(path, data="x").status_code == 415
    assert api.post(path, data="{", headers={"Content-Type": "application/json"}).status_code == 400
    assert api.post(path, json=[]).status_code == 400


# Issues.


def test_an_issue_shows_the_fields_asked_for_in_the_callers_time(api, issue):
    shown = api.get(f"/issue/{issue.key}", params={"fields": f"status,{AFTER},{PACKAGE}"}).json()
    assert shown["fields"].keys() == {"status", AFTER, PACKAGE}
    assert shown["fields"][AFTER] == "2026-11-25T23:00:00.000+0100"
    assert shown["fields"][PACKAGE]["child"]["value"] == "2.10-3"


def test_names_of_fields_come_on_request(api, issue):
    names = api.get(f"/issue/{issue.key}", params={"expand": "names", "fields": PACKAGE}).json()["names"]
    assert names == {PACKAGE: "Linux Package"}


def test_a_moved_issue_is_found_by_its_old_key(jira, api, issue):
    old = issue.key
    jira.move(old, "OPS")
    shown = api.get(f"/issue/{old}").json()
    assert (shown["id"], shown["key"].startswith("OPS-")) == (issue.id, True)


@pytest.mark.parametrize("way", ["delete", "hide", "archive"])
def test_an_issue_that_is_gone_is_not_found(jira, api, issue, way):
    getattr(jira, way)(issue.key)
    answer = api.get(f"/issue/{issue.id}")
    assert answer.status_code == 404
    assert answer.json()["errorMessages"] == ["Issue does not exist or you do not have permission to see it."]


def test_the_changelog_has_pages_with_the_oldest_first(jira, api, issue):
    for number in range(103):
        jira.edit(issue.key, {"summary": f"Title {number}"})
    first = api.get(f"/issue/{issue.id}/changelog", params={"maxResults": 1000}).json()
    assert (len(first["values"]), first["isLast"], first["total"]) == (100, False, 103)
    assert first["values"][0]["items"][0]["toString"] == "Title 0"
    last = api.get(first["nextPage"]).json()
    assert (len(last["values"]), last["isLast"]) == (3, True)
    within = api.get(f"/issue/{issue.id}", params={"expand": "changelog"}).json()["changelog"]
    assert (len(within["histories"]), within["total"]) == (100, 103)
    assert within["histories"][0]["items"][0]["toString"] == "Title 102"


def test_data_center_has_the_whole_changelog_without_ids_of_fields(data_center, old_api):
    issue = data_center.create()
    data_center.transition(issue, "Approve")
    (entry,) = old_api.get(f"/issue/{issue.id}", params={"expand": "changelog"}).json()["changelog"]["histories"]
    assert entry["author"]["key"] == data_center.angel.key
    assert "accountId" not in entry["author"]
    assert entry["items"][0].keys() == {"field", "fieldtype", "from", "fromString", "to", "toString"}


def test_one_entry_can_hold_an_edit_and_the_approval(jira, api, issue):
    jira.edit(issue.key, {PACKAGE: ("evil", "1")}, by=jira.angel, with_status="Sending to Integration")
    (entry,) = api.get(f"/issue/{issue.id}/changelog").json()["values"]
    assert {item["fieldId"] for item in entry["items"]} == {PACKAGE, "status"}


# Search.


def test_search_by_the_old_path_is_gone(api):
    assert api.post("/search", json={"jql": "project = SC21"}).status_code == 410
    assert api.get("/search").status_code == 410


def test_search_has_pages_by_token_and_gives_ids_alone(jira, api):
    made = [jira.create().id for _ in range(5)]
    body = {"jql": "project = SC21 ORDER BY updated ASC", "maxResults": 3}
    first = api.post("/search/jql", json=body).json()
    assert first["issues"] == [{"id": number} for number in made[:3]]
    last = api.post("/search/jql", json={**body, "nextPageToken": first["nextPageToken"]}).json()
    assert (last["isLast"], [each["id"] for each in last["issues"]]) == (True, made[3:])
    assert "nextPageToken" not in last
    assert api.post("/search/jql", json={**body, "nextPageToken": "x"}).status_code == 400


def test_search_pages_are_capped(jira, api):
    for _ in range(101):
        jira.create()
    body = {"jql": "project = SC21", "maxResults": 1000, "fields": ["status"]}
    assert len(api.post("/search/jql", json=body).json()["issues"]) == 100


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"jql": "order by updated"}, "Unbounded"),
        ({"jql": "status = Nowhere"}, "does not exist for the field 'status'"),
        ({"jql": "colour = red"}, "Field 'colour' does not exist"),
        ({"jql": "project = SC21 OR project = X"}, "Expecting"),
        ({"jql": "updated >= 2026-11-22T10:00:00Z"}, "Error in the JQL"),
        ({"jql": "project = SC21", "startAt": 1}, "Invalid request payload"),
        ({"jql": "project = SC21", "fields": "status"}, "Invalid request payload"),
        ({"jql": "project = SC21", "reconcileIssues": ["10400"]}, "Invalid request payload"),
        ({"jql": "project = SC21", "reconcileIssues": list(range(51))}, "Invalid request payload"),
    ],
)
def test_search_refuses(api, body, text):
    answer = api.post("/search/jql", json=body)
    assert answer.status_code == 400
    assert text in answer.json()["errorMessages"][0]


def test_times_of_a_search_are_whole_minutes_of_the_callers_zone(jira, api):
    issue = jira.create()
    local = issue.updated.astimezone(jira.bot.time_zone)
    minute = local.strftime("%Y-%m-%d %H:%M")
    later = (local + datetime.timedelta(minutes=1)).strftime("%Y-%m-%d %H:%M")
    for time_of, count in ((minute, 1), (later, 0)):
        body = {"jql": f'project = SC21 AND updated >= "{time_of}"'}
        assert len(api.post("/search/jql", json=body).json()["issues"]) == count


def test_search_lags_but_for_the_issues_to_be_reconciled(jira, api, issue):
    body = {"jql": 'status = "Sending to Integration"'}
    assert api.post("/search/jql", json=body).json()["issues"] == []
    jira.lies.search_lags = True
    jira.transition(issue.key, "Approve")
    assert api.post("/search/jql", json=body).json()["issues"] == []
    fresh = api.post("/search/jql", json={**body, "reconcileIssues": [int(issue.id)]}).json()["issues"]
    assert fresh == [{"id": issue.id}]
    jira.lies.search_lags = False
    assert api.post("/search/jql", json=body).json()["issues"] == fresh


def test_data_center_searches_by_the_old_path(data_center, old_api):
    data_center.create(PACKAGES)
    data_center.create(PACKAGES)
    found = old_api.get("/search", params={"jql": "project = SC21", "startAt": 1, "fields": "status"}).json()
    assert (found["total"], len(found["issues"]), list(found["issues"][0]["fields"])) == (2, 1, ["status"])
    assert old_api.post("/search/jql", json={"jql": "project = SC21"}).status_code == 404


# Transitions.


def test_ids_of_transitions_differ_between_workflows(jira, api, issue):
    approve = ids(api, issue)["Approve"]
    jira.edit(issue.key, {}, with_status="Revert Waiting for Approval")
    assert ids(api, issue)["Approve"] != approve


def test_only_transitions_of_the_caller_are_shown(jira, api, issue):
    jira.permit("Approve", [jira.angel])
    approve = next(each.id for each in jira.transitions if each.name == "Approve")
    assert "Approve" not in ids(api, issue)
    jira.permit("Decline", [])
    answer = api.get(f"/issue/{issue.id}/transitions")
    assert (answer.status_code, answer.json()["transitions"]) == (200, [])
    refused = api.post(f"/issue/{issue.id}/transitions", json={"transition": {"id": approve}})
    assert refused.status_code == 400
    with pytest.raises(ValueError, match="cannot take"):
        jira.transition(issue.key, "Approve", by=jira.zoe)


def test_a_transition_that_is_not_from_here_is_refused(jira, api, issue):
    wait = next(each.id for each in jira.transitions if each.name == "Wait")
    answer = api.post(f"/issue/{issue.id}/transitions", json={"transition": {"id": wait}})
    assert answer.status_code == 400
    assert f"(Wait) that is not valid for the current state of this issue ({issue.key})" in answer.text
    assert api.post(f"/issue/{issue.id}/transitions", json={"transition": {"id": "1"}}).status_code == 400
    assert api.post(f"/issue/{issue.id}/transitions", json={}).status_code == 400


def test_only_fields_of_the_screen_are_taken(jira, api, issue):
    answer = move(api, issue, "Approve", fields={"resolution": {"name": "Done"}})
    text = "Field 'resolution' cannot be set. It is not on the appropriate screen, or unknown."
    assert (answer.status_code, answer.json()["errors"]) == (400, {"resolution": text})
    jira.edit(issue.key, {}, with_status="Waiting for Integration")
    assert move(api, issue, "Complete", fields={"resolution": {"name": "Bad"}}).status_code == 400
    assert move(api, issue, "Complete", fields={"resolution": {"name": "Done"}}).status_code == 204
    assert api.get(f"/issue/{issue.id}").json()["fields"]["resolution"]["name"] == "Done"
    assert move(api, issue, "Close").json()["errors"] == {"resolution": "Resolution is required."}


def test_the_screen_is_shown_on_request(jira, api, issue):
    path = f"/issue/{issue.id}/transitions?expand=transitions.fields"
    shown = {each["name"]: each for each in api.get(path).json()["transitions"]}
    assert shown["Decline"]["fields"]["resolution"]["required"] is False
    assert shown["Approve"]["fields"] == {}


def test_a_conflict_changes_nothing(jira, api, issue):
    jira.lies.conflict = 1
    assert move(api, issue, "Approve").status_code == 409
    assert issue.status == "Waiting for Approval"
    assert move(api, issue, "Approve").status_code == 204
    assert issue.status == "Sending to Integration"


def test_a_success_may_have_changed_nothing(jira, api, issue):
    jira.lies.silent_transition = 1
    assert move(api, issue, "Approve").status_code == 204
    assert (issue.status, issue.history) == ("Waiting for Approval", [])


def test_a_lie_that_is_not_known_is_no_lie(jira):
    with pytest.raises(AttributeError, match="no lie"):
        jira.lies.silent = 1


# Comments.


@pytest.mark.parametrize(
    "body",
    [
        "a text",
        {"type": "doc", "content": []},
        {"type": "doc", "version": 1, "content": [{"type": "text", "text": "not in a paragraph"}]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": ""}]}]},
        {"type": "doc", "version": 1, "content": [{"type": "table", "content": []}]},
        {"type": "doc", "version": 1, "content": [{"type": "heading", "content": []}]},
        {"type": "doc", "version": 1, "content": [{"type": "paragraph", "colour": "red"}]},
        adf("x") | {"content": [{"type": "marquee"}]},
    ],
)
def test_cloud_takes_documents_alone(api, issue, body):
    answer = api.post(f"/issue/{issue.id}/comment", json={"body": body})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["comment"])
    assert issue.comments == []


def test_data_center_takes_texts_alone(data_center, old_api):
    issue = data_center.create()
    path = f"/issue/{issue.id}/comment"
    assert old_api.post(path, json={"body": adf("x")}).status_code == 400
    assert old_api.post(path, json={"body": "h1. x"}).status_code == 201
    assert old_api.post(path, json={"body": "x" * 32767}).status_code == 201
    assert old_api.post(path, json={"body": "x" * 32768}).json()["errors"].keys() == {"comment"}


def test_a_comment_that_is_too_long_is_refused(api, issue):
    answer = api.post(f"/issue/{issue.id}/comment", json={"body": adf("x" * 32767)})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["comment"])
    assert api.post(f"/issue/{issue.id}/comment", json={"body": adf("x" * 32600)}).status_code == 201


def test_an_issue_takes_so_many_comments(jira, api, issue):
    jira.limits.comments_per_issue = 1
    assert api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")}).status_code == 201
    assert api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")}).status_code == 413


def test_the_same_comment_twice_is_two_comments(api, issue):
    body = {"body": adf("x"), "properties": [{"key": "approval", "value": {"seq": 7}}]}
    made = [api.post(f"/issue/{issue.id}/comment", json=body).json()["id"] for _ in range(2)]
    plain = api.get(f"/issue/{issue.id}/comment").json()
    assert [each["id"] for each in plain["comments"]] == made
    assert "properties" not in plain["comments"][0]
    shown = api.get(f"/issue/{issue.id}/comment", params={"expand": "properties", "orderBy": "-created"}).json()
    assert [each["id"] for each in shown["comments"]] == made[::-1]
    assert shown["comments"][0]["properties"] == body["properties"]


def test_comments_have_pages(jira, api, issue):
    for number in range(5):
        jira.comment(issue.key, adf(str(number)))
    page = api.get(f"/issue/{issue.id}/comment", params={"startAt": 3, "maxResults": 2}).json()
    assert (page["total"], page["startAt"], len(page["comments"])) == (5, 3, 2)


def test_only_ones_own_comments_can_be_written_anew(jira, api, issue):
    theirs = jira.comment(issue.key, adf("mine"))
    assert api.put(f"/issue/{issue.id}/comment/{theirs.id}", json={"body": adf("no")}).status_code == 400
    mine = api.post(f"/issue/{issue.id}/comment", json={"body": adf("one")}).json()["id"]
    assert api.put(f"/issue/{issue.id}/comment/{mine}", json={"body": adf("two")}).status_code == 200
    assert api.put(f"/issue/{issue.id}/comment/{mine}", json={"body": "two"}).status_code == 400
    shown = api.get(f"/issue/{issue.id}/comment/{mine}").json()
    assert shown["body"] == adf("two")
    assert shown["updated"] > shown["created"]


def test_an_internal_comment_is_not_for_customers(api, issue):
    properties = [{"key": "sd.public.comment", "value": {"internal": True}}]
    made = api.post(f"/issue/{issue.id}/comment", json={"body": adf("x"), "properties": properties}).json()
    assert made["jsdPublic"] is False


# Properties, links, approvals.


def test_a_property_has_its_limits(api, issue):
    path = f"/issue/{issue.id}/properties/"
    assert api.put(path + "approval", json={"seq": 1}).status_code == 201
    assert api.put(path + "approval", json={"seq": 2}).status_code == 200
    assert api.get(path + "approval").json() == {"key": "approval", "value": {"seq": 2}}
    assert api.put(path + "approval", json="x" * 32766).status_code == 200
    assert api.put(path + "approval", json="x" * 32767).status_code == 400
    assert api.put(path + "k" * 255, json=1).status_code == 201
    assert api.put(path + "k" * 256, json=1).status_code == 400
    assert api.get(path + "other").status_code == 404
    assert api.delete(path + "approval").status_code == 204
    assert api.delete(path + "approval").status_code == 404


def test_editors_overwrite_a_property_unseen(jira, api, issue):
    api.put(f"/issue/{issue.id}/properties/approval", json={"mac": "true"})
    seen = len(jira.events)
    jira.overwrite_property(issue.key, "approval", {"mac": "forged"})
    shown = api.get(f"/issue/{issue.id}", params={"properties": "approval"}).json()
    assert shown["properties"] == {"approval": {"mac": "forged"}}
    assert (len(jira.events), issue.history) == (seen, [])


def test_a_link_with_the_same_global_id_is_one_link(api, issue):
    shown = {"url": "https://approval.example.org/requests/1", "title": "Request 1"}
    body = {"globalId": "request/1", "relationship": "approved by", "object": shown}
    first = api.post(f"/issue/{issue.id}/remotelink", json=body)
    second = api.post(f"/issue/{issue.id}/remotelink", json={"globalId": "request/1", "object": shown})
    assert (first.status_code, second.status_code, first.json()["id"]) == (201, 200, second.json()["id"])
    (link,) = api.get(f"/issue/{issue.id}/remotelink").json()
    assert "relationship" not in link
    assert api.get(f"/issue/{issue.id}/remotelink", params={"globalId": "request/1"}).json() == link
    assert api.get(f"/issue/{issue.id}/remotelink", params={"globalId": "request/2"}).status_code == 404
    assert api.post(f"/issue/{issue.id}/remotelink", json={"object": {"title": "x"}}).status_code == 400


def test_who_may_not_link_issues_makes_no_link(jira, api, issue):
    jira.withheld = {"LINK_ISSUES"}
    shown = {"url": "https://approval.example.org/requests/1", "title": "Request 1"}
    assert api.post(f"/issue/{issue.id}/remotelink", json={"object": shown}).status_code == 403
    assert issue.links == {}


@pytest.mark.parametrize("kind", ["cloud", "datacenter"])
def test_objects_of_assets_are_given_to_those_who_may_see_them(kind):
    with JiraStandIn(kind, seed=1) as jira:
        hello = jira.asset(Name="hello")
        us = {"Authorization": jira.basic(jira.bot)}

        def asked(where, headers=us):
            return requests.get(jira.url + where, headers=headers, timeout=5).status_code

        here = f"/jsm/assets/workspace/{jira.workspace_id}/v1" if jira.is_cloud else "/rest/assets/1.0"
        other = "/rest/assets/1.0" if jira.is_cloud else f"/jsm/assets/workspace/{jira.workspace_id}/v1"
        assert asked(f"{here}/object/{hello.id}") == 200
        assert asked(f"{here}/object/{hello.key}") == (404 if jira.is_cloud else 200)
        assert asked(f"{here}/object/999") == asked(f"{other}/object/{hello.id}") == 404
        assert asked(f"{here.replace(jira.workspace_id, 'none')}/object/{hello.id}") == (404 if jira.is_cloud else 200)
        assert asked(f"{here}/object/{hello.id}", {"Authorization": "Bearer x"}) == 401
        jira.has_assets = False
        assert asked(f"{here}/object/{hello.id}") == asked(f"{here}/objectschema/list") == 403


def test_approvals_are_answered_as_the_caller_alone(jira, api, as_person, issue):
    step = jira.ask_approval(issue.key, [jira.angel])
    path = f"{jira.url}/rest/servicedeskapi/request/{issue.id}/approval"
    (pending,) = api.get(path).json()["values"]
    assert (pending["finalDecision"], pending["approvers"][0]["approverDecision"]) == ("pending", "pending")
    assert api.post(f"{path}/{step.id}", json={"decision": "approve"}).status_code == 403
    jira.angel.token = "of-angel"  # noqa: S105
    assert as_person(jira, jira.angel).post(f"{path}/{step.id}", json={"decision": "approve"}).status_code == 200
    page = api.get(path).json()
    assert (page["isLastPage"], page["values"][0]["finalDecision"]) == (True, "approved")
    assert page["values"][0]["approvers"][0]["approver"]["accountId"] == jira.angel.account_id
    assert "iso8601" in page["values"][0]["completedDate"]
    assert issue.status == "Sending to Integration"


def test_a_file_is_attached_by_who_asks_for_no_check_of_its_form(api, issue):
    path = f"/issue/{issue.id}/attachments"
    files = {"file": ("evidence.json", b'{"a": 1}')}
    assert api.post(path, files=files).status_code == 403
    (made,) = api.post(path, files=files, headers={"X-Atlassian-Token": "no-check"}).json()
    assert (made["filename"], made["size"]) == ("evidence.json", 8)
    assert issue.attachments[0].content == b'{"a": 1}'
    assert api.post(path, json={}, headers={"X-Atlassian-Token": "no-check"}).status_code == 415


def test_a_project_that_is_no_service_desk_has_no_approvals(jira, api, issue):
    jira.is_service_desk = False
    assert api.get(f"{jira.url}/rest/servicedeskapi/request/{issue.id}/approval").status_code == 404
    assert api.get(f"/issue/{issue.id}").json()["fields"]["project"]["projectTypeKey"] == "software"


def test_other_transitions_bypass_an_approval(jira, api, issue):
    jira.ask_approval(issue.key, [jira.angel])
    jira.transition(issue.key, "Approve", by=jira.zoe)
    (step,) = api.get(f"{jira.url}/rest/servicedeskapi/request/{issue.id}/approval").json()["values"]
    assert step["finalDecision"] == "pending"


def test_data_center_has_approvals_for_those_who_opt_in(data_center, old_api):
    issue = data_center.create()
    path = f"{data_center.url}/rest/servicedeskapi/request/{issue.id}/approval"
    assert old_api.get(path).status_code == 412
    assert old_api.get(path, headers={"X-ExperimentalApi": "opt-in"}).status_code == 200


# Limits and the wire.


def test_the_limits_are_those_that_are_published(jira):
    limits = jira.limits
    assert (limits.burst_read_per_s, limits.burst_write_per_s) == (100, 50)
    assert (limits.issue_writes_2s, limits.issue_writes_30s) == (20, 100)
    assert (limits.options_per_call, limits.options_per_field) == (1000, 10000)
    assert (limits.comment_characters, limits.comments_per_issue) == (32767, 5000)
    assert (limits.property_characters, limits.property_key_characters) == (32768, 255)


def test_a_burst_is_limited_for_each_endpoint_and_method(jira, api, issue):
    jira.limits.burst_read_per_s = 3
    answers = [api.get("/myself") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[3].headers["Retry-After"] == "1"
    assert answers[3].headers["RateLimit-Reason"] == "jira-burst-based"
    assert api.get(f"/issue/{issue.id}").status_code == 200
    time.sleep(1.05)
    assert api.get("/myself").status_code == 200


def test_writes_to_one_issue_are_limited(jira, api, issue):
    other = jira.create()
    answers = [api.put(f"/issue/{issue.id}/properties/p", json=number) for number in range(21)]
    assert {answer.status_code for answer in answers[:20]} == {200, 201}
    assert (answers[20].status_code, answers[20].headers["RateLimit-Reason"]) == (429, "jira-per-issue-on-write")
    assert int(answers[20].headers["Retry-After"]) >= 1
    assert issue.properties["p"] == 19
    assert api.put(f"/issue/{other.id}/properties/p", json=1).status_code == 201


def test_a_limit_can_be_had_for_the_asking(jira, data_center, api, old_api):
    jira.lies.throttled = 1
    jira.throttle_reason = "jira-quota-tenant-based"
    answer = api.get("/myself")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.headers["RateLimit-Reason"] == "jira-quota-tenant-based"
    data_center.lies.throttled = 1
    data_center.retry_after_s = 0
    answer = old_api.get("/myself")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "0")
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    jira.lies.unavailable = 1
    assert api.get("/myself").status_code == 503
    assert api.get("/myself").status_code == 200


@pytest.mark.parametrize(("fault", "effects"), [("cut_before", 0), ("cut_after", 1), ("cut_within", 1)])
def test_a_connection_is_cut(jira, api, issue, fault, effects):
    setattr(jira.lies, fault, 1)
    with pytest.raises(requests.RequestException):
        api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")})
    assert len(issue.comments) == effects
    assert api.get("/myself").status_code == 200


@pytest.mark.parametrize(("fault", "effects"), [("bad_gateway", 0), ("bad_gateway_after", 1)])
def test_a_gateway_answers_with_a_page(jira, api, issue, fault, effects):
    setattr(jira.lies, fault, 1)
    jira.lies.where = ("POST", "/comment$")
    assert api.get("/myself").status_code == 200
    answer = api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")})
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html;charset=UTF-8")
    assert len(issue.comments) == effects


def test_a_server_that_crashed_has_what_it_had(jira, api, issue):
    assert api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")}).status_code == 201
    jira.crash()
    with pytest.raises(requests.ConnectionError):
        api.get("/myself")
    jira.restart()
    assert api.get(f"/issue/{issue.id}/comment").json()["total"] == 1


def test_a_crash_cuts_the_connections_that_wait(jira, api, issue):
    jira.lies.late, jira.late_s = 1, 2.0
    cut = []

    def ask():
        try:
            api.get("/myself")
        except requests.RequestException as error:
            cut.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    while not jira.log:
        time.sleep(0.01)
    jira.crash()
    asking.join(1)
    assert len(cut) == 1


def test_an_answer_is_late(jira, api, issue):
    jira.lies.late = 1
    jira.late_s = 0.5
    with pytest.raises(requests.Timeout):
        api.post(f"/issue/{issue.id}/comment", json={"body": adf("x")}, timeout=0.2)
    jira.wait_for(lambda: jira.requests("POST", "/comment$")[0].status == 201)
    assert len(issue.comments) == 1


def test_small_things_that_a_check_looks_at(jira, api):
    assert api.get("/serverInfo").json()["deploymentType"] == "Cloud"
    permissions = api.get("/mypermissions", params={"permissions": "ADMINISTER"}).json()["permissions"]
    assert permissions["ADMINISTER"]["havePermission"] is True
    assert api.get("/mypermissions").status_code == 400
    assert api.get("/mypermissions", params={"permissions": "FLY"}).status_code == 400
    assert {"customfield_10102", "summary"} <= {each["id"] for each in api.get("/field").json()}
    assert api.get("/project/SC21").json()["key"] == "SC21"
    assert api.get("/project/NONE").status_code == 404
    statuses = api.get("/project/SC21/statuses").json()[0]["statuses"]
    assert "Waiting for Approval" in [status["name"] for status in statuses]


def test_a_person_edits_by_the_api_too(jira, as_person, issue):
    jira.zoe.token = "of-zoe"  # noqa: S105
    session = as_person(jira, jira.zoe)
    body = {"fields": {PACKAGE: {"value": "cowsay", "child": {"value": "3.03"}}, "summary": "Other"}}
    assert session.put(f"/issue/{issue.id}", json=body).status_code == 204
    assert issue.fields[PACKAGE]["value"] == "cowsay"
    assert issue.history[0].author is jira.zoe
    assert session.put(f"/issue/{issue.id}", json={"fields": {"customfield_1": "x"}}).status_code == 400


def test_answers_are_held_against_the_document():
    path = "/rest/api/3/issue/10400/changelog"
    assert jira_openapi.faults("GET", path, 200, {"values": []}) == []
    assert jira_openapi.faults("GET", path, 200, {"histories": []}) != []
    assert jira_openapi.faults("GET", path, 418, {}) != []
    assert jira_openapi.faults("GET", "/rest/api/3/other", 200, {}) != []


def test_what_jira_has_no_use_for_in_a_request_is_noted(jira, api, issue):
    assert api.get(f"/issue/{issue.id}", params={"fields": "status", "field": "status"}).status_code == 200
    assert api.post(f"/issue/{issue.id}/comment", json={"body": adf("x"), "properties": []}).status_code == 201
    assert jira.dropped == [f"GET /rest/api/3/issue/{issue.id}: field is no parameter"]
    jira.dropped.clear()
    api.post(f"/issue/{issue.id}/comment", json={"body": adf("x"), "id": 7})
    assert jira.dropped == [f"POST /rest/api/3/issue/{issue.id}/comment: $.id: 7 is not of type 'string'"]
