"""
Pages of the web service, for people who look for the first time, beside a WSGI application that does nothing.

The application is called in this process, as gunicorn calls it, on a private server with default settings but for
fsync: what is measured is the time until the answer is whole, with the database's part and without the network's. Each
visit is that of another of 200 people, who signed in before; the first visits count. The past is written at once
(history.py), the inventory too (catalog.py). The requests that wait, and the two over all minions, are submitted by
the rules' functions, and one of these is approved; what its minions proved is written.

A Site takes any number of minions, with a hundred items each: 1,000 are a hundredth of what is promised for.
"""

import base64
import contextlib
import io
import logging
import random
import re
import secrets
import statistics
import threading
import time
import urllib.parse

import catalog
import psycopg
from approval_database import ApprovalDatabase
from history import keep_standings, load
from playwright.sync_api import sync_playwright
from psycopg.types.json import Jsonb
from report import Floor, Row
from werkzeug.serving import make_server

from saltext.approval.admin import migrate
from saltext.approval.portal import passwords, service
from saltext.approval.settings import Settings

MINIONS, MINIONS_QUICK = 100_000, 2_000
ITEMS_EACH = 100  # of a minion in the past
PEOPLE, VISITS = 200, 200
LEAST_VISITS, SLOW_S = 20, 60.0
WAITING = 60  # requests, over a few minions each
GROUPS, CATALOGS = 20, 5
PAGE_MS, INBOX_MS = 150.0, 50.0
PARTS = ("lib", "python3-a", "zzz", "0a1", "common")  # of the names of packages
WATCHERS, QUESTIONS, QUESTIONS_QUICK, LEAST_RATE = 20, 4_000, 400, 1_500.0
CHROMIUM, OPENED, PAINT_MS = "/usr/bin/chromium", 11, 1_000.0
PAINT = """
() => new Promise(done => {
    const look = () => {
        const [paint] = performance.getEntriesByName("first-contentful-paint");
        if (paint) done(paint.startTime); else setTimeout(look, 10);
    };
    look();
})
"""
LOGIN = "portal"
TYPE = {
    "name": "package",
    "kind": "package",
    "catalog": "off",
    "requesters": ["*"],
    "chain": [{"name": "owner", "any_of": [{"group": "owners", "quorum": 5}]}],
}
POLICY = """
SELECT approval.put_principal('p' || n, 'person'), approval.put_identity('web', 'p' || n, 'p' || n)
FROM generate_series(1, %(people)s) AS n ORDER BY n;
SELECT approval.put_group('owners', '');
SELECT approval.put_membership('owners', 'p' || n) FROM generate_series(2, %(people)s, 3) AS n;
SELECT approval.put_request_type(%(type)s);
SELECT approval.put_speaker('portal', 'web', 'authenticated')
"""
# One of a hundred minions deviates in some way, or does not answer.
TODAY = """
INSERT INTO approval.minion_group SELECT 'group' || n, '' FROM generate_series(1, %(groups)s) AS n;
INSERT INTO approval.minion_group_member
SELECT 'group' || 1 + substr(m.minion_id, 2)::integer %% %(groups)s, m.minion_id FROM approval.minion AS m;
INSERT INTO approval.minion_fact (minion_id, os, os_release, seen_at)
SELECT m.minion_id, 'Debian', '12', now() FROM approval.minion AS m;
INSERT INTO approval.drift
    (minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen)
SELECT i.minion_id, i.kind, i.name, i.item_id, i.request_id, i.content, '0', 'It is another version.',
    '20260101000000000000', now() - interval '1 day', now()
FROM approval.item AS i JOIN approval.document AS d ON d.minion_id = i.minion_id AND i.item_id = d.item_ids[1]
WHERE substr(i.minion_id, 2)::integer %% 250 = 7;
INSERT INTO approval.silence
SELECT m.minion_id, now() - interval '2 hours', '20260101000000000000', 'state.apply', now() - interval '2 hours', 1
FROM approval.minion AS m WHERE substr(m.minion_id, 2)::integer %% 500 = 11;
UPDATE approval.item AS i
SET outcome = 'failed', applied_at = NULL, observed = '0', outcome_text = 'It could not be fetched.'
FROM approval.document AS d
WHERE d.minion_id = i.minion_id AND i.item_id = d.item_ids[1] AND substr(i.minion_id, 2)::integer %% 300 = 13
"""
LARGE = """
SELECT approval.submit_request_by_session(%(token)s, 'package', 'On all of them', %(minions)s,
    array_fill('package'::text, ARRAY[%(count)s]), array_fill(%(name)s::text, ARRAY[%(count)s]),
    array_fill('1'::text, ARRAY[%(count)s]), NULL, NULL, rpad(%(name)s, 20, '0'), NULL)
"""
APPROVE = """
SELECT approval.decide_by_session(%(token)s, %(request)s, 'approve', '',
    approval.show_request_by_session(%(token)s, %(request)s, NULL, NULL, 1) ->> 'digest', 1)
"""
# As after some hours: half of the minions have it, a hundredth failed, and of these that have it some drifted.
PROVEN = """
UPDATE approval.item SET outcome = 'converged', applied_at = now(), observed = content
WHERE request_id = %(request)s AND substr(minion_id, 2)::integer %% 2 = 0;
UPDATE approval.item SET outcome = 'failed', observed = '0', outcome_text = 'It could not be fetched.'
WHERE request_id = %(request)s AND substr(minion_id, 2)::integer %% 100 = 1;
INSERT INTO approval.drift
    (minion_id, kind, name, item_id, request_id, expected, observed, finding, jid, since, last_seen)
SELECT i.minion_id, i.kind, i.name, i.item_id, i.request_id, i.content, '0', 'It is another version.',
    '20260101000000000000', now() - interval '1 hour', now()
FROM approval.item AS i WHERE i.request_id = %(request)s AND substr(i.minion_id, 2)::integer %% 250 = 8;
INSERT INTO approval.dispatch
    (minion_id, item_id, request_id, proof, proof_within, state, state_at, jid, sent_at, ended_at)
SELECT i.minion_id, i.item_id, i.request_id, 'state', interval '1 hour', 'sent', now(),
    '2026010100000000000' || substr(i.minion_id, 2)::integer %% 4, now(), now()
FROM approval.item AS i WHERE i.request_id = %(request)s
"""
SMALL = """
SELECT approval.submit_request_by_session(%(token)s, 'package', 'One of many', ARRAY['m' || %(n)s, 'm' || %(n)s + 1],
    ARRAY['package', 'package'], ARRAY['waiting', 'waiting'], ARRAY['1', '1'], NULL, 'supersede',
    'small' || lpad(%(n)s::text, 16, '0'), NULL)
"""


def measure(directory, quick):
    """
    The rows portal_inbox, portal_request, portal_request_100k, portal_search and those of other pages: the 95th of a
    hundred of the visits; the floor, of an application that does nothing; portal_304: the questions of open pages that
    a process answers in a second, where nothing has changed; and portal_first_paint: the median in a browser that has
    no files of the pages yet.
    """
    size = MINIONS_QUICK if quick else MINIONS
    with ApprovalDatabase(directory / "portal") as database:
        database.add_login(LOGIN, "approval_portal")
        portal = Site(database, directory, size)
        portal.fill()
        yield Floor("portal_nothing", size, p95(portal.visits(nothing, lambda: "/")), "ms")
        for name, path, limit in portal.pages():
            value = p95(portal.visits(portal.application, path))
            yield _row(name, size, value, limit)
        yield _row("portal_search", catalog.PACKAGES, p95(portal.searches()), PAGE_MS)

        rate = portal.unchanged(QUESTIONS_QUICK if quick else QUESTIONS)
        against = f"{LEAST_RATE:g} of a process"
        yield Row("portal_304", size, rate, "per s", against, rate / LEAST_RATE, ">= 1", rate >= LEAST_RATE)
        paint = portal.first_paint()
        against = f"{PAINT_MS:g} ms"
        yield Row("portal_first_paint", size, paint, "ms", against, paint / PAINT_MS, "<= 1", paint <= PAINT_MS)


def _row(name, size, value, limit):
    return Row(name, size, value, "ms", f"{limit:g} ms, of p95", value / limit, "<= 1", value <= limit)


def nothing(environ, start_response):
    """A WSGI application that answers with nothing."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b""]


def p95(times):
    """The time in ms within which 95 of a hundred lie."""
    return statistics.quantiles(times, n=20)[-1] * 1000


class Site:
    """The pages on a database with ``size`` minions, and people who have signed in there."""

    def __init__(self, database, directory, size):
        self._database = database
        self._size = size
        self._tokens = [secrets.token_bytes(32) for _ in range(PEOPLE)]
        self._chance = random.Random(1)  # noqa: S311
        self._large = self._sent = None
        words = directory / "passwords"
        words.touch(mode=0o600)
        # One digest for all: nobody signs in by it, and each costs some time.
        digest = passwords.line("p1", "a password of all").partition(":")[2]
        words.write_text("".join(f"p{n}:{digest}\n" for n in range(1, PEOPLE + 1)))
        self._credential = passwords.Passwords(str(words)).credential("p1")
        portal = {"dsn_file": str(database.dsn_file(LOGIN)), "passwords": str(words)}
        web = {"public_url": "http://localhost:8087"}
        self.application = service.application(
            Settings({"approval": {"portal": portal, "web": web}}), migrate.Schema()
        )[0]

    def fill(self):
        """Write the past, the people and what waits for them."""
        with psycopg.connect(self._database.dsn_of(), autocommit=True) as connection:
            values = {"people": PEOPLE, "groups": GROUPS, "type": Jsonb(TYPE)}
            _run(connection, POLICY, values)
            load(connection, ITEMS_EACH * self._size, self._size)
            connection.execute("SET session_replication_role = replica")
            _run(connection, TODAY, values)
            connection.execute("SET session_replication_role = origin")
            # A plan made of what the tables were before would take minutes.
            connection.execute("ANALYZE")
            keep_standings(connection)
            catalog.fill(connection, CATALOGS, self._size)
            connection.execute("ANALYZE")
        with psycopg.connect(self._database.dsn_of(LOGIN), autocommit=True) as connection:
            connection.execute("SET statement_timeout = 0")
            for number, token in enumerate(self._tokens, 1):
                connection.execute(
                    "SELECT approval.begin_session('web', %s, %s, %s, NULL, 'infinity', '{}')",
                    (f"p{number}", token, self._credential),
                )
            for number in range(WAITING):
                connection.execute(SMALL, {"token": self._tokens[0], "n": number * 7 % (self._size - 1)})
            large = {"token": self._tokens[0], "count": self._size, "minions": [f"m{n}" for n in range(self._size)]}
            self._large, self._sent = (
                connection.execute(LARGE, {**large, "name": name}).fetchone()[0] for name in ("everywhere", "sent")
            )
            for token in self._tokens[1::3][:5]:
                connection.execute(APPROVE, {"token": token, "request": self._sent})
        with psycopg.connect(self._database.dsn_of(), autocommit=True) as connection:
            _run(connection, PROVEN, {"request": self._sent})
        with psycopg.connect(self._database.dsn_of(), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            keep_standings(connection)
            connection.execute("CHECKPOINT")

    def pages(self):
        """(row, a function that gives the address of a visit, the limit in ms) of each."""
        chance, size = self._chance, self._size
        requests = ITEMS_EACH * size // 10
        return [
            ("portal_inbox", lambda: "/inbox", INBOX_MS),
            ("portal_requests", lambda: "/requests", PAGE_MS),
            ("portal_requests_asked", lambda: "/requests?show=asked", PAGE_MS),
            ("portal_requests_decided", lambda: "/requests?show=decided", PAGE_MS),
            ("portal_request", lambda: f"/requests/{chance.randint(1, requests)}", PAGE_MS),
            ("portal_request_100k", lambda: f"/requests/{self._large}", PAGE_MS),
            ("portal_request_100k_sent", lambda: f"/requests/{self._sent}", PAGE_MS),
            ("portal_request_100k_failed", lambda: f"/requests/{self._sent}?outcomes=failed", PAGE_MS),
            ("portal_request_100k_page", lambda: f"/requests/{self._sent}?after_minion=m{chance.randrange(size)}"
             "&after_kind=package&after_name=sent", PAGE_MS),
            ("portal_minion", lambda: f"/minions/m{chance.randrange(size)}", PAGE_MS),
            ("portal_minions", lambda: f"/minions?name={chance.randrange(size) // 10}", PAGE_MS),
            ("portal_compliance", lambda: "/compliance", PAGE_MS),
            ("portal_compliance_group", lambda: f"/compliance?group=group{chance.randint(1, GROUPS)}", PAGE_MS),
            ("portal_jobs", lambda: "/jobs", PAGE_MS),
            ("portal_jobs_minion", lambda: f"/jobs?minion=m{chance.randrange(size)}", PAGE_MS),
            ("portal_types", lambda: "/requests/new", PAGE_MS),
            ("portal_form", lambda: "/requests/new?type=package", PAGE_MS),
            ("portal_calendar", lambda: "/calendar", PAGE_MS),
            ("portal_what_if", lambda: "/what-if?type=package&minions=10", PAGE_MS),
            ("portal_audit", lambda: "/audit", PAGE_MS),
            ("portal_audit_entry", lambda: f"/audit/{chance.randint(1, requests)}/1", PAGE_MS),
            ("portal_health", lambda: "/health", PAGE_MS),
            ("portal_sessions", lambda: "/sessions", PAGE_MS),
        ]  # fmt: skip

    def visits(self, application, address):
        """The seconds of each visit, by people in random order; of a page that is slow there are fewer."""
        times = []
        for token in self._chance.choices(self._tokens, k=VISITS):
            times.append(_visited(application, address(), token))
            if len(times) >= LEAST_VISITS and sum(times) > SLOW_S:
                break
        return times

    def searches(self):
        """The seconds of each search for a package in the form of a request, after a visit for its hidden fields."""
        form = []
        _visited(self.application, "/requests/new?type=package", self._tokens[0], into=form)
        hidden = {
            name: re.search(rf'name="{name}" value="([^"]*)"', b"".join(form).decode())[1] for name in ("mark", "key")
        }
        fields = {**hidden, "type": "package", "act": "search"}
        return [
            _visited(
                self.application, "/requests/new/form", self._tokens[0],
                sent=urllib.parse.urlencode({**fields, "search": self._chance.choice(PARTS)}).encode(),
            )
            for _ in range(VISITS)
        ]  # fmt: skip

    def unchanged(self, questions):
        """How many questions of some open pages of the large request are answered in a second, one after the other."""
        address, tags = f"/requests/{self._large}/live", {}
        for token in self._tokens[:WATCHERS]:
            told = _asked(self.application, address, token)[1]
            tags[token] = dict(told[0][1])["ETag"]
        asked = [token for _ in range(questions // WATCHERS) for token in tags]
        start = time.perf_counter()
        for token in asked:
            status = _asked(self.application, address, token, HTTP_IF_NONE_MATCH=tags[token])[1][0][0]
            if status != "304 NOT MODIFIED":
                raise AssertionError(f"{address} was answered with {status}")
        return len(asked) / (time.perf_counter() - start)

    def first_paint(self):
        """The ms from the address of the large request to the first of its content, in Chromium on this machine."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would tell of each file
        server = make_server("127.0.0.1", 0, self.application, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cookie = {"name": "approval", "value": _cookie(self._tokens[0]), "url": f"http://localhost:{server.port}"}
        times = []
        try:
            with sync_playwright() as running:
                browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                for _ in range(OPENED):
                    context = browser.new_context(base_url=cookie["url"])
                    context.add_cookies([cookie])
                    page = context.new_page()
                    page.goto(f"/requests/{self._large}")
                    times.append(page.evaluate(PAINT))
                    context.close()
        finally:
            server.shutdown()
        return statistics.median(times)


def _cookie(token):
    return base64.urlsafe_b64encode(token).decode().rstrip("=")


def _visited(application, address, token, sent=None, into=None):
    """
    The seconds until a GET, or a POST of the form ``sent``, was answered, be it that the database did not answer
    within a page's time. ``into``: a list that gets the answer.
    """
    seconds, [(status, _)], answer = _asked(application, address, token, sent)
    if status not in ("200 OK", "503 SERVICE UNAVAILABLE"):
        raise AssertionError(f"{address} was answered with {status}")
    if into is not None:
        into.append(answer)
    return seconds


def _asked(application, address, token, sent=None, **headers):
    """(the seconds until a GET, or a POST of ``sent``, was answered, [(the status, the headers)], the answer)."""
    path, _, query = address.partition("?")
    environ = {
        "REQUEST_METHOD": "GET" if sent is None else "POST",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(sent or b"")),
        "SCRIPT_NAME": "", "PATH_INFO": urllib.parse.unquote(path), "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "8087", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost:8087",
        "HTTP_COOKIE": f"approval={_cookie(token)}",
        "HTTP_ACCEPT": "text/html", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0), "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(sent), "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False, **headers,
    }  # fmt: skip
    told = []
    start = time.perf_counter()
    pieces = application(environ, lambda status, headers, exc=None: told.append((status, headers)))
    answer = b"".join(pieces)
    seconds = time.perf_counter() - start
    with contextlib.suppress(AttributeError):
        pieces.close()
    return seconds, told, answer


def _run(connection, script, values):
    for statement in script.strip().split(";\n"):
        connection.execute(statement, values)
