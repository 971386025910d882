"""The stand-in of ServiceNow refuses, drops, limits and lies as ServiceNow does."""

import base64
import hashlib
import hmac
import json
import time

import pytest
import requests
from standins.servicenow import sign
from standins.wire import Reply, StandIn, route

TABLE, CHANGES = "/api/now/table/change_request", "/api/sn_chg_rest/change"
KEY = b"a key of the rule"


@pytest.fixture
def change(instance):
    fields = {"short_description": "Install hello", "u_minions": "web1,web2", "start_date": "2026-11-25 22:00:00"}
    return instance.create("change_request", fields)


@pytest.fixture
def api(as_user):
    return as_user()


def rows(api, query, **asked):
    asked = {"sysparm_query": query, **asked}
    return api.get(TABLE, params=asked).json()["result"]


def brought_to(instance, change, state):
    change |= {"state": state, "approval": "approved"}
    return change


# Who asks, and in which form.


def test_client_credentials_are_off_until_they_are_turned_on(instance):
    client_id, secret = instance.oauth_client(instance.bot)
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    refused = requests.post(instance.url + "/oauth_token.do", data=form, timeout=5)
    assert (refused.status_code, refused.json()["error"]) == (401, "unauthorized_client")
    instance.client_credentials = True
    given = requests.post(instance.url + "/oauth_token.do", data=form, timeout=5).json()
    assert (given["token_type"], given["expires_in"]) == ("Bearer", 1799)
    wrong = requests.post(instance.url + "/oauth_token.do", data={**form, "client_secret": "x"}, timeout=5)
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert instance.log[0].body["client_secret"] == "(hidden)"  # noqa: S105


def test_a_token_expires(instance, api):
    client_id, secret = instance.oauth_client(instance.bot)
    instance.client_credentials = True
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    token = requests.post(instance.url + "/oauth_token.do", data=form, timeout=5).json()["access_token"]
    headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    assert requests.get(instance.url + TABLE, headers=headers, timeout=5).status_code == 200
    instance.expire_tokens()
    answer = requests.get(instance.url + TABLE, headers=headers, timeout=5)
    assert (answer.status_code, answer.json()["error"]["message"]) == (401, "User Not Authenticated")


def test_a_key_logs_in(instance, api):
    api.auth = None
    assert api.get(TABLE).status_code == 401
    assert api.get(TABLE, headers={"x-sn-apikey": instance.api_key(instance.bot)}).status_code == 200
    assert instance.log[1].headers["x-sn-apikey"] == "(hidden)"


@pytest.mark.parametrize("header", ["Accept", "Content-Type"])
def test_both_headers_are_needed(api, header):
    answer = api.get(TABLE, headers={header: None} if header == "Content-Type" else {header: "*/*"})
    assert (answer.status_code, answer.json()["status"]) == (400, "failure")


def test_other_paths_and_tables_are_refused(api):
    assert api.get("/api/now/nothing").status_code == 400
    assert api.get("/api/now/table/u_nothing").json()["error"]["message"] == "Invalid table u_nothing"
    assert api.delete("/api/now/table/change_request").status_code == 405


# Tables.


def test_raw_times_are_utc_and_shown_ones_local(api, change):
    path = f"{TABLE}/{change['sys_id']}"
    assert api.get(path).json()["result"]["start_date"] == "2026-11-25 22:00:00"
    shown = api.get(path, params={"sysparm_display_value": "true"}).json()["result"]
    assert shown["start_date"] == "2026-11-25 23:00:00"
    both = api.get(path, params={"sysparm_display_value": "all", "sysparm_fields": "start_date,state"}).json()["result"]
    assert both["start_date"] == {"display_value": "2026-11-25 23:00:00", "value": "2026-11-25 22:00:00"}
    assert both == {"start_date": both["start_date"], "state": {"display_value": "New", "value": "-5"}}


def test_references_come_with_links_unless_told_not_to(instance, api, change):
    path = f"{TABLE}/{change['sys_id']}"
    value = api.get(path, params={"sysparm_fields": "requested_by,requested_by.user_name"}).json()["result"]
    assert value["requested_by"]["value"] == instance.fred.sys_id
    assert value["requested_by"]["link"].endswith(instance.fred.sys_id)
    assert value["requested_by.user_name"] == "fred.luddy"
    plain = api.get(path, params={"sysparm_exclude_reference_link": "true"}).json()["result"]
    assert plain["requested_by"] == instance.fred.sys_id


def test_a_bad_part_of_a_query_is_dropped_and_other_rows_come(instance, api, change):
    other = instance.create("change_request", {"correlation_id": "approval/1"})
    assert [row["sys_id"] for row in rows(api, "correlation_id=approval/1")] == [other["sys_id"]]
    assert len(rows(api, "correlation_ID=approval/2")) == 2
    assert len(rows(api, "u_none=1^correlation_id=approval/1")) == 1
    assert instance.dropped == ["correlation_ID=approval/2", "u_none=1"]


def test_queries_join_and_order(instance, api, change):
    for number in range(3):
        instance.create("change_request", {"short_description": f"{number}", "type": "normal"})
    descending = rows(api, "type=normal^short_descriptionIN0,1,2^ORDERBYDESCshort_description")
    assert [row["short_description"] for row in descending] == ["2", "1", "0"]
    assert len(rows(api, "short_description=0^ORshort_description=1")) == 2
    assert len(rows(api, "short_description=0^NQshort_description=2")) == 2
    assert len(rows(api, "short_descriptionSTARTSWITHinstall^u_minionsISNOTEMPTY")) == 1
    assert len(rows(api, "sys_updated_on>=2020-01-01 00:00:00^sys_updated_on<2021-01-01 00:00:00")) == 0
    assert len(rows(api, "start_date=javascript:gs.dateGenerate('2026-11-25','23:00:00')")) == 1
    assert len(rows(api, "requested_by.user_name=fred.luddy")) == 4


def test_without_an_order_rows_come_in_none(instance, api):
    made = [instance.create("change_request")["sys_id"] for _ in range(20)]
    found = [row["sys_id"] for row in rows(api, "type=normal")]
    assert sorted(found) == sorted(made)
    assert found not in (made, made[::-1])


def test_pages_are_cut_before_the_rules_of_access(instance, api):
    made = [instance.create("change_request", {"short_description": str(number)}) for number in range(5)]
    instance.closed.rows = {made[0]["sys_id"], made[1]["sys_id"], made[3]["sys_id"]}
    asked = {"sysparm_query": "ORDERBYshort_description", "sysparm_limit": 2, "sysparm_fields": "short_description"}
    page = api.get(TABLE, params=asked)
    assert (page.json()["result"], page.headers["X-Total-Count"]) == ([], "5")
    seen = []
    while page.links.get("next"):
        page = api.get(page.links["next"]["url"])
        seen += [row["short_description"] for row in page.json()["result"]]
    assert seen == ["2", "4"]


def test_a_row_that_is_closed_is_not_found(instance, api, change):
    instance.closed.rows.add(change["sys_id"])
    answer = api.get(f"{TABLE}/{change['sys_id']}")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, "No Record found")
    assert "ACL" in answer.json()["error"]["detail"]


def test_a_closed_table_is_forbidden_and_a_closed_column_is_not_there(instance, api, change):
    instance.closed.tables.add("sys_audit")
    instance.closed.columns.add(("change_request", "u_minions"))
    assert api.get("/api/now/table/sys_audit").status_code == 403
    path = f"{TABLE}/{change['sys_id']}"
    assert "u_minions" not in api.get(path).json()["result"]
    assert api.patch(path, json={"u_minions": "*"}).status_code == 200
    assert change["u_minions"] == "web1,web2"


def test_a_new_row_is_201_and_unknown_fields_are_dropped(api):
    answer = api.post(TABLE, json={"short_description": "x", "u_none": "y", "start_date": "tomorrow"})
    assert answer.status_code == 201
    row = answer.json()["result"]
    assert (row["short_description"], row["start_date"], row["state"]) == ("x", "", "-5")
    assert "u_none" not in row
    assert api.post(TABLE, data="{").json()["error"]["message"] == "Exception while reading request"


def test_the_same_row_twice_is_two_rows(api):
    made = [api.post(TABLE, json={"correlation_id": "approval/1"}).json()["result"]["sys_id"] for _ in range(2)]
    assert sorted(row["sys_id"] for row in rows(api, "correlation_id=approval/1")) == sorted(made)


def test_work_notes_read_empty_but_where_they_are_shown(api, change):
    path = f"{TABLE}/{change['sys_id']}"
    assert api.patch(path, json={"work_notes": "first"}).json()["result"]["work_notes"] == ""
    api.patch(path, json={"work_notes": "second"})
    assert api.get(path).json()["result"]["work_notes"] == ""
    both = api.get(path, params={"sysparm_display_value": "all"}).json()["result"]["work_notes"]
    assert both["value"] == ""
    assert both["display_value"].index("second") < both["display_value"].index("first")
    assert " - Approval Bot (Work notes)\nsecond\n" in both["display_value"]


def test_changes_of_columns_stand_in_the_audit(instance, api, change):
    instance.edit("change_request", change["sys_id"], {"u_minions": "db1"}, by=instance.angel)
    query = f"documentkey={change['sys_id']}^fieldname=u_minions"
    (entry,) = api.get("/api/now/table/sys_audit", params={"sysparm_query": query}).json()["result"]
    assert (entry["user"], entry["oldvalue"], entry["newvalue"]) == ("angel.approver", "web1,web2", "db1")


def test_only_administrators_delete(instance, as_user, api, change):
    path = f"{TABLE}/{change['sys_id']}"
    assert api.delete(path).status_code == 403
    assert as_user(instance.person("admin", "System Administrator", is_admin=True)).delete(path).status_code == 204
    assert api.get(path).status_code == 404


# Changes.


def test_a_new_change_is_200_with_pairs_and_unknown_fields_are_dropped(api):
    answer = api.post(CHANGES + "/normal", json={"short_description": "x", "description": "y", "u_none": "z"})
    assert answer.status_code == 200
    result = answer.json()["result"]
    assert result["state"] == {"value": "-5", "display_value": "New"}
    assert (result["description"]["value"], "u_none" in result) == ("y", False)
    standard = api.post(CHANGES + "/standard/1", json={"short_description": "x", "description": "y"}).json()["result"]
    assert (standard["short_description"]["value"], standard["description"]["value"]) == ("x", "")


def test_a_state_that_is_not_next_stays_as_it_is_without_a_word(api, change):
    answer = api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "3", "close_code": "successful"})
    assert (answer.status_code, answer.json()["result"]["state"]["value"]) == (200, "-5")
    assert api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "-4"}).json()["result"]["state"]["value"] == "-4"
    assert api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "-3"}).json()["result"]["state"]["value"] == "-4"


def test_a_change_is_closed_by_way_of_its_review(instance, api, change):
    closing = {"state": "3", "close_code": "successful", "close_notes": "done"}
    for path in (f"{CHANGES}/{change['sys_id']}", f"{TABLE}/{change['sys_id']}"):
        brought_to(instance, change, "-1")
        assert api.patch(path, json=closing).status_code == 200
        assert change["state"] == "-1"
        for fields in ({"state": "0"}, closing):
            assert api.patch(path, json=fields).status_code == 200
            assert change["state"] == fields["state"]


def test_even_a_good_patch_may_change_nothing(instance, api, change):
    instance.lies.silent_patch = 1
    assert api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "-4"}).status_code == 200
    assert change["state"] == "-5"
    assert api.patch(f"{TABLE}/{change['sys_id']}", json={"state": "-4"}).json()["result"]["state"] == "-4"


def test_open_tasks_block_review(instance, api, change):
    brought_to(instance, change, "-1")
    task = instance.create("change_task", {"change_request": change["sys_id"]})
    states = api.get(f"{CHANGES}/{change['sys_id']}/nextstates").json()["result"]["available_states"]
    assert states == ["-1", "4"]
    assert api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "0"}).json()["result"]["state"]["value"] == "-1"
    (shown,) = api.get(f"{CHANGES}/{change['sys_id']}/task").json()["result"]
    assert shown["sys_id"]["value"] == task["sys_id"]
    api.patch(f"/api/now/table/change_task/{task['sys_id']}", json={"state": "3"})
    assert api.patch(f"{CHANGES}/{change['sys_id']}", json={"state": "0"}).json()["result"]["state"]["value"] == "0"


def test_closing_needs_a_code_and_notes(instance, api, change):
    brought_to(instance, change, "0")
    path = f"{TABLE}/{change['sys_id']}"
    answer = api.patch(path, json={"state": "3"})
    assert answer.status_code == 403
    assert "mandatory: close_code, close_notes" in answer.json()["error"]["detail"]
    closed = api.patch(path, json={"state": "3", "close_code": "successful", "close_notes": "done"})
    assert closed.json()["result"]["state"] == "3"


def test_the_status_is_conflict_though_there_is_none(api, change):
    assert api.post(f"{CHANGES}/{change['sys_id']}/conflict", json={}).status_code == 200
    result = api.get(f"{CHANGES}/{change['sys_id']}/conflict").json()["result"]
    assert (result["status"]["value"], result["conflicts"]) == ("Conflict", [])


# Approvals.


def approvals(api, change):
    asked = {"sysparm_query": f"sysapproval={change['sys_id']}"}
    asked["sysparm_fields"] = "sys_id,state,approver.user_name,sys_updated_by"
    return api.get("/api/now/table/sysapproval_approver", params=asked).json()["result"]


def test_an_approval_is_a_row_that_its_approver_wrote(instance, api, change):
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.angel)
    (shown,) = approvals(api, change)
    assert (shown["state"], shown["approver.user_name"], shown["sys_updated_by"]) == (
        "approved",
        "angel.approver",
        "angel.approver",
    )
    assert (change["approval"], change["state"]) == ("approved", "-2")


def test_a_delegate_leaves_another_name(instance, api, change):
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.fred)
    (shown,) = approvals(api, change)
    assert (shown["approver.user_name"], shown["sys_updated_by"]) == ("angel.approver", "fred.luddy")


def test_a_change_is_approved_without_a_row(instance, api, change):
    instance.approve_without_rows(change)
    assert (change["approval"], approvals(api, change)) == ("approved", [])


def test_the_api_decides_as_the_caller_alone(instance, as_user, api, change):
    (row,) = instance.ask_approval(change, [instance.angel])
    path = f"/api/now/table/sysapproval_approver/{row['sys_id']}"
    assert api.patch(path, json={"state": "approved"}).status_code == 403
    assert api.patch(f"{CHANGES}/{change['sys_id']}/approvals", json={"state": "approved"}).status_code == 400
    assert row["state"] == "requested"
    angel = as_user(instance.angel)
    assert angel.patch(f"{CHANGES}/{change['sys_id']}/approvals", json={"state": "approved"}).status_code == 200
    assert (row["state"], row["sys_updated_by"]) == ("approved", "angel.approver")


def test_the_bot_cannot_approve_a_change_by_its_field(api, change):
    api.patch(f"{TABLE}/{change['sys_id']}", json={"approval": "approved"})
    assert change["approval"] == "not requested"


# Attachments, limits, pages.


def test_a_file_is_attached_by_its_raw_body(api, change):
    asked = {"table_name": "change_request", "table_sys_id": change["sys_id"], "file_name": "evidence.json"}
    answer = api.post("/api/now/attachment/file", params=asked, data=b'{"a": 1}')
    assert (answer.status_code, answer.json()["result"]["size_bytes"]) == (201, "8")
    number = answer.json()["result"]["sys_id"]
    assert api.get(f"/api/now/attachment/{number}/file").content == b'{"a": 1}'
    found = api.get("/api/now/attachment", params={"sysparm_query": f"table_sys_id={change['sys_id']}"}).json()
    assert [each["file_name"] for each in found["result"]] == ["evidence.json"]
    del asked["file_name"]
    assert api.post("/api/now/attachment/file", params=asked, data=b"x").status_code == 400
    asked |= {"table_sys_id": "0" * 32, "file_name": "x"}
    assert api.post("/api/now/attachment/file", params=asked, data=b"x").status_code == 404


def test_a_limit_is_told_with_its_rule(instance, api):
    instance.lies.throttled = 1
    answer = api.get(TABLE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert {"X-RateLimit-Limit", "X-RateLimit-Reset", "X-RateLimit-Rule"} <= answer.headers.keys()
    assert api.get(TABLE).status_code == 200


def test_a_limit_of_an_hour_is_noticed_late(instance, api):
    instance.limit_per_hour, instance.limit_lag_s = 2, 0.3
    assert [api.get(TABLE).status_code for _ in range(4)] == [200] * 4
    time.sleep(0.35)
    answer = api.get(TABLE)
    assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (429, True)


def test_an_instance_that_sleeps_answers_200_with_a_page(instance, api):
    instance.lies.login_page = 1
    answer = api.get(TABLE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html;charset=UTF-8")


# Messages to us.


class Receiver(StandIn):
    def __init__(self):
        super().__init__()
        self.status = 202
        self.taken = []

    @route("POST", "/sn")
    def take(self, request):
        self.taken.append((request.headers, request.body))
        return Reply(self.status)


@pytest.fixture
def receiver():
    with Receiver() as server:
        yield server


def test_the_signature_is_that_of_the_script():
    headers = sign(b"body", KEY, 1795360811)
    made = base64.b64encode(hmac.new(KEY, b"v1.1795360811.body", hashlib.sha256).digest()).decode()
    assert headers == {"X-Approval-Timestamp": "1795360811", "X-Approval-Signature": f"v1={made}"}


def test_the_rule_tells_of_an_approval_once(instance, receiver, change):
    instance.business_rule(receiver.url + "/sn", KEY)
    packages = [{"name": "hello", "version": "2.10-3"}]
    instance.edit("change_request", change["sys_id"], {"u_packages": json.dumps(packages)})
    (row,) = instance.ask_approval(change, [instance.angel])
    instance.decide(row, instance.angel)
    receiver.status = 503
    told = instance.deliver(at=1795360811)
    assert told[-1] == ("change_request.approved", 503)
    assert instance.deliver() == []
    headers, body = receiver.taken[-1]
    assert headers["X-Approval-Signature"] == sign(body, KEY, 1795360811)["X-Approval-Signature"]
    message = json.loads(body)
    assert message["requested_by"] == {"value": instance.fred.sys_id, "display_value": "Fred Luddy"}
    assert (message["start_date"], message["u_packages"]) == ("2026-11-25 22:00:00", packages)
    assert (message["sys_mod_count"], message["sys_updated_by"]) == ("3", "angel.approver")
    assert "work_notes" not in message


def test_a_message_is_lost(instance, receiver, change):
    instance.business_rule(receiver.url + "/sn", KEY)
    instance.lies.lose_message = 1
    instance.edit("change_request", change["sys_id"], {"u_minions": "db1"})
    assert instance.deliver() == []


@pytest.mark.parametrize(("fault", "effects"), [("cut_before", 0), ("cut_after", 1)])
def test_a_connection_is_cut(instance, api, fault, effects):
    setattr(instance.lies, fault, 1)
    with pytest.raises(requests.RequestException):
        api.post(TABLE, json={"short_description": "x"})
    assert len(instance.tables["change_request"]) == effects


# Batches.


def part(number, method="POST", url="/api/now/table/u_approval_package", content=None, **more):
    body = base64.b64encode(json.dumps(content or {"u_name": f"p{number}"}).encode()).decode()
    headers = [{"name": name, "value": "application/json"} for name in ("Accept", "Content-Type")]
    return {"id": str(number), "method": method, "url": url, "headers": headers, "body": body, **more}


def batched(api, *parts):
    """(status by id, ids of what was not come to) of a batch."""
    answer = api.post("/api/now/v1/batch", json={"batch_request_id": "1", "rest_requests": list(parts)}).json()
    return {one["id"]: one["status_code"] for one in answer["serviced_requests"]}, answer["unserviced_requests"]


def test_the_parts_of_a_batch_are_questions_of_the_same_person(instance, api):
    refused = part(3, "PATCH", "/api/now/table/u_approval_package/none")
    assert batched(api, part(1), part(2, headers=[]), refused, part(4)) == (
        {"1": 201, "2": 400, "3": 404, "4": 201},
        [],
    )
    assert sorted(row["u_name"] for row in instance.tables["u_approval_package"].values()) == ["p1", "p4"]


def test_a_batch_has_a_limit_of_time_and_each_part_one_of_size(instance, api):
    instance.batch_parts_in_time = 2
    assert batched(api, part(1), part(2), part(3)) == ({"1": 201, "2": 201}, ["3"])
    instance.batch_parts_in_time, instance.batch_part_bytes = 150, 1000
    large = part(5, content={"u_name": "x" * 2000})
    assert batched(api, part(4), large, part(6)) == ({"4": 201}, ["5", "6"])


@pytest.mark.parametrize("parts", [None, [5], [{"id": "1", "url": "/x"}], [part(1), part(1)]])
def test_what_is_no_batch(api, parts):
    assert api.post("/api/now/v1/batch", json={"rest_requests": parts}).status_code == 400
