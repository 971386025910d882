"""How often each page asks the database: a page that asks once for each of its rows is found here."""

import base64
import collections
import secrets

import psycopg
import pytest

from saltext.approval.admin import migrate
from saltext.approval.portal import passwords, service
from saltext.approval.settings import Settings

# By page, with the one that says whose session it is, and that of pages which keep themselves up to date for their
# change number.
QUERIES = {
    "/inbox": 3,
    "/inbox/decide?number={number}": 2,
    "/requests": 2,
    "/requests?show=asked": 2,
    "/requests?show=decided": 2,
    "/requests/{number}": 3,
    "/requests/{number}?outcomes=failed": 3,
    "/requests/new": 2,
    "/requests/new?type=package": 3,
    "/minions": 2,
    "/minions/web1": 4,
    "/compliance": 3,
    "/jobs": 2,
    "/calendar": 2,
    "/what-if": 2,
    "/audit": 2,
    "/health": 2,
    "/sessions": 3,
    "/delegations": 2,
}


@pytest.fixture
def browser(people, settings_of, passwords_file):
    """A client of the application in this process, with bob's session."""
    settings = {"portal": {**settings_of("portal"), "passwords": str(passwords_file)}}
    settings["web"] = {"public_url": "http://localhost:8087"}
    application, _web, _metrics = service.application(Settings({"approval": settings}), migrate.Schema())
    token = secrets.token_bytes(32)
    credential = passwords.Passwords(str(passwords_file)).credential("bob")
    people.execute(
        "SELECT approval.begin_session('web', 'bob', %s, %s, NULL, 'infinity', '{}')",
        (token, credential),
        login="portal",
    )
    client = application.test_client()
    client.set_cookie("approval", base64.urlsafe_b64encode(token).decode().rstrip("="), domain="localhost")
    return client


def test_each_page_asks_as_often_whatever_it_shows(browser, people, client, monkeypatch):
    minions = [f"app{number:02}" for number in range(30)]
    people.execute("SELECT approval.put_minions(%s)", (minions,))
    numbers = [
        client("alice").request("package", minions, {f"package{number}": "1.0"}, "a test")["request"]
        for number in range(5)
    ]
    asked = collections.Counter()
    execute = psycopg.Cursor.execute

    def counted(cursor, *arguments, **options):
        asked["times"] += 1
        return execute(cursor, *arguments, **options)

    # The first visit makes the connection.
    assert browser.get("/inbox").status_code == 200
    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    found = {}
    for page in QUERIES:
        asked.clear()
        assert browser.get(page.format(number=numbers[0])).status_code == 200, page
        found[page] = asked["times"]
    assert found == QUERIES
