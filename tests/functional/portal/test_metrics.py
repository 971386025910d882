"""Metrics of the web service: counted over all processes, and told at their own port alone."""

import http.client
import pathlib
import socket

import pytest
from prometheus_client.parser import text_string_to_metric_families

from saltext.approval.cli import main

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs" / "web.md"


@pytest.fixture
def port(free_port):
    """Another port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ask(port, path="/metrics", method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


def samples(port):
    """{(name, label values by the names of labels): value} of ours."""
    status, text = ask(port)
    assert status == 200
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def requests_of(port, method, route, status):
    return samples(port).get(("saltext_approval_web_requests_total", method, route, str(status)), 0)


def test_requests_are_counted_over_all_processes_and_their_ends(open_portal, come, port, until, tmp_path):
    service = open_portal({"metrics": f"127.0.0.1:{port}", "workers": 2})
    visitor = come(service)
    for number in range(5):
        assert visitor.get(f"/requests/{number + 1}").status_code == 303
        assert visitor.get(f"/no/such/{number}").status_code == 404
    status, _, _ = service.ask("BREW", "/login")
    assert status == 405
    assert visitor.sign_in("bob").status_code == 303
    assert requests_of(port, "GET", "/requests/<int:number>", 303) == 5
    assert requests_of(port, "GET", "other", 404) == 5
    assert requests_of(port, "other", "/login", 405) + requests_of(port, "other", "other", 405) == 1
    assert requests_of(port, "POST", "/login/password", 303) == 1
    for worker in service.workers():
        service.kill(worker)
    until(lambda: len(service.workers()) == 2 and ask(port)[0] == 200)
    assert come(service).get("/requests/1").status_code == 303
    found = samples(port)
    assert found["saltext_approval_web_requests_total", "GET", "/requests/<int:number>", "303"] == 6
    assert found["saltext_approval_web_request_seconds_count", "/requests/<int:number>"] == 6
    assert not {"bob", "web:bob"} & {label for key in found for label in key}
    assert list(tmp_path.glob("salt-approval-web-*"))
    assert service.stop() == 0
    assert not list(tmp_path.glob("salt-approval-web-*"))


def test_they_are_told_at_their_port_and_nothing_else_is(open_portal, port):
    service = open_portal({"metrics": f"127.0.0.1:{port}"})
    assert service.ask("GET", "/metrics")[0] == 404
    assert service.ask("GET", "/metrics", headers={"Host": f"127.0.0.1:{port}"})[0] == 404
    for path in ("/", "/inbox", "/login", "/healthz"):
        assert ask(port, path)[0] == 404
    assert ask(port, method="POST")[0] == 404


def test_a_unix_socket_has_none_whatever_host_is_named(open_portal, port, tmp_path):
    path = tmp_path / "web.socket"
    open_portal({"bind": f"unix:{path}", "metrics": f"127.0.0.1:{port}"})
    connection = http.client.HTTPConnection(f"127.0.0.1:{port}")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(path))
    connection.request("GET", "/metrics")
    assert connection.getresponse().status == 404
    connection.close()
    assert ask(port)[0] == 200


def test_the_page_has_each_of_them(open_portal, come, port):
    service = open_portal({"metrics": f"127.0.0.1:{port}"})
    come(service).get("/login")
    families = list(text_string_to_metric_families(ask(port)[1]))
    rows = PAGE.read_text().splitlines()
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        assert [row for row in rows if row.startswith(f"| `{name}{{") and row.endswith(f" | {family.documentation} |")]
    assert len(families) == sum(row.startswith("| `saltext_approval_web_") for row in rows)


@pytest.mark.parametrize("metrics", [9811, "9811", "unix:/run/metrics", "127.0.0.1:8087", "here:9811"])
def test_settings_that_cannot_be(web_config, capsys, metrics):
    assert main(["web", "--config", web_config({"bind": "127.0.0.1:8087", "metrics": metrics})]) == 2
    assert "approval:web: metrics must be host:port" in capsys.readouterr().err
