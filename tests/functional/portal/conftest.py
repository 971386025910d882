"""The web service as a process of its own, on a free port, with a database behind it."""

import contextlib
import datetime
import html
import http.client
import json
import os
import pathlib
import re
import secrets
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
import yaml
from playwright.sync_api import sync_playwright
from standins.oidc import CLIENT_ID, CLIENT_SECRET, OidcStandIn

from saltext.approval import config
from saltext.approval.intake import api_token, masking
from saltext.approval.portal import app, passwords, signing_in
from saltext.approval.portal import rest as api
from saltext.approval.portal.config import Web
from saltext.approval.portal.database import Connections
from saltext.approval.portal.log import QUIET
from saltext.approval.portal.people import People

BOUND_S = 120
KEPT = ("shown to nobody", "7.7.7")  # a reason and a value
CHROMIUM = "/usr/bin/chromium"
SECRETS = {
    "webhook": "a secret of the webhooks",
    "old": "the secret to be retired",
    "route": "the token of the rules",
}
# No module of Salt can be imported there, as where it is not installed.
WITHOUT_SALT = """
import sys
sys.modules["salt"] = None
from saltext.approval.cli import main
sys.exit(main(sys.argv[1:]))
"""


def wait_until(condition):
    """Wait for the thing itself; gives what it found."""
    deadline = time.monotonic() + BOUND_S
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def password_of(name):
    """What this person types."""
    return f"the password of {name}"


class Visitor:
    """Somebody with a browser that runs no script: keeps cookies, follows no redirect, sends the forms of pages."""

    def __init__(self, service):
        self._session = requests.Session()
        self._session.trust_env = False
        self._address = f"http://localhost:{service.port}"

    @property
    def cookies(self):
        """{name: value} of the cookies that were kept."""
        return self._session.cookies

    def get(self, path, **options):
        """The answer to a GET; its text has no entities of HTML any more."""
        return self._plain(self._session.get(self._address + path, allow_redirects=False, timeout=BOUND_S, **options))

    def post(self, path, fields, **options):
        """The answer to a POST of a form."""
        return self._plain(
            self._session.post(self._address + path, fields, allow_redirects=False, timeout=BOUND_S, **options)
        )

    def hidden(self, path):
        """{name: value} of the hidden fields of the page, those of its last form last."""
        return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', self.get(path).text))

    def sign_in(self, name, password=None, **fields):
        """Fill in the form and send it."""
        given = {"name": name, "password": password or password_of(name)}
        return self.post("/login/password", {**self.hidden("/login"), **given, **fields})

    def decide(self, number, decision, comment="", **fields):
        """Send the form of the request's page, with these fields changed."""
        shown = self.hidden(f"/requests/{number}")
        return self.post(f"/requests/{number}/decision", {**shown, "decision": decision, "comment": comment, **fields})

    @staticmethod
    def _plain(answer):
        answer.plain = html.unescape(re.sub(r"<[^>]*>", " ", answer.text))
        answer.plain = " ".join(answer.plain.split())
        return answer


class Service:
    """A running web service: ``process``, ``port``, and what it said so far."""

    def __init__(self, process, port, log):
        self.process = process
        self.port = port
        self._log = log
        self._asked = 0

    def log(self):
        """The lines that it wrote to their ends, as a list of mappings: each line must be JSON."""
        return [json.loads(line) for line in self._log.read_text().splitlines(True) if line.endswith("\n")]

    def said(self, event):
        """The lines about this event."""
        return [line for line in self.log() if line["event"] == event]

    def answers(self):
        """The lines of the answers to ``ask``, once all are there: the service writes one after its answer is out."""
        return wait_until(lambda: len(lines := self.said("request")) >= self._asked and lines)

    def ask_in_time(self, most_s, *asked):
        """The status of the first answer to this that took no longer: a busy machine may need several attempts."""

        def status_in_time():
            status, _, _ = self.ask(*asked)
            return self.answers()[-1]["ms"] < most_s * 1000 and status

        return wait_until(status_in_time)

    def text(self):
        """The same as it stands there."""
        return self._log.read_text()

    def connect(self, timeout=BOUND_S):
        """A plain socket to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout)

    def ask(self, method, path, body=None, headers=None, timeout=BOUND_S):
        """(status, headers, body) of a request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            self._asked += path not in QUIET or response.status != 200
            return response.status, response.headers, response.read()

    def workers(self):
        """The ids of its processes, without the first."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]

    def kill(self, worker):
        """Kill one of these."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)

    def stop(self, number=signal.SIGTERM):
        """End it; gives the exit code."""
        self.process.send_signal(number)
        return self.process.wait(BOUND_S)


@pytest.fixture(scope="module")
def chromium():
    """Debian's browser."""
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def until():
    """The function that waits for something."""
    return wait_until


@pytest.fixture
def free_port():
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def site_files(tmp_path):
    """{name: the file of a secret of the sites}."""
    files = {}
    for name, secret in SECRETS.items():
        files[name] = tmp_path / f"{name}.secret"
        files[name].touch(mode=0o600)
        files[name].write_text(secret + "\n")
    return files


@pytest.fixture
def sites(site_files):
    """The settings of the sites, which a test may change: two of Jira, one of ServiceNow, one of something else."""
    webhook = [{"file": str(site_files["webhook"])}]
    package = {
        "request_type": "package",
        "minions": "customfield_10102",
        "packages": [{"cascade": "customfield_10104"}],
    }
    jira = {
        "kind": "jira",
        "url": "https://example-itsm.atlassian.net",
        "projects": {
            "SC21": {"types": {"Linux Package Management Request": {**package, "after": "customfield_10106"}}}
        },
        "workflow": {"approved": {"from": "Waiting for Approval", "to": "Sending to Integration"}},
    }
    change = {"request_type": "package", "minions": "u_minions", "packages": "u_packages", "after": "start_date"}
    return {
        "sc21": {**jira, "webhook_secrets": webhook, "route_token_file": str(site_files["route"])},
        "other": {**jira, "webhook_secrets": [{"file": str(site_files["old"])}]},
        "dev": {
            "kind": "servicenow",
            "url": "https://dev00000.service-now.com",
            "webhook_secrets": webhook,
            "tables": {"change_request": change},
            "workflow": {"approved": {"approval": "approved"}},
        },
        "desk": {"kind": "generic", "webhook_secrets": webhook, "types": {"software": {"request_type": "package"}}},
    }


@pytest.fixture
def web_config(database, settings_of, tmp_path, free_port, sites):
    """A function that writes the settings of a service, with these changes under ``web`` and beside; gives the path."""
    for provider in ("jira-sc21", "jira-other", "sn-dev", "generic-desk"):
        database.execute("SELECT approval.put_speaker('itsm', %s, 'authenticated')", (provider,))

    def write(web=None, **ours):
        settings = {
            "approval": {
                "itsm": {**settings_of("itsm"), "sites": sites},
                "web": {
                    "bind": f"127.0.0.1:{free_port}",
                    "public_url": "https://approval.example.com",
                    "workers": 1,
                    **(web or {}),
                },
                **ours,
            },
        }
        path = tmp_path / "service.yaml"
        path.write_text(yaml.safe_dump(settings))
        return str(path)

    return write


@pytest.fixture
def start(web_config, free_port, tmp_path):
    """A function that starts the service with such settings, and waits until it listens; gives a Service."""
    running = []

    def begin(web=None, environment=None, **ours):
        path = web_config(web, **ours)
        log = tmp_path / f"log{len(running)}"
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "-c", WITHOUT_SALT, "web", "--config", path],
                env={**os.environ, "TMPDIR": str(tmp_path), **(environment or {})},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        service = Service(process, free_port, log)
        running.append(service)
        wait_until(lambda: process.poll() is not None or "Booting worker" in log.read_text())
        assert process.poll() is None, log.read_text()
        return service

    yield begin
    for service in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()


@pytest.fixture
def passwords_file(tmp_path):
    """The file of those who may sign in: the three people of the policy, and one whom it does not know."""
    path = tmp_path / "passwords"
    path.touch(mode=0o600)
    path.write_text(
        "".join(passwords.line(name, password_of(name)) + "\n" for name in ("alice", "bob", "carol", "eve"))
    )
    return path


@pytest.fixture
def people(approved):
    """The database with people who are known on the web, and a login that may act for them."""
    for name in ("alice", "bob", "carol"):
        approved.execute("SELECT approval.put_identity('web', %s, %s)", (name, name))
    approved.execute("SELECT approval.put_speaker('portal', 'web', 'authenticated')")
    return approved


@pytest.fixture
def open_portal(people, start, settings_of, passwords_file, free_port):
    """A function that starts a service where these people sign in."""

    def begin(web=None, **ours):
        local = {"public_url": f"http://localhost:{free_port}"}
        portal = {**settings_of("portal"), "passwords": str(passwords_file)}
        return start({**local, **(web or {})}, portal=portal, **ours)

    return begin


@pytest.fixture
def come():
    """A function that gives a Visitor of a service, who is not signed in."""
    return Visitor


@pytest.fixture
def visit(open_portal):
    """A function that gives a Visitor of such a service, who is signed in under the name, if any."""
    service = open_portal()

    def begin(name=None):
        visitor = Visitor(service)
        if name is not None:
            assert visitor.sign_in(name).status_code == 303
        return visitor

    begin.service = service
    return begin


@pytest.fixture
def job(people):
    """A function that has a job in the log, some seconds ago; gives its id."""
    numbers = iter(range(1, 1_000_000))

    def publish(minions=("web1",), fun="state.apply", user="root", command=None, age_s=0, target="*"):
        jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S}{next(numbers):06d}"
        people.execute(
            "SELECT approval.save_load(%s, %s, %s, 'glob', %s, %s, '\\x00'::bytea, false, %s, %s)",
            (jid, fun, target, user, list(minions), time.time() - age_s, command or f"salt '{target}' {fun}"),
            login="returner",
        )
        return jid

    return publish


@pytest.fixture
def prove(people, job):
    """
    A function that has a minion return authentic evidence of its packages, given as {name: (verdict, what it saw)};
    gives the job's id.
    """

    def returned(minion, packages):
        jid = job([minion])
        ((revision, digest),) = people.execute(
            "SELECT revision, digest FROM approval.document WHERE minion_id = %s AND valid_from <= now() "
            "AND valid_until > now()",
            (minion,),
        )
        findings = [
            ["package", name, verdict, "observed", None, seen, "evidence", f"password=hunter2 as {name} was seen"]
            for name, (verdict, seen) in packages.items()
        ]
        worst = next((verdict for verdict, _ in packages.values() if verdict != "converged"), "converged")
        people.execute(
            "SELECT outcome FROM approval.record_returns(ARRAY[%s], ARRAY[%s], '{state.apply}', '{0}', '{t}', "
            "ARRAY[%s], '{t}', ARRAY[%s]::bigint[], ARRAY[%s], ARRAY[%s], '{boot}', ARRAY[%s], '{NULL}', "
            "ARRAY['\\x00'::bytea], ARRAY[sha256(convert_to(%s, 'UTF8'))])",
            (jid, minion, worst, revision, digest, f"run of {jid}", json.dumps(findings), jid + minion),
            login="returner",
        )
        return jid

    return returned


@pytest.fixture
def limit(people):
    """A function that has only bob read these of all minions, and of web2 carol as well."""
    people.execute("SELECT approval.put_minion_group('second', '', '{web2}')")
    people.execute("SELECT approval.put_group('dba', ''), approval.put_group('web', '')")
    people.execute("SELECT approval.put_membership('dba', 'bob'), approval.put_membership('web', 'carol')")

    def put(*kinds):
        readers = json.dumps([{"groups": ["dba"]}, {"groups": ["web"], "minion_group": "second"}])
        for what in kinds:
            people.execute("SELECT approval.put_readers(%s, %s::jsonb)", (what, readers))

    return put


@pytest.fixture
def kept(client, prove, job):
    """
    The number of a request of bob over web1 that came into force and drifted; there was a job on it, too. Others have
    no part in it; its reason and its value are KEPT.
    """
    reason, value = KEPT
    number = client("bob").request("standard", ["web1"], {"hello": value}, reason)["request"]
    prove("web1", {"hello": ("converged", value)})
    prove("web1", {"hello": ("drift", f"{value}.1")})
    job(["web1"], "cmd.run", command=f"salt web1 cmd.run {value}", target="web1")
    return number


@pytest.fixture
def catalog(people):
    """The database with a catalog that has the packages hello and hello-dev, in one version each."""
    people.execute(
        "INSERT INTO approval.package_name (name, key) VALUES ('hello', 'hello'), ('hello-dev', 'hello-dev')"
    )
    people.execute(
        "INSERT INTO approval.catalog (sources, system, release, is_complete, content, is_apart, collected_at, "
        "seen_at) VALUES (repeat('0', 64), 'Debian', '12', true, repeat('0', 64), false, now(), now())"
    )
    people.execute(
        "INSERT INTO approval.catalog_version (catalog_id, name_id, version, since) "
        "SELECT c.catalog_id, n.name_id, '2.12-1', now() FROM approval.catalog AS c, approval.package_name AS n"
    )
    return people


@pytest.fixture
def make_token(people, passwords_file):
    """A function that makes a token of the API for somebody, for these scopes; gives the token."""
    way = passwords.Passwords(str(passwords_file))

    def made(name, *scopes):
        session, token = secrets.token_bytes(32), api_token.new()
        people.execute(
            "SELECT approval.begin_session('web', %s, %s, %s, '192.0.2.7', 'infinity', '{}')",
            (name, session, way.credential(name)),
            login="portal",
        )
        people.execute(
            "SELECT approval.make_api_token(%s, %s, 'of a test', %s, 30)",
            (session, token.encode(), list(scopes)),
            login="portal",
        )
        return token

    return made


@pytest.fixture
def rest(people, passwords_file, monkeypatch):
    """The application with the REST API, in this process; it waits longer than people do, as a machine may be busy."""
    monkeypatch.setattr("saltext.approval.portal.people.PAGE_S", BOUND_S)
    database = Connections(lambda: config.Connection(people.dsn("portal"), people.options))
    known = People([passwords.Passwords(str(passwords_file))], database, masking.usual, False)
    web = Web("127.0.0.1:8087", "http://localhost:8087")
    yield app.create(web, {}, [signing_in.blueprint(known), api.blueprint(known)])
    database.close()


class Program:
    """A program that calls the API with a token, if it has one."""

    def __init__(self, application, token=None):
        self._caller = application.test_client()
        self._shown = {} if token is None else {"Authorization": f"Bearer {token}"}

    def get(self, path, headers=None, **query):
        """The answer to a GET below /api/v1."""
        given = {**self._shown, **(headers or {})}
        return self._caller.get(f"/api/v1{path}", query_string=query or None, headers=given)

    def post(self, path, content, headers=None, **options):
        """The answer to a POST of JSON, with a key of its own unless the headers have one; None leaves one out."""
        given = {**self._shown, "Idempotency-Key": secrets.token_hex(8), **(headers or {})}
        given = {name: text for name, text in given.items() if text is not None}
        how = {"data": content} if isinstance(content, bytes) else {"json": content}
        return self._caller.post(f"/api/v1{path}", headers=given, **how, **options)

    def decide(self, path, number, stage, **headers):
        """Approve or reject what the request is now."""
        digest = self.get(f"/requests/{number}").json["digest"]
        return self.post(f"/requests/{number}/{path}", {"stage": stage}, {"If-Match": f'"{digest}"', **headers})


@pytest.fixture
def program(rest, make_token):
    """A function that gives a Program with a token of somebody, for these scopes; without a name: with none."""

    def begin(name=None, *scopes):
        return Program(rest, name and make_token(name, *(scopes or ("read", "request", "decide"))))

    return begin


@pytest.fixture
def corp(free_port):
    """A provider that knows the service as its client, under two of its names."""
    names = ("corp", "evil")
    with OidcStandIn(*(f"http://localhost:{free_port}/login/oidc/{name}/return" for name in names)) as provider:
        yield provider


@pytest.fixture
def settings_for(tmp_path):
    """A function that gives what stands in settings about a provider with this issuer."""
    secret = tmp_path / "client.secret"
    secret.touch(mode=0o600)
    secret.write_text(CLIENT_SECRET + "\n")

    def settings(issuer, **changes):
        return {"issuer": issuer, "client_id": CLIENT_ID, "client_secret_file": str(secret), **changes}

    return settings


@pytest.fixture
def open_corp(approved, start, settings_of, settings_for, free_port, corp):
    """A function that starts a service where bob and carol sign in at ``corp``, and at these other issuers."""
    for name in ("bob", "carol"):
        approved.execute("SELECT approval.put_identity('corp', %s, %s)", (f"u-{name}", name))
    approved.execute("SELECT approval.put_speaker('portal', 'corp', 'authenticated')")

    def begin(**issuers):
        oidc = {name: settings_for(issuer) for name, issuer in {"corp": corp.issuer, **issuers}.items()}
        oidc["corp"]["title"] = "the company"
        return start({"public_url": f"http://localhost:{free_port}"}, portal={**settings_of("portal"), "oidc": oidc})

    return begin
