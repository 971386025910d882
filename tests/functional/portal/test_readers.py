"""Who may not read: on no page there is anything of what the policy keeps from them, nor a sign that there is."""

import re

KEPT = ("shown to nobody", "7.7.7")  # as the fixture kept has them
PAGES = (
    "/inbox", "/requests?show=all", "/requests?show=decided", "/minions", "/minions?name=web1", "/minions/web1",
    "/requests/{number}", "/compliance", "/compliance.csv", "/calendar", "/calendar.ics", "/calendar?request={number}",
    "/jobs", "/jobs?minion=web1", "/jobs?request={number}", "/audit", "/audit?request={number}", "/audit/{number}/1",
    "/what-if", "/health", "/sessions", "/delegations", "/inbox/decide?number={number}", "/inbox/live", "/jobs/live",
    "/requests/{number}/live",
)  # fmt: skip


def test_no_page_shows_what_its_visitor_may_not_read(visit, limit, kept):
    carol, bob = visit("carol"), visit("bob")
    for address in PAGES:
        assert carol.get(address.format(number=kept)).status_code in (200, 303), address
    limit("requests", "values", "job_log", "audit")
    for address in PAGES:
        answer = carol.get(address.format(number=kept))
        assert not any(text in answer.text for text in KEPT), address
        other = carol.get(address.format(number=kept + 1000).replace("web1", "web9"))
        # Numbers, names and times differ.
        mine, theirs = (re.sub(r"[0-9]+", "", page.plain) for page in (answer, other))
        assert (answer.status_code, mine) == (other.status_code, theirs), address
    for address, says in (
        ("/minions", "Other requests and minions are left out: by the policy you may read those of second, and"),
        ("/jobs", "Other jobs and returns are left out: by the policy you may read those of second."),
        ("/audit", "Other acts are left out: by the policy you may read those of second."),
        ("/compliance", "Values that you may not read are •••: by the policy you may read those of second"),
    ):
        assert says in carol.get(address).plain, address
    for path in ("/audit/export", "/audit/verify"):
        answer = carol.post(path, carol.hidden("/audit"))
        assert (answer.status_code, "for those who may read that of all minions" in answer.plain) == (403, True)
    page = bob.get(f"/requests/{kept}").plain
    assert all(text in page for text in KEPT)
    assert "left out" not in bob.get("/minions").plain


def test_values_are_hidden_where_the_rest_is_shown(visit, limit, kept):
    limit("values")
    carol = visit("carol")
    page = carol.get(f"/requests/{kept}")
    assert (page.status_code, KEPT[1] in page.text, KEPT[0] in page.text) == (200, False, True)
    assert "•••" in page.plain
    for address in ("/minions/web1", "/compliance", "/compliance.csv"):
        page = carol.get(address)
        assert (page.status_code, "•••" in page.text, f">{KEPT[1]}" in page.text) == (200, True, False), address
    limit("job_log")
    page = carol.get("/minions/web1")
    assert (page.status_code, KEPT[1] in page.text) == (200, False)
    assert KEPT[1] in visit("bob").get("/minions/web1").text
