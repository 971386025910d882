"""Options of custom fields in the stand-in of Jira: their limits, and what deleting one does."""

import pytest

PACKAGE, MINIONS = "customfield_10104", "customfield_10102"


@pytest.fixture
def path(jira):
    (context,) = jira.custom[PACKAGE].contexts
    return f"/field/{PACKAGE}/context/{context}/option"


@pytest.fixture
def minions(jira):
    (context,) = jira.custom[MINIONS].contexts
    return f"/field/{MINIONS}/context/{context}/option"


def add(api, path, *values, **more):
    return api.post(path, json={"options": [{"value": value, **more} for value in values]})


def values(api, path):
    return [each["value"] for each in api.get(path).json()["values"]]


def test_contexts_are_listed(jira, api):
    page = api.get(f"/field/{PACKAGE}/context").json()
    assert (page["maxResults"], page["isLast"], page["values"][0]["isGlobalContext"]) == (50, True, True)
    made = api.post(f"/field/{PACKAGE}/context", json={"name": "SC21", "projectIds": ["10000"]})
    assert made.status_code == 201
    assert api.post(f"/field/{PACKAGE}/context", json={"name": "Again", "projectIds": ["10000"]}).status_code == 400
    assert api.post(f"/field/{PACKAGE}/context", json={"name": "Other", "projectIds": ["1"]}).status_code == 404
    mapping = api.get(f"/field/{PACKAGE}/context/projectmapping").json()["values"]
    assert mapping[1] == {"contextId": made.json()["id"], "projectId": "10000"}
    assert mapping[0]["isGlobalContext"] is True


def test_options_have_parents(api, path):
    (parent,) = add(api, path, "hello").json()["options"]
    assert parent == {"id": parent["id"], "value": "hello", "disabled": False}
    (child,) = add(api, path, "2.10-3", optionId=parent["id"]).json()["options"]
    assert child["optionId"] == parent["id"]
    page = api.get(path).json()
    assert (page["total"], page["isLast"], page["maxResults"]) == (2, True, 100)
    assert add(api, path, "2.11", optionId="1").status_code == 404
    assert add(api, path, "2.11", optionId=child["id"]).status_code == 404


def test_options_without_a_cascade_have_no_parents(api, minions):
    (option,) = add(api, minions, "web1").json()["options"]
    assert add(api, minions, "web2", optionId=option["id"]).status_code == 400


def test_a_page_holds_a_hundred(api, path):
    add(api, path, *map(str, range(150)))
    page = api.get(path, params={"maxResults": 1000}).json()
    assert (len(page["values"]), page["isLast"], page["total"]) == (100, False, 150)
    rest = api.get(path, params={"startAt": 100}).json()
    assert (len(rest["values"]), rest["isLast"]) == (50, True)


def test_a_call_takes_a_thousand(api, path):
    assert add(api, path, *map(str, range(1001))).status_code == 400
    assert values(api, path) == []
    assert add(api, path, *map(str, range(1000))).status_code == 200


def test_a_field_takes_ten_thousand_in_all_contexts_and_levels(jira, api, path):
    jira.limits.options_per_field = 4
    (parent, _) = add(api, path, "hello", "cowsay").json()["options"]
    assert add(api, path, "1", optionId=parent["id"]).status_code == 200
    other = api.post(f"/field/{PACKAGE}/context", json={"name": "SC21", "projectIds": ["10000"]}).json()["id"]
    elsewhere = f"/field/{PACKAGE}/context/{other}/option"
    assert add(api, elsewhere, "hello", "cowsay").status_code == 400
    assert add(api, elsewhere, "hello").status_code == 200
    assert add(api, path, "2").status_code == 400


def test_a_value_is_there_once(api, path):
    add(api, path, "hello")
    assert add(api, path, "hello").status_code == 400
    assert add(api, path, "").status_code == 400
    assert add(api, path, "x" * 256).status_code == 400


def test_options_are_disabled_and_keep_their_values_in_issues(jira, api, path):
    issue = jira.create(fields={PACKAGE: ("hello", "2.10-3")})
    number = issue.fields[PACKAGE]["id"]
    assert api.put(path, json={"options": [{"id": number, "disabled": True}]}).status_code == 200
    assert api.get(path).json()["values"][0]["disabled"] is True
    assert api.get(f"/issue/{issue.id}").json()["fields"][PACKAGE]["value"] == "hello"


def test_one_unknown_id_and_no_option_is_changed(api, path):
    (option,) = add(api, path, "hello").json()["options"]
    body = {"options": [{"id": option["id"], "disabled": True}, {"id": "1", "disabled": True}]}
    assert api.put(path, json=body).status_code == 404
    assert api.get(path).json()["values"][0]["disabled"] is False


def test_unknown_fields_are_refused(api, path):
    assert add(api, path, "hello", colour="red").status_code == 400
    assert api.put(path, json={"options": [{"id": "1", "optionId": "2"}]}).status_code == 400


def test_options_are_moved_but_no_parents_with_their_children(api, path):
    parent, second, third = (each["id"] for each in add(api, path, "a", "b", "c").json()["options"])
    (child,) = (each["id"] for each in add(api, path, "1", optionId=parent).json()["options"])
    move = path + "/move"
    assert api.put(move, json={"customFieldOptionIds": [third], "position": "First"}).status_code == 204
    assert values(api, path) == ["c", "a", "b", "1"]
    assert api.put(move, json={"customFieldOptionIds": [third], "after": second}).status_code == 204
    assert values(api, path) == ["a", "b", "c", "1"]
    assert api.put(move, json={"customFieldOptionIds": [parent, child], "position": "Last"}).status_code == 400
    assert api.put(move, json={"customFieldOptionIds": [parent], "position": "Middle"}).status_code == 400
    assert api.put(move, json={"customFieldOptionIds": [parent]}).status_code == 400
    assert api.put(move, json={"customFieldOptionIds": ["1"], "position": "Last"}).status_code == 404


def test_a_parent_is_not_deleted_and_a_deleted_option_is_gone_from_issues(jira, api, path):
    issue = jira.create(fields={PACKAGE: ("hello", "2.10-3")})
    parent, child = issue.fields[PACKAGE]["id"], issue.fields[PACKAGE]["child"]["id"]
    assert api.delete(f"{path}/{parent}").status_code == 400
    assert api.delete(f"{path}/{child}").status_code == 204
    assert "child" not in api.get(f"/issue/{issue.id}").json()["fields"][PACKAGE]
    assert api.delete(f"{path}/{parent}").status_code == 204
    assert api.get(f"/issue/{issue.id}").json()["fields"][PACKAGE] is None
    assert api.delete(f"{path}/{parent}").status_code == 404


def test_only_administrators_manage_options(jira, as_person, path):
    person = jira.person("Nobody", token=True)
    answer = as_person(jira, person).get(path)
    assert answer.status_code == 403
    assert answer.json()["errorMessages"] == ["Only Jira administrators can manage custom field options."]


def test_a_field_without_options_is_not_found(api):
    answer = api.get("/field/customfield_10107/context")
    assert (answer.status_code, answer.json()["errorMessages"]) == (404, ["The custom field was not found."])
    assert api.get("/field/customfield_10104/context/1/option").status_code == 404


def test_data_center_cannot_write_options(data_center, old_api):
    data_center.option(PACKAGE, "hello")
    (context,) = data_center.custom[PACKAGE].contexts
    path = f"/field/{PACKAGE}/context/{context}/option"
    assert add(old_api, path, "x").status_code == 404
    assert old_api.post("/customFields/10104/options", json={"options": []}).status_code == 405
    page = old_api.get("/customFields/10104/options").json()
    assert [each["value"] for each in page["options"]] == ["hello"]
    assert old_api.get("/customFields/customfield_10104/options").status_code == 404
