"""The web service from its start to its end: what it answers, how it is asked, what its log has."""

import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import threading
import time
import warnings

import pytest

from saltext.approval.cli import main

BOUND_S = 120


def test_it_tells_systemd_that_it_listens_and_ends_when_told(start, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(BOUND_S)
        service = start(environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert systemd.recv(200).startswith(b"READY=1")
    assert service.ask("GET", "/healthz")[0] == 200
    assert service.stop() == 0
    assert not service.said("a request failed")


def test_ready_is_who_reaches_a_database_of_this_version(start, database, until):
    service = start()
    status, _, body = service.ask("GET", "/readyz")
    assert (status, json.loads(body)) == (200, {"status": "ready", "checks": {"database": "ok", "sites": "ok"}})
    database.execute(
        "DELETE FROM approval.migration WHERE migration_id = (SELECT max(migration_id) FROM approval.migration)"
    )
    until(lambda: service.ask("GET", "/readyz")[0] == 503)
    status, _, body = service.ask("GET", "/readyz")
    assert (status, json.loads(body)) == (503, {"status": "not ready", "checks": {"database": "failed", "sites": "ok"}})
    assert "salt-approval db upgrade" in service.said("not ready")[0]["why"]
    assert service.ask("GET", "/healthz")[0] == 200


def test_not_ready_is_who_reaches_no_database(start, sites, tmp_path):
    nowhere = tmp_path / "nowhere.dsn"
    nowhere.touch(mode=0o600)
    nowhere.write_text(f"host={tmp_path} user=nobody password=secret-of-the-file dbname=x\n")
    service = start(itsm={"dsn_file": str(nowhere), "sites": sites})
    assert service.ask_in_time(3, "GET", "/readyz") == 503
    assert "secret-of-the-file" not in service.text()


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def test_every_answer_has_the_headers_that_protect_it(start):
    service = start()
    for method, path, expected in (
        ("GET", "/healthz", 200),
        ("GET", "/requests/7", 200),
        ("GET", "/nothing", 404),
        ("PUT", "/healthz", 405),
    ):
        status, headers, _ = service.ask(method, path)
        assert status == expected
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Strict-Transport-Security" not in headers
        assert len(headers["X-Request-Id"]) == 32


def test_a_page_for_people_and_a_problem_for_programs(start):
    service = start()
    status, headers, body = service.ask("GET", "/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert (status, headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert b"<h1>Not Found</h1>" in body
    status, headers, body = service.ask("GET", "/nothing")
    assert (status, headers["Content-Type"]) == (404, "application/problem+json")
    assert json.loads(body)["title"] == "Not Found"
    status, headers, body = service.ask("DELETE", "/healthz")
    assert (status, json.loads(body)["status"]) == (405, 405)
    assert "GET" in headers["Allow"]


def test_the_page_of_a_request_tells_nothing_of_it(start, client, approved):
    number = client("alice").request("package", ["web1"], {"hello": "2.10"}, "a secret reason")["request"]
    service = start()
    there = service.ask("GET", f"/requests/{number}")
    missing = service.ask("GET", "/requests/999")
    assert there[0] == missing[0] == 200
    same, other = (answer[2].partition(b"As of ")[0] for answer in (there, missing))
    assert same.replace(f" {number}".encode(), b" 999") == other
    assert b"salt-approval approve 999" in missing[2]
    for path in ("0", "9223372036854775808", "1e3", "-1", "7/", "<b>"):
        assert service.ask("GET", f"/requests/{path}")[0] == 404
    assert service.ask("POST", "/requests/7")[0] == 405


def test_the_log_has_no_secret(start):
    service = start()
    secrets = ("in-the-query", "in-authorization", "in-the-body", "in-a-bad-header")
    service.ask(
        "POST",
        f"/nothing?token={secrets[0]}",
        json.dumps({"password": secrets[2]}),
        {"Authorization": f"Bearer {secrets[1]}", "Cookie": secrets[1]},
    )
    with service.connect() as stream:
        stream.sendall(f"GET / HTTP/1.1\r\nAuthorization : Bearer {secrets[3]}\r\n\r\n".encode())
        assert stream.recv(4096).startswith(b"HTTP/1.1 400 ")
    assert service.stop() == 0
    (line,) = service.said("request")
    assert (line["path"], line["method"], line["status"], line["client"]) == ("/nothing", "POST", 404, "127.0.0.1")
    assert service.said("no request")[0]["status"] == 400
    assert not [secret for secret in secrets if secret in service.text()]


def test_a_request_that_is_under_way_is_answered_at_the_end(start):
    service = start()
    with service.connect() as stream:
        stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        time.sleep(0.3)  # it is being read
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        stream.sendall(b"\r\n")
        assert stream.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert service.process.wait(BOUND_S) == 0


def test_slow_senders_hold_up_nobody_for_long(start):
    service = start({"threads": 2, "request_seconds": 1})
    slow = [service.connect() for _ in range(6)]
    stopping = threading.Event()

    def trickle():
        while not stopping.wait(0.1):
            for stream in slow:
                with contextlib.suppress(OSError):
                    stream.sendall(b"X")

    for number, stream in enumerate(slow):
        # Some in the head, some in the body.
        stream.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n" + (b"\r\n" if number % 2 else b"X-A: "))
    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        began = time.monotonic()
        assert service.ask("GET", "/healthz")[0] == 200
        assert time.monotonic() - began < 15
    finally:
        stopping.set()
        thread.join()
        for stream in slow:
            stream.close()


def test_many_silent_connections_hold_up_nobody(start):
    service = start({"threads": 2})
    silent = [service.connect() for _ in range(40)]
    began = time.monotonic()
    assert service.ask("GET", "/healthz")[0] == 200
    assert time.monotonic() - began < 10
    for stream in silent:
        stream.close()


def test_what_two_readers_could_take_for_two_things_is_refused_and_ends_the_connection(start):
    service = start()
    for head in (
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nabcde",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: b\r\n c: d\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: x\n\n\r\n\r\n",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: " + b"a" * 20_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ):
        with service.connect() as stream:
            # A second request, which must not be answered.
            stream.sendall(head + b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
            answer = b""
            while part := stream.recv(65_536):
                answer += part
        assert answer.split(b" ", 2)[1] in (b"400", b"414", b"431", b"501"), (head, answer)
        assert answer.count(b"HTTP/1.1 ") == 1, head
    assert "smuggled" not in service.text()


@pytest.fixture
def forwarded():
    """What a proxy sends; the left entry is that of somebody in front of it."""
    return {
        "X-Forwarded-For": "192.0.2.66, 198.51.100.7",
        "X-Forwarded-Proto": "http, https",
        "X-Request-Id": "id-of-the-proxy",
    }


def test_a_listed_proxy_is_believed_in_its_own_entry(start, forwarded):
    service = start({"trusted_proxies": ["127.0.0.1"]})
    _, headers, _ = service.ask("GET", "/nothing", headers=forwarded)
    assert headers["Strict-Transport-Security"]
    assert headers["X-Request-Id"] == "id-of-the-proxy"
    service.stop()
    assert service.said("request")[0]["client"] == "198.51.100.7"


def test_nobody_else_is_believed(start, forwarded):
    service = start({"trusted_proxies": ["192.0.2.1"]})
    _, headers, _ = service.ask("GET", "/nothing", headers=forwarded)
    assert "Strict-Transport-Security" not in headers
    assert headers["X-Request-Id"] != "id-of-the-proxy"
    service.stop()
    assert service.said("request")[0]["client"] == "127.0.0.1"


def test_on_the_network_without_tls_only_proxies_are_answered(start, free_port):
    service = start({"bind": f"0.0.0.0:{free_port}", "trusted_proxies": ["192.0.2.1"]})
    status, _, body = service.ask("GET", "/healthz")
    assert (status, json.loads(body)["title"]) == (403, "Forbidden")


def test_a_unix_socket_is_for_its_account_and_group(start, tmp_path):
    path = tmp_path / "socket"
    start({"bind": f"unix:{path}"})
    assert path.stat().st_mode & 0o777 == 0o660
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    connection.request("GET", "/healthz", headers={"X-Forwarded-Proto": "https"})
    answer = connection.getresponse()
    assert (answer.status, bool(answer.headers["Strict-Transport-Security"])) == (200, True)
    connection.close()


@pytest.fixture
def certificate(tmp_path):
    """A function that makes a certificate for localhost, with its key; gives both files."""

    def make(name="server"):
        files = [str(tmp_path / f"{name}.{part}") for part in ("crt", "key")]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
             "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-out", files[0], "-keyout",
             files[1]],
            check=True, capture_output=True,
        )  # fmt: skip
        os.chmod(files[1], 0o600)
        return files

    return make


def test_tls(start, certificate, free_port):
    crt, key = certificate()
    service = start({"bind": f"0.0.0.0:{free_port}", "tls": {"certificate": crt, "key": key}, "request_seconds": 2})
    trusting = ssl.create_default_context(cafile=crt)
    connection = http.client.HTTPSConnection("localhost", service.port, context=trusting, timeout=BOUND_S)
    connection.request("GET", "/healthz")
    answer = connection.getresponse()
    assert (answer.status, bool(answer.headers["Strict-Transport-Security"])) == (200, True)
    answer.read()
    connection.close()
    # A renewed one counts at once.
    certificate()
    renewed = ssl.create_default_context(cafile=crt)
    with service.connect() as stream, renewed.wrap_socket(stream, server_hostname="localhost") as secured:
        assert secured.version() in ("TLSv1.2", "TLSv1.3")
    with service.connect() as stream:
        # A client that stops in the middle of the handshake is cut off.
        stream.sendall(b"\x16\x03\x01")
        assert stream.recv(100) == b""
    old = ssl.create_default_context(cafile=crt)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with service.connect() as stream, pytest.raises((ssl.SSLError, ConnectionError)):
        old.wrap_socket(stream, server_hostname="localhost")


def test_bad_settings_of_tls_are_refused(web_config, certificate, capsys, tmp_path):
    (crt, key), (_, other) = certificate(), certificate("other")
    open_key, sealed, text = (str(tmp_path / name) for name in ("open.key", "sealed.key", "text.key"))
    pathlib.Path(open_key).write_bytes(pathlib.Path(key).read_bytes())
    os.chmod(open_key, 0o644)
    subprocess.run(
        ["openssl", "ec", "-in", key, "-aes128", "-passout", "pass:hello", "-out", sealed],
        check=True,
        capture_output=True,
    )
    os.chmod(sealed, 0o600)
    pathlib.Path(text).touch(mode=0o600)
    for given, said in [
        ({"certificate": crt, "key": open_key}, "others may read or write it: chmod"),
        ({"certificate": crt, "key": other}, "the key is not that of the certificate"),
        ({"certificate": crt, "key": sealed}, "the key has a passphrase"),
        ({"certificate": crt, "key": text}, "not in PEM"),
        ({"certificate": crt, "key": f"{key}.missing"}, f"{key}.missing cannot be read"),
        ({"certificate": f"{crt}.missing", "key": key}, "cannot be used: No such file"),
        ({"certificate": crt}, "must be a mapping of certificate and key"),
        ({"certificate": "server.crt", "key": key}, "full path"),
    ]:
        assert main(["web", "--config", web_config({"tls": given})]) == 2, given
        assert said in capsys.readouterr().err


def test_a_database_file_that_others_can_read_is_refused(web_config, sites, dsn_file, capsys):
    path = dsn_file("itsm")
    path.chmod(0o644)
    assert main(["web", "--config", web_config(itsm={"dsn_file": str(path), "sites": sites})]) == 2
    assert "others may read or write it" in capsys.readouterr().err


def test_without_settings_it_says_which(web_config, capsys):
    assert main(["web", "--config", web_config({"public_url": None})]) == 2
    assert "public_url must be" in capsys.readouterr().err
    assert main(["web", "--config", "/nonexistent.yaml"]) == 2
    assert "there is no file /nonexistent.yaml" in capsys.readouterr().err
