"""The pages for people in a real browser: without scripts, by keyboard, narrow and wide, light and dark."""

import json
import pathlib
import re
import time

import axe_playwright_python
import pytest

from saltext.approval.intake import api_token

AXE = pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js"
THEMES, WIDTHS = ("light", "dark"), (320, 768, 1280)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LEAST_TARGET = 24  # pixels
# Links within a sentence, and fields that people do not see, are no targets.
SMALL = """
least => [...document.querySelectorAll('button, .button, nav a, input:not([type=hidden]), textarea, h2 a')]
    .filter(one => { const box = one.getBoundingClientRect(); return box.width < least || box.height < least; })
    .map(one => one.outerHTML)
"""
# Pairs of cards of which one hides a part of the other.
OVERLAID = """
() => { const cards = [...document.querySelectorAll('.card')].map(one => one.getBoundingClientRect());
        return cards.flatMap((a, i) => cards.slice(i + 1).filter(b => a.width && b.width
            && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
            && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1).map(b => [a.top, b.top])); }
"""
COVERED = """
() => { const box = document.activeElement.getBoundingClientRect();
        const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return !document.activeElement.contains(seen) && !(seen && seen.contains(document.activeElement)); }
"""


@pytest.fixture
def open_page(chromium):
    """
    A function that opens a page of a service in a browser of its own, as its options say; gives the page. Whatever
    the browser complains of, such as a breach of the policy of contents, fails the test.
    """
    contexts, complaints = [], []

    def begin(service, path, **options):
        context = chromium.new_context(base_url=f"http://localhost:{service.port}", **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path)
        return page

    yield begin
    for context in contexts:
        context.close()
    # The browser itself calls answers of 4xx and 5xx errors, and says what it was told to forget.
    told = ("Failed to load resource", "Clear-Site-Data header")
    assert [text for text in complaints if not text.startswith(told)] == []


@pytest.fixture
def browse(open_page, visit):
    """A function that does so with a page of the portal."""

    def begin(path="/inbox", **options):
        return open_page(visit.service, path, **options)

    return begin


@pytest.fixture
def requests(client):
    """The numbers of three requests: one that waits for carol, one with odd texts, one that is approved."""
    alice, bob, carol = client("alice"), client("bob"), client("carol")
    waiting = alice.request("package", ["web1", "web2"], {"hello": "2.12-1", "nginx": "absent"}, "CHG-4711: a greeting")
    bob.approve(waiting["request"], comment="looks fine")
    long = "https://example.com/" + "x" * 300
    odd = alice.request("value", ["日本", 'say "hi"'], values={"motd": long}, reason=f"see {long}")
    done = alice.request("package", ["web1"], {"sl": "5"}, "steam")
    bob.approve(done["request"])
    carol.approve(done["request"])
    return [one["request"] for one in (waiting, odd, done)]


def sign_in(page, name):
    """Fill in the form and send it."""
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(f"the password of {name}")
    page.get_by_role("button", name="Sign in").click()


def look(page, where):
    """
    Make sure that axe finds nothing wrong, nothing scrolls sideways, no target is small and no card hides another, at
    each of the widths.
    """
    # The policy of the pages lets no script in, so the browser itself runs it.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        options = json.dumps({"runOnly": RULES, "resultTypes": ["violations"]})
        found = page.evaluate(f"axe.run(document, {options})")["violations"]
        assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == [], (where, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (where, width)
        assert page.evaluate(SMALL, LEAST_TARGET) == [], (where, width)
        assert page.evaluate(OVERLAID) == [], (where, width)
        assert page.get_by_role("heading", level=1).count() == 1, (where, width)


def tab_to(page, what):
    """Press the key until what matches the pattern has the focus, which must be visible on the way."""
    for _ in range(40):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.outerHTML")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", focused
        assert not page.evaluate(COVERED), focused
        if re.search(what, focused):
            return
    raise AssertionError(f"the focus does not get to {what}")


def test_to_decide_by_mouse_without_scripts(browse, requests, people):
    page = browse(java_script_enabled=False)
    assert page.url.endswith("/login?next=/inbox")
    sign_in(page, "carol")
    assert page.title() == "(2) Inbox · Approvals"
    page.get_by_role("link", name=f"Request {requests[0]}").click()
    page.get_by_label("Comment").fill("as asked for")
    page.get_by_role("button", name="Approve 4 items on 2 minions").click()
    assert page.get_by_role("status").inner_text().startswith("Your approval is recorded. The request is approved now.")
    page.go_back()
    page.go_forward()
    assert people.execute("SELECT count(*) FROM approval.decision WHERE provider = 'web'") == [(1,)]
    # The page before is not there any more as it was: no form of it can be sent again.
    page.go_back()
    assert page.get_by_role("button", name=re.compile("Approve")).count() == 0


def test_to_decide_by_keyboard_alone(browse, requests, people):
    page = browse()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab_to(page, 'id="name"')
    page.keyboard.type("carol")
    page.keyboard.press("Tab")
    page.keyboard.type("the password of carol")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"^[^?]*/inbox$"))
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    tab_to(page, f'href="/requests/{requests[1]}"')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/requests/{requests[1]}")
    tab_to(page, 'id="comment"')
    page.keyboard.type("no")
    tab_to(page, 'value="reject"')
    page.keyboard.press("Enter")
    page.wait_for_url("**?done=reject")
    assert people.execute("SELECT comment FROM approval.decision WHERE decision = 'reject'") == [("no",)]


def test_to_decide_on_several_by_keyboard_alone(browse, requests, people):
    page = browse()
    sign_in(page, "carol")
    page.wait_for_url(re.compile(r"^[^?]*/inbox$"))
    for number in requests[:2]:
        tab_to(page, f'name="number" value="{number}"')
        page.keyboard.press("Space")
    tab_to(page, "Look at those that are ticked")
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/decide?*")
    tab_to(page, f'value="{requests[1]} ')
    page.keyboard.press("Space")
    tab_to(page, 'value="approve"')
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="1 of 1 decided").wait_for()
    decided = people.execute("SELECT request_id FROM approval.decision WHERE provider = 'web'")
    assert decided == [(requests[0],)]


# The task of each page: where the focus goes and what is typed there, and what is then seen.
TASKS = [
    ("/minions", [('id="name"', "web2"), (">Find<", None)], "Nothing is in force for it."),
    ("/minions/web1", [("New request", None)], "Packages"),
    ("/requests/new?type=package&minions=web2", [
        ('id="items"', "htop latest"), ('id="reason"', "CHG-9"), ('value="look"', None), ('value="send"', None)],
     "Your request is made."),
    ("/requests?show=all", [('id="state"', "app"), (">Show<", None)], "1 request, the newest first."),
    ("/compliance", [('href="/compliance?', None)], "Compliance"),
    ("/jobs", [('id="minion"', "web1"), (">Show<", None)], "No job in the log is like that."),
    ("/calendar", [('class="button" href="/calendar', None)], "at a glance"),
    ("/what-if?type=package", [('id="minions"', "3"), (">Show<", None)], "bob"),
    ("/audit", [('id="who"', "alice"), (">Show<", None)], "alice"),
    ("/sessions", [("End the session from", None)], "You are signed out."),
]  # fmt: skip


def test_what_one_comes_for_by_keyboard_alone(browse, requests):
    page = browse()
    sign_in(page, "alice")
    page.wait_for_url(re.compile(r"^[^?]*/inbox$"))
    for path, steps, seen in TASKS:
        page.goto(path)
        for where, typed in steps:
            tab_to(page, where)
            if typed is not None:
                page.keyboard.type(typed)
                continue
            with page.expect_navigation():
                page.keyboard.press("Enter")
        assert seen in page.get_by_role("main").inner_text(), path


def test_a_double_click_is_one_decision(browse, requests, people):
    page = browse()
    sign_in(page, "carol")
    page.goto(f"/requests/{requests[0]}")
    page.get_by_role("button", name=re.compile("Approve")).dblclick()
    page.wait_for_url("**?done=approve")
    assert "Your approval is recorded." in page.get_by_role("status").inner_text()
    assert people.execute("SELECT count(*) FROM approval.decision WHERE provider = 'web'") == [(1,)]


def test_a_missing_reason_is_told_at_its_field(browse, requests):
    page = browse()
    sign_in(page, "carol")
    page.goto(f"/requests/{requests[0]}")
    page.get_by_role("button", name="Reject").click()
    assert page.title().startswith("A reason is missing: ")
    field = page.get_by_label("Comment")
    assert field.evaluate("one => one === document.activeElement")
    described = [page.locator(f"#{one}").inner_text() for one in field.get_attribute("aria-describedby").split()]
    assert "Say why you reject it: who asked has to know." in described


def test_to_ask_without_scripts_and_once(browse, requests, people):
    page = browse(java_script_enabled=False, viewport={"width": 320, "height": 900})
    sign_in(page, "alice")
    page.goto("/minions/web2")
    page.get_by_role("link", name="New request", exact=True).click()
    page.get_by_role("link", name="Packages", exact=True).click()
    page.get_by_label("Packages", exact=True).fill("htop latest\nnginx 1.2")
    page.get_by_label("Reason").fill("CHG-9")
    page.get_by_role("button", name="Look at it first").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_label("put this in its place").check()
    page.get_by_role("button", name="Ask for 2 items on 1 minion").dblclick()
    page.wait_for_url("**?done=ask")
    assert page.get_by_role("status").inner_text().startswith("Your request is made.")
    assert people.execute("SELECT count(*) FROM approval.request WHERE source = 'web'") == [(1,)]


@pytest.fixture
def asked(browse, catalog):
    """The page of the form on which alice asks for packages."""
    page = browse("/login")
    sign_in(page, "alice")
    page.goto("/requests/new?type=package")
    return page


def test_what_a_field_offers_by_keyboard_alone(asked):
    page, field = asked, asked.get_by_role("combobox", name="Find packages")
    options, said = page.get_by_role("option"), page.locator("#search ~ [role=status]")
    assert (field.get_attribute("aria-expanded"), field.get_attribute("aria-autocomplete")) == ("false", "list")

    def active():
        """The text of the option that the field points at."""
        return page.locator(f"#{field.get_attribute('aria-activedescendant')}[aria-selected=true]").inner_text()

    tab_to(page, 'id="search"')
    page.keyboard.type("hel")
    options.nth(1).wait_for()
    assert (said.inner_text(), field.get_attribute("aria-expanded")) == ("2 are found.", "true")
    assert field.get_attribute("aria-activedescendant") is None
    keys = [("ArrowUp", "hello-dev"), ("ArrowDown", "hello"), ("End", "hello-dev"), ("Home", "hello")]
    for key, name in keys:
        page.keyboard.press(key)
        assert active().split()[0] == name, key
    look(page, "a combobox that is open")
    page.keyboard.press("Escape")
    assert (options.count(), field.input_value()) == (0, "hel")
    page.keyboard.press("Escape")
    assert field.input_value() == ""
    page.keyboard.type("hel")
    options.nth(1).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("option", name="hello 2.12-1").wait_for()
    assert field.input_value() == "hello "
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.get_by_label("Packages", exact=True).input_value() == "hello 2.12-1"
    assert (said.inner_text(), field.input_value(), options.count()) == ("Added: hello 2.12-1", "", 0)
    # Where nothing is chosen, Enter looks for it as without a script.
    page.keyboard.type("nothing")
    page.get_by_text("Nothing is found.").wait_for(state="attached")
    page.keyboard.press("Enter")
    page.get_by_text("No catalog has a package like that.").wait_for()
    assert page.get_by_label("Packages", exact=True).input_value() == "hello 2.12-1"


def test_what_a_field_offers_by_mouse(asked):
    page, find = asked, asked.get_by_role("combobox", name="Find minions")
    find.press_sequentially("web")
    page.get_by_role("option", name="web2").click()
    find.press_sequentially("web1")
    page.get_by_role("option", name="web1").click()
    assert page.get_by_label("Minions", exact=True).input_value() == "web2\nweb1"
    find.press_sequentially("web")
    page.get_by_role("option", name="web2").wait_for()
    page.get_by_label("Reason").click()
    assert page.get_by_role("option").count() == 0


def test_a_late_answer_offers_nothing(asked):
    """The answer to what stood in the field before comes after that to what stands there now, or never."""
    page, held = asked, []
    page.route("**/options?*text=hel", lambda route: held.append(route))
    field = page.get_by_role("combobox", name="Find packages")
    field.press_sequentially("hel")
    deadline = time.monotonic() + 60
    while not held:
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    field.press_sequentially("lo-")
    page.get_by_role("option", name="hello-dev").wait_for()
    assert held[0].request.failure == "net::ERR_ABORTED"
    assert page.get_by_role("option").count() == 1


def test_scripts_of_a_page_are_small(asked, requests):
    page = asked
    for path in ("/requests/new?type=package", "/inbox", f"/requests/{requests[0]}"):
        page.goto(path)
        sizes = page.evaluate(
            "Promise.all([...document.scripts].map(async one => (await (await fetch(one.src)).text()).length))"
        )
        assert 0 < sum(sizes) <= 6 * 1024, path


def test_a_token_is_made_and_shown_once(browse):
    for theme in THEMES:
        page = browse("/login", color_scheme=theme, viewport={"width": 320, "height": 900})
        sign_in(page, "alice")
        page.goto("/sessions")
        page.get_by_label("Name").fill("the deploy robot on build-7.example.com, which runs at night")
        page.get_by_label("request: ask").check()
        page.get_by_role("button", name="Make it").click()
        assert api_token.is_whole(page.get_by_label("The token").inner_text().strip())
        look(page, f"the token {theme}")
        page.get_by_role("link", name="Back to your sessions").click()
        assert page.get_by_role("cell", name="read, request", exact=True).count() >= 1
        look(page, f"sessions with a token {theme}")


def test_what_is_sensitive_is_shown_by_a_button(browse, people, client):
    definition = {
        "name": "secret", "kind": "value", "requesters": ["*"], "sensitive": ["db.password"],
        "chain": [{"name": "review", "any_of": [{"group": "reviewers"}]}],
        "parameters": {"properties": {"values": {"properties": {"db.password": {}}}}},
    }  # fmt: skip
    people.execute("SELECT approval.put_request_type(%s)", (json.dumps(definition),))
    number = client("alice").request("secret", ["web1"], reason="a", values={"db.password": "hidden well"})["request"]
    for theme in THEMES:
        page = browse("/login", color_scheme=theme, viewport={"width": 320, "height": 900})
        sign_in(page, "carol")
        page.goto(f"/requests/{number}")
        look(page, f"a request with something sensitive {theme}")
        assert "hidden well" not in page.content()
        button = page.get_by_role("button", name="Show the values")
        button.focus()
        button.press("Enter")
        page.get_by_role("heading", name=f"Values of request {number}").wait_for()
        assert page.get_by_text("hidden well").count() == 1
        look(page, f"values {theme}")
        page.get_by_role("link", name=f"Back to request {number}").click()
        assert "hidden well" not in page.content()


def test_nothing_is_wrong_for_whoever_reads_it_otherwise(browse, requests, people, capsys):
    """So with every page where a password is the way to sign in, light and dark."""
    waiting, odd, done = requests
    people.execute(
        "SELECT approval.put_calendar('nightly', 'FREQ=DAILY', 'UTC', '2 hours', '2026-01-01 02:00', "
        "ARRAY(SELECT now() + make_interval(hours => h) FROM generate_series(-300, 300, 5) AS h))"
    )
    people.execute("SELECT approval.put_freeze('year-end', now(), now() + interval '2 days', NULL, NULL, 'a rest')")
    steps = [
        ("/login", None),
        ("/inbox", None),
        ("/sessions", None),
        ("/requests?show=all", None),
        (f"/inbox/decide?number={waiting}&number={odd}&number={done}", None),
        (f"/requests/{waiting}", None),
        (f"/requests/{odd}", None),
        (f"/requests/{done}", None),
        ("/requests/99", None),
        ("/requests/new", None),
        ("/requests/new?type=package&minions=web1", None),
        ("/delegations", None),
        ("/minions", None),
        ("/minions/web1", None),
        ("/compliance", None),
        ("/jobs", None),
        ("/calendar?request=none", None),
        ("/reading", None),
        ("/what-if?type=package&minions=3", None),
        (f"/audit/{done}/2", None),
        ("/audit", "Verify all of it"),
        ("/health", None),
    ]
    for theme in THEMES:
        page = browse("/login", color_scheme=theme, viewport={"width": 1280, "height": 900})
        for path, button in steps:
            if path == "/inbox":
                sign_in(page, "carol")
            elif path != "/login":
                page.goto(path)
            if button:
                page.get_by_role("button", name=button).click()
            look(page, f"{path} {theme}")
    with capsys.disabled():
        looked = len(steps) * len(THEMES) * len(WIDTHS)
        print(f"\naxe: {looked} looks ({len(steps)} pages x {len(THEMES)} themes x {len(WIDTHS)} widths), 0 violations")


def test_nothing_is_wrong_in_german(browse, requests):
    """Its words are longer: so with pages of many words, at each width."""
    page = browse("/login", locale="de-DE", timezone_id="Europe/Berlin", viewport={"width": 320, "height": 900})
    page.get_by_label("Name").fill("carol")
    page.get_by_label("Passwort").fill("the password of carol")
    page.get_by_role("button", name="Anmelden").click()
    for path in (
        "/inbox",
        f"/requests/{requests[0]}",
        "/requests/new?type=package&minions=web1",
        "/calendar",
        "/audit",
    ):
        page.goto(path)
        assert page.locator("html").get_attribute("lang") == "de"
        look(page, f"{path} in German")


def test_nothing_is_wrong_where_a_provider_is_the_way_to_sign_in(open_page, open_corp, corp, approved, client):
    """So with the pages that lead to a provider: to sign in, and to be surer."""
    service = open_corp()
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-7")["request"]
    client("bob").approve(number)
    corp.person = "u-carol"
    for theme in THEMES:
        page = open_page(service, f"/requests/{number}", color_scheme=theme, viewport={"width": 1280, "height": 900})
        look(page, f"the way to the provider, {theme}")
        page.get_by_role("link", name="Sign in with the company").click()
        page.wait_for_url(f"**/requests/{number}")
        approved.execute("UPDATE approval.web_session SET authenticated_until = began_at")
        page.get_by_role("button", name="Approve").click()
        assert page.get_by_role("link", name="Sign in anew").count() == 1
        look(page, f"to decide as somebody surer, {theme}")
        page.goto(f"/requests/{number}")
        assert page.get_by_role("link", name="Sign in anew to decide").count() == 1
        look(page, f"a decision for somebody surer, {theme}")


LIVE = re.compile(r"/live\b")


@pytest.fixture
def watched(browse, requests):
    """
    A page of the request that waits for carol, who is signed in, at a time that a test makes pass; and the statuses of
    the answers to its questions.
    """
    page, statuses = browse(), []
    sign_in(page, "carol")
    page.on("response", lambda answer: LIVE.search(answer.url) and statuses.append(answer.status))
    page.clock.install()
    page.goto(f"/requests/{requests[0]}")
    return page, statuses


def pass_until_asked(page, seconds=6):
    """Have so much time pass on the page, in which it asks; gives the status of the answer."""
    with page.expect_response(LIVE) as answer:
        page.clock.run_for(seconds * 1000)
    return answer.value.status


def pass_until_told(page, status=200):
    """Have time pass until the page is told of what was done: the service remembers for seconds how it was before."""
    deadline = time.monotonic() + 60
    while pass_until_asked(page) != status:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_page_keeps_itself_up_to_date(watched, requests, client, people):
    page, _ = watched
    said = page.locator("#live-said")
    assert pass_until_asked(page) == 304
    assert said.inner_text() == ""
    page.get_by_label("Comment").fill("half a sen")
    page.get_by_text("By command").click()
    # Who looks at a link keeps it, until they look elsewhere.
    page.locator("#outcomes a").first.evaluate("one => { one.closest('details').open = true; one.focus(); }")
    before = page.evaluate("document.activeElement.href")
    people.execute("UPDATE approval.request SET reason = 'as I said' WHERE request_id = %s", (requests[0],))
    people.execute("SELECT approval.note_change(ARRAY[%s])", (requests[0],))
    pass_until_told(page)
    page.get_by_text("as I said").wait_for()
    assert page.evaluate("document.activeElement.href") == before
    assert page.get_by_label("Comment").input_value() == "half a sen"
    look(page, "a page that was brought up to date")
    # Somebody else decides: the form stays, and says that it is of before.
    client("carol").approve(requests[0])
    pass_until_told(page)
    page.get_by_role("link", name="Load it anew").wait_for()
    said = page.get_by_role("status").inner_text()
    assert said.startswith(f"Request {requests[0]} is approved: 0 of 4 items converged.")
    assert page.get_by_label("Comment").input_value() == "half a sen"
    look(page, "a page that has moved on")
    page.get_by_role("link", name="Load it anew").click()
    page.get_by_role("heading", name="What became of it").wait_for()


def test_a_page_asks_less_often_or_not_at_all(watched):
    page, statuses = watched
    pass_until_asked(page)
    pause = page.get_by_role("button", name="Pause updates")
    pause.click()
    asked = len(statuses)
    page.clock.run_for(60_000)
    assert len(statuses) == asked
    assert pause.get_attribute("aria-pressed") == "true"
    pause.click()
    pass_until_asked(page)
    # The last sign of somebody was minutes ago.
    page.clock.fast_forward(11 * 60_000)
    pass_until_asked(page)
    asked = len(statuses)
    page.clock.run_for(20_000)
    assert len(statuses) == asked
    pass_until_asked(page, 35)
    page.keyboard.press("Shift")
    pass_until_asked(page)


def test_a_page_says_that_it_is_not_up_to_date(watched, visit, people):
    page, _ = watched
    pass_until_asked(page)
    page.context.set_offline(True)
    page.clock.run_for(6_000)
    page.get_by_text(re.compile(r"^Not updated since \d\d:\d\d UTC\.$")).wait_for()
    assert page.get_by_role("button", name=re.compile("Approve")).count() == 1
    page.context.set_offline(False)
    pass_until_asked(page)
    page.get_by_text("Not updated since").wait_for(state="detached")
    people.execute("DELETE FROM approval.web_session")
    pass_until_told(page, 401)
    page.get_by_text("Not updated any more").wait_for()
    assert page.get_by_role("heading", level=1).count() == 1


def test_to_come_back_to_a_form_that_was_sent(browse, requests):
    page = browse(java_script_enabled=False)
    sign_in(page, "alice")
    page.goto("/requests/new?type=package&minions=web2")
    page.get_by_label("Packages", exact=True).fill("htop latest")
    page.get_by_label("Reason").fill("CHG-9")
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_role("button", name="Change it").click()
    page.goto("/inbox")
    page.go_back()
    assert page.get_by_label("Reason").input_value() == "CHG-9"
    page.go_back()
    page.get_by_role("button", name="Ask for 1 item on 1 minion").click()
    page.wait_for_url("**?done=ask")
    page.go_back()
    assert page.get_by_role("heading", level=1).count() == 1
    # Nobody does so who comes after them.
    page.go_forward()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login?ended=yes")
    page.go_back()
    assert "CHG-9" not in page.content()


def test_times_are_in_the_zone_of_the_browser_or_in_the_chosen_one(browse, requests):
    for scripts, zone in ((True, "JST"), (False, "UTC")):
        page = browse("/login", timezone_id="Asia/Tokyo", java_script_enabled=scripts)
        sign_in(page, "carol")
        assert f" {zone}" in page.locator("time").first.inner_text()
        page.get_by_role("link", name=re.compile("^Language and time zone")).click()
        page.get_by_label("Time zone").select_option("America/New_York")
        page.get_by_role("button", name="Read it so").click()
        assert re.search(" E[SD]T", page.locator("time").first.inner_text())
