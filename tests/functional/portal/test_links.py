"""Links from elsewhere, in a ticket, a chat and a mail, lead to the page of the request, by signing in where needed."""

import zoneinfo
from urllib.parse import urlsplit

import pytest

from saltext.approval.chat.story import Teller
from saltext.approval.itsm.texts import Writer


@pytest.fixture
def links(people):
    """A function that gives the links to a request that a ticket, a chat and a mail have, with this ``public_url``."""

    def told(number, url):
        ((story,),) = people.execute("SELECT approval.chat_story(%s)", (f"request/{number}",), login="chat")
        writer = Writer("jira", "en", zoneinfo.ZoneInfo("UTC"), url, str)
        page = writer.page({"request": number, "state": "pending", "title": "Packages"})
        of_chat = Teller(str, url).parent(f"request/{number}", story).links
        asked = {
            "act": "asked",
            "stage": 1,
            "why": ["reviewers"],
            "in_stead_of": None,
            "until": None,
            "until_what": None,
            "assurance_needed": None,
        }
        of_mail = Teller(str, url).ask(f"ask/{number}/bob", story, asked).links
        return [] if page is None else [page.url], of_chat, of_mail

    return told


def test_each_leads_to_the_page_of_the_request(visit, client, links):
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    stranger = visit()
    of_ticket, of_chat, of_mail = links(number, "https://approval.example.com/")
    found = [*of_ticket, *(link.url for link in (*of_chat, *of_mail))]
    assert found == [f"https://approval.example.com/requests/{number}"] * 3
    path = urlsplit(found[0]).path
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/login?next={path}")
    assert stranger.sign_in("bob", next=path).headers["Location"] == path
    assert "Your decision" in stranger.get(path).plain


def test_without_an_address_there_is_no_link(client, links):
    number = client("alice").request("package", ["web1"], {"hello": "1"}, "CHG-1")["request"]
    assert [list(found) for found in links(number, None)] == [[], [], []]
