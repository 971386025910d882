"""Deliveries of systems of tickets over HTTP: proven, kept once, and answered so that senders do the right thing."""

import base64
import concurrent.futures
import datetime
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import signal
import threading
import time

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from saltext.approval.cli import main

CASES = pathlib.Path(__file__).parents[2] / "cases/webhooks"
SECRET, OLD_SECRET, TOKEN = "a secret of the webhooks", "the secret to be retired", "the token of the rules"
JSON = {"Content-Type": "application/json"}
EXAMPLES = int(os.environ.get("APPROVAL_EXAMPLES", 0)) // 100 or 150
MOST = 1024 * 1024
RULE_WAITS_S = 3
QUEUED = (200, {"success": True, "state": "queued"})
UPDATED = (CASES / "jira_cloud_issue_updated.json").read_bytes()


def jira(body, secret=SECRET, **headers):
    """The headers of a delivery of Jira."""
    mac = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        **JSON,
        "X-Hub-Signature": f"sha256={mac}",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }


def own(body, secret=SECRET, at=None):
    """The headers of a delivery with the signature that is our own."""
    at = str(int(time.time() if at is None else at))
    mac = hmac.new(secret.encode(), f"v1.{at}.".encode() + body, hashlib.sha256).digest()
    return {**JSON, "X-Approval-Timestamp": at, "X-Approval-Signature": "v1=" + base64.b64encode(mac).decode()}


def bearer(token=TOKEN):
    return {**JSON, "Authorization": f"Bearer {token}"}


def rule(**changes):
    """The body of a rule that installs."""
    content = {
        "itsm_id": "SC21-1", "minion_ids": ["web1"], "package_name": "hello", "package_version": "2.10", "after": "",
        **changes,
    }  # fmt: skip
    return json.dumps(content).encode()


@pytest.fixture
def kept(database):
    """A function that gives what was kept: [(provider, ticket, content)]."""
    query = "SELECT provider, ticket, content FROM approval.ticket_delivery ORDER BY delivery_no"
    return lambda: database.execute(query)


def answer(response):
    return response[0], json.loads(response[2])


def test_acceptance_01_a_delivery_is_taken_with_the_right_signature_alone(start, kept, site_files):
    """The vector of the vendor is no JSON: signed it is 400, and unsigned it is 401."""
    site_files["webhook"].write_text("It's a Secret to Everybody\n")
    service = start()
    mac = "a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"
    vector = b"Hello World!"
    assert service.ask("POST", "/itsm/sc21/webhook", vector, {"X-Hub-Signature": f"sha256={mac}"})[0] == 400
    secret = site_files["webhook"].read_text().strip()
    right = jira(UPDATED, secret)
    for body, headers in [
        (vector[:-1] + b"?", {"X-Hub-Signature": f"sha256={mac}"}),
        (UPDATED[:-1] + b" ", right),
        (UPDATED, JSON),
        (UPDATED, {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), UPDATED, "sha1").hexdigest()}),
        (UPDATED, {"X-Hub-Signature": ""}),
        (UPDATED, {"X-Hub-Signature-256": right["X-Hub-Signature"]}),
        (UPDATED, jira(UPDATED, "another secret")),
        (UPDATED, jira(UPDATED, "")),
    ]:
        assert service.ask("POST", "/itsm/sc21/webhook", body, headers)[0] == 401, headers
    assert kept() == []
    assert answer(service.ask("POST", "/itsm/sc21/webhook", UPDATED, right)) == (202, {"status": "new"})
    ((provider, ticket, content),) = kept()
    assert (provider, content["way"], content["body"]) == ("jira-sc21", "webhook", UPDATED.decode())
    assert ticket == json.loads(UPDATED)["issue"]["id"]
    assert len(service.said("a delivery is not proven")) == 8
    assert secret not in service.text()


def test_acceptance_01_a_site_without_a_secret_takes_nothing(start, kept, sites):
    del sites["sc21"]["webhook_secrets"]
    assert start().ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED, ""))[0] == 401
    assert kept() == []


def test_acceptance_02_the_old_secret_until_its_day(start, kept, sites, site_files):
    today = datetime.datetime.now(datetime.timezone.utc).date()
    sites["sc21"]["webhook_secrets"].append(
        {"file": str(site_files["old"]), "until": today + datetime.timedelta(days=1)}
    )
    service = start()
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED, OLD_SECRET))[0] == 202
    (line,) = service.said("a delivery is signed with a secret to be retired")
    assert (line["site"], str(site_files["old"]) in line["secret"]) == ("sc21", True)
    service.stop()
    sites["sc21"]["webhook_secrets"][1]["until"] = today - datetime.timedelta(days=1)
    service = start()
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED, OLD_SECRET))[0] == 401
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED))[0] in (200, 202)
    assert OLD_SECRET not in service.text()


def test_acceptance_03_one_identifier_often_at_once_is_one_delivery(start, kept):
    service = start({"workers": 2})
    headers = jira(UPDATED, X_Atlassian_Webhook_Identifier="3f1c8c3a-0b9e-4e0e-9d0a-7a6e1f0c0001")

    def send(number):
        # Sent again with what only a resent one has.
        return service.ask(
            "POST", "/itsm/sc21/webhook", UPDATED, {**headers, "X-Atlassian-Webhook-Retry": str(number % 5)}
        )[0]

    with concurrent.futures.ThreadPoolExecutor(20) as senders:
        found = list(senders.map(send, range(100)))
    assert sorted(set(found)) == [200, 202]
    assert found.count(202) == 1
    assert len(kept()) == 1


def test_acceptance_04_without_a_database_it_is_sent_again_and_kept_once(start, own_server, sites):
    server, _ = own_server
    server.query("SELECT approval.put_speaker('itsm', 'jira-sc21', 'authenticated')")
    service = start(itsm={"dsn_file": str(server.dsn_file("itsm")), "sites": {"sc21": sites["sc21"]}})
    headers = jira(UPDATED)
    count = "SELECT count(*) FROM approval.ticket_delivery"
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED + b" ", jira(UPDATED + b" "))[0] == 202

    def is_our_fault():
        for path, body, sent in [("webhook", UPDATED, headers), ("install", rule(), bearer())] * 2:
            assert service.ask_in_time(RULE_WAITS_S, "POST", f"/itsm/sc21/{path}", body, sent) == 503, path

    # It holds its connections and says nothing; then it is gone.
    with server.server.suspended():
        is_our_fault()
    server.server.stop()
    is_our_fault()
    server.server.start()
    # 200: what was sent to the server while it stood still, it did when it went on.
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, headers)[0] in (200, 202)
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, headers)[0] == 200
    # Rules are not sent again by themselves: what came of those of before, the server may have kept.
    assert int(server.query(f"{count} WHERE key NOT LIKE 'rule:%'")) == 2


def test_acceptance_04_a_database_that_hangs(start, database, site_files, kept):
    service = start()
    assert service.ask("GET", "/readyz")[0] == 200
    with psycopg.connect(database.dsn()) as blocking:
        blocking.execute("LOCK TABLE approval.ticket_delivery")
        assert service.ask_in_time(RULE_WAITS_S, "POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED)) == 503
        blocking.rollback()
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED))[0] in (200, 202)
    assert len(kept()) == 1


def memory_of(service):
    """KiB of its processes, at the most so far."""
    status = [pathlib.Path(f"/proc/{worker}/status").read_text() for worker in service.workers()]
    return sum(int(text.partition("VmHWM:")[2].split()[0]) for text in status)


def test_acceptance_05_what_is_too_large_is_not_read(start, kept):
    service = start()
    service.ask("POST", "/itsm/sc21/webhook", b"{}", jira(b"{}"))
    before = memory_of(service)
    # Chunked, without an end that the sender would tell.
    chunk = b"100000\r\n" + b" " * MOST + b"\r\n"
    with service.connect() as stream:
        stream.sendall(b"POST /itsm/sc21/webhook HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(5):
            stream.sendall(chunk)
        stream.sendall(b"0\r\n\r\n")
        assert stream.recv(65_536).startswith(b"HTTP/1.1 413 ")
    body = b" " * 5 * MOST
    assert service.ask("POST", "/itsm/sc21/webhook", body, jira(body))[0] == 413
    assert answer(service.ask("POST", "/itsm/sc21/install", body, bearer())) == (
        413, {"success": False, "error": "Request Entity Too Large"}
    )  # fmt: skip
    with service.connect() as stream:
        # A length alone is enough.
        stream.sendall(b"POST /itsm/sc21/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n")
        assert stream.recv(65_536).startswith(b"HTTP/1.1 413 ")
    assert memory_of(service) - before < 6 * 1024
    exact = UPDATED + b" " * (MOST - len(UPDATED))
    assert service.ask("POST", "/itsm/sc21/webhook", exact, jira(exact))[0] == 202
    assert len(kept()) == 1


def test_acceptance_06_what_is_no_delivery_is_400(start, kept):
    service = start()
    for body in (
        b"",
        b" ",
        b"[]",
        b"null",
        b"7",
        b"\xef\xbb\xbf" + UPDATED,
        UPDATED[:-20],
        UPDATED + b"}",
        UPDATED.replace(b'"issue"', b'"issue":NaN,"issue_"', 1),
        UPDATED.replace(b'"issue"', b'"issue":{},"issue"', 1),
        UPDATED.replace(b'"issue"', b'"x":"\\ud800","issue"', 1),
        UPDATED.replace(b'"issue"', b'"x":"\xff","issue"', 1),
        UPDATED.replace(b'"issue"', b'"x":' + b"[" * 40 + b"]" * 40 + b',"issue"', 1),
        b"[" * 100_000,
        b'{"webhookEvent": 7}',
        UPDATED.decode().encode("utf-16"),
    ):
        assert service.ask("POST", "/itsm/sc21/webhook", body, jira(body))[0] == 400, body[:80]
        assert service.ask("POST", "/itsm/dev/webhook", body, own(body))[0] == 400, body[:80]
    assert kept() == []
    assert not service.said("a request failed")


def test_acceptance_24_the_five_routes(start, kept, database):
    service = start()
    ways = {
        "install": rule(),
        "remove": rule(package_version=None),
        "reboot": json.dumps({"itsm_id": "SC21-2", "minion_id": "web1"}).encode(),
        "revert": json.dumps({"itsm_id": "SC21-1"}).encode(),
        "sync": b"",
    }
    for route, body in ways.items():
        assert answer(service.ask("POST", f"/itsm/sc21/{route}", body, bearer())) == QUEUED
        for headers in (
            JSON,
            bearer("another token here"),
            bearer(""),
            {"Authorization": TOKEN},
            {"Authorization": f"Basic {TOKEN}"},
        ):
            assert answer(service.ask("POST", f"/itsm/sc21/{route}", body, headers)) == (
                401, {"success": False, "error": "Unauthorized"}
            )  # fmt: skip
    assert [(row[0], row[1], row[2]["way"], row[2]["route"]) for row in kept()] == [
        ("jira-sc21", "SC21-1", "automation", "install"),
        ("jira-sc21", "SC21-1", "automation", "remove"),
        ("jira-sc21", "SC21-2", "automation", "reboot"),
        ("jira-sc21", "SC21-1", "automation", "revert"),
        ("jira-sc21", "sync", "automation", "sync"),
    ]
    assert service.ask_in_time(RULE_WAITS_S, "POST", "/itsm/sc21/install", rule(), bearer()) == 200
    assert TOKEN not in service.text()


def test_acceptance_24_errors_are_those_that_rules_know(start, kept):
    service = start()
    headers = {**bearer(), "Content-Type": "text/plain"}
    for body, error in (
        (b"", "Expected a valid JSON request body."),
        (b"{", "Expected a valid JSON request body."),
        (b"null", "Expected a valid JSON request body."),
        (b"[1]", "Invalid parameters."),
        (rule(itsm_id=None), "Expected ITSM ID in field 'itsm_id'."),
        (rule(minion_ids=[]), "Expected list of minion IDs in field 'minion_ids'."),
        (rule(minion_ids=None), "Invalid parameters."),
        (rule(minion_ids=["*"]), "Expected list of minion IDs in field 'minion_ids'."),
        (rule(package_name=""), "Expected package name in field 'package_name'."),
        (rule(package_version=7), "Expected package version in field 'package_version'."),
        (rule(after="tomorrow"), "Expected ISO-formatted datetime in field 'after'."),
    ):
        told = answer(service.ask("POST", "/itsm/sc21/install", body, headers))
        assert told == (400, {"success": False, "error": error}), body
    assert kept() == []


def worked_off(database, outcome, until):
    """Settle deliveries as the worker does, in a thread: ``outcome`` gives the note of each."""

    def work():
        with database.connect("itsm") as conn:
            while not until.wait(0.02):
                for row in conn.execute(
                    "SELECT * FROM approval.claim_deliveries('jira-sc21', 10, '1 minute')"
                ).fetchall():
                    note = outcome(conn, *row)
                    conn.execute("SELECT approval.settle_delivery('jira-sc21', %s, 'done', NULL, %s)", (row[0], note))

    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.fixture
def worker(database):
    """A function that has a worker of this test run: it takes what makes a note of a delivery."""
    until = threading.Event()
    threads = []
    yield lambda outcome: threads.append(worked_off(database, outcome, until))
    until.set()
    for thread in threads:
        thread.join()


def test_acceptance_24_the_answer_has_the_request(start, approved, worker, until):
    approved.execute("SELECT approval.put_identity('jira-sc21', 'alice', 'alice')")

    def ask(conn, key, ticket, content, attempts, received_at):
        asked = json.loads(content["body"])
        query = """SELECT request_id FROM approval.ask_by_ticket('jira-sc21', 'alice', NULL, %s, 'package', 'x', %s,
                   '{package}', %s, %s, NULL, '{}')"""
        of = json.dumps({"id": "10001", "key": ticket, "digest": "d"})
        (number,) = conn.execute(
            query, (of, asked["minion_ids"], [asked["package_name"]], [asked["package_version"]])
        ).fetchone()
        return f"request {number}: new"

    worker(ask)
    service = start()
    expected = (200, {"success": True, "request": 1, "state": "pending"})
    # On a machine that is busy it may be queued first.
    until(lambda: answer(service.ask("POST", "/itsm/sc21/install", rule(), bearer())) == expected)
    assert approved.execute("SELECT count(*) FROM approval.request") == [(1,)]
    assert service.ask_in_time(RULE_WAITS_S, "POST", "/itsm/sc21/install", rule(), bearer()) == 200


def test_acceptance_24_what_the_worker_refuses_in_time_is_400(start, worker, until):
    worker(lambda *_: "refused: the ticket asks for something else")
    service = start()
    expected = (400, {"success": False, "error": "Invalid parameters."})
    until(lambda: answer(service.ask("POST", "/itsm/sc21/install", rule(), bearer())) == expected)


def test_the_routes_are_at_the_root_where_that_is_wanted(start, kept):
    service = start({"root_routes": "sc21"})
    assert service.ask("POST", "/install", rule(), bearer())[0] == 200
    assert service.ask("POST", "/install", rule(), JSON)[0] == 401
    assert service.ask("GET", "/install", headers=bearer())[0] == 405
    service.stop()
    service = start()
    assert service.ask("POST", "/install", rule(), bearer())[0] == 404


def test_what_is_not_there(start):
    service = start()
    for path in ("/itsm/nobody/webhook", "/itsm/sc21/upgrade", "/itsm/sc21/", "/itsm//webhook", "/itsm/dev/install"):
        assert service.ask("POST", path, UPDATED, {**jira(UPDATED), **bearer()})[0] == 404, path


def test_what_is_ignored_is_200_and_not_kept(start, kept):
    body = UPDATED.replace(b'"webhookEvent": "jira:issue_updated"', b'"webhookEvent": "sprint_started"')
    assert body != UPDATED
    status, told = answer(start().ask("POST", "/itsm/sc21/webhook", body, jira(body)))
    assert (status, told["status"], bool(told["why"])) == (200, "ignored", True)
    assert kept() == []


def test_other_systems_sign_with_the_time(start, kept):
    service = start()
    body = (CASES / "servicenow_change_approved.json").read_bytes()
    for at in (time.time() - 400, time.time() + 400):
        assert service.ask("POST", "/itsm/dev/webhook", body, own(body, at=at))[0] == 401
    assert service.ask("POST", "/itsm/dev/webhook", body, own(body, "another secret"))[0] == 401
    assert service.ask("POST", "/itsm/dev/webhook", body, JSON)[0] == 401
    assert kept() == []
    assert service.ask("POST", "/itsm/dev/webhook", body, own(body))[0] == 202
    # Signed anew it is the same.
    assert service.ask("POST", "/itsm/dev/webhook", body, own(body, at=time.time() - 9))[0] == 200
    assert len(kept()) == 1


def test_one_site_cannot_speak_for_another(start, kept):
    service = start()
    assert service.ask("POST", "/itsm/other/webhook", UPDATED, jira(UPDATED))[0] == 401
    assert kept() == []


def test_a_login_that_does_not_speak_for_the_site_is_our_fault(start, database, kept):
    database.execute("SELECT approval.drop_speaker('itsm', 'jira-sc21')")
    service = start()
    assert service.ask("POST", "/itsm/sc21/webhook", UPDATED, jira(UPDATED))[0] == 503
    assert answer(service.ask("GET", "/readyz"))[1]["checks"] == {"database": "ok", "sites": "failed"}
    assert "does not speak for the site jira-sc21" in service.said("not ready")[0]["why"]
    assert kept() == []


def test_a_body_that_is_cut_off_is_not_kept(start, kept):
    service = start({"request_seconds": 1})
    head = "".join(f"{name}: {text}\r\n" for name, text in jira(UPDATED).items())
    request = f"POST /itsm/sc21/webhook HTTP/1.1\r\nHost: x\r\n{head}".encode()
    for rest in (
        f"Content-Length: {len(UPDATED)}\r\n\r\n".encode() + UPDATED[:-1],
        b"Transfer-Encoding: chunked\r\n\r\n" + f"{len(UPDATED):x}\r\n".encode() + UPDATED,
        b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    ):
        with service.connect() as stream:
            stream.sendall(request + rest)
            stream.shutdown(1)
            assert stream.recv(4096)[:13] in (b"HTTP/1.1 400 ", b"")
        with service.connect() as stream:
            stream.sendall(request + rest)
            assert stream.recv(4096)[:13] in (b"HTTP/1.1 400 ", b"")
    assert kept() == []
    assert not service.said("a request failed")


def test_a_process_that_is_killed_loses_nothing(start, database, kept):
    """Whatever was not answered is sent again, and is kept once."""
    service = start({"workers": 2})
    bodies = [UPDATED + b" " * number for number in range(60)]
    stopping = threading.Event()

    def kill():
        while not stopping.wait(0.15):
            for worker in service.workers()[:1]:
                os.kill(worker, signal.SIGKILL)

    def send(body):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                status = service.ask("POST", "/itsm/sc21/webhook", body, jira(body), timeout=10)[0]
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            assert status in (200, 202, 503)
            if status != 503:
                return status
        raise AssertionError("never taken")

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(8) as senders:
            list(senders.map(send, bodies))
    finally:
        stopping.set()
        killer.join()
    assert len(kept()) == len(bodies)


def test_whatever_is_sent_is_never_500(start, kept):
    service = start()
    texts = st.text() | st.sampled_from(["jira:issue_updated", "SC21", "10001", "status", "web1", "SC21-1", "\0"])
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | texts,
        lambda one: st.lists(one) | st.dictionaries(texts, one),
        max_leaves=20,
    )
    names = st.sampled_from(["X-Atlassian-Webhook-Identifier", "X-Hub-Signature", "Authorization", "Accept", "Expect"])
    printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)

    @st.composite
    def mutated(draw):
        """The event with something else in one place."""
        content = json.loads(UPDATED)
        at = content
        for _ in range(draw(st.integers(0, 5))):
            if isinstance(at, dict) and at:
                key = draw(st.sampled_from(sorted(at)))
            elif isinstance(at, list) and at:
                key = draw(st.integers(0, len(at) - 1))
            else:
                break
            if draw(st.booleans()) or not isinstance(at[key], dict | list):
                at[key] = draw(values)
                break
            at = at[key]
        return json.dumps(content).encode()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(["sc21/webhook", "dev/webhook", "desk/webhook", "sc21/install", "sc21/reboot", "sc21/revert"]),
        st.binary(max_size=300) | values.map(lambda one: json.dumps(one).encode()) | mutated(),
        st.dictionaries(names, printable),
        st.booleans(),
    )
    def send(path, body, headers, is_signed):
        if is_signed:
            headers = {**headers, **jira(body), **own(body), **bearer()}
        status, _, told = service.ask("POST", f"/itsm/{path}", body, headers)
        assert status in (200, 202, 400, 401, 417), (status, told)
        assert is_signed or status in (401, 417)

    send()
    assert not service.said("a request failed")


def test_bad_secrets_of_sites_are_refused(web_config, sites, site_files, capsys):
    for change, said in [
        (lambda: site_files["webhook"].chmod(0o644), "others may read or write it"),
        (lambda: site_files["webhook"].write_text("short"), "a secret has at least"),
        (lambda: site_files["route"].write_text("short"), "a token has at least 16 characters"),
        (lambda: site_files["route"].unlink(), "cannot be read"),
    ]:
        before = {name: (path.read_text(), path.stat().st_mode & 0o777) for name, path in site_files.items()}
        change()
        assert main(["web", "--config", web_config()]) == 2
        assert said in capsys.readouterr().err
        for name, (text, mode) in before.items():
            site_files[name].write_text(text)
            site_files[name].chmod(mode)


@pytest.mark.parametrize("root", ["nobody", "dev", 7])
def test_a_root_that_is_no_site_with_routes(web_config, capsys, root):
    assert main(["web", "--config", web_config({"root_routes": root})]) == 2
    assert "root_routes" in capsys.readouterr().err
