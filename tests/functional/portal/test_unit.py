"""The unit of the web service under a real systemd: it is ready when it says so, comes again, and ends gracefully."""

import contextlib
import importlib.util
import os
import pathlib
import pwd
import shutil
import socket
import sys

import psycopg.conninfo
import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
UNIT = "salt-approval-web.service"
# In the /run that this systemd has for itself, since the unit sees no /tmp of others.
SETTINGS, SOCKETS = "/run/settings", "/run/sockets"
ACCOUNT = "daemon" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
READY = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """A real systemd."""
    path = ROOT / "tests/functional/states/systemd.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with module.Systemd(tmp_path_factory.mktemp("systemd")) as machine:
        yield machine


@pytest.fixture
def settings(database, site_files, free_port, tmp_path):
    """A folder with the settings of a service and their files, which the account of the unit may read."""
    folder = tmp_path / "settings"
    folder.mkdir()
    desk = {
        "kind": "generic",
        "webhook_secrets": [{"file": f"{SETTINGS}/webhook"}],
        "types": {"software": {"request_type": "package"}},
    }
    approval = {
        "itsm": {"dsn_file": f"{SETTINGS}/dsn", "sites": {"desk": desk}},
        "web": {"bind": f"127.0.0.1:{free_port}", "public_url": "https://approval.example.com", "workers": 1},
    }
    for name, text in {
        "dsn": psycopg.conninfo.make_conninfo(database.dsn("itsm", direct=True), host=SOCKETS),
        "webhook": site_files["webhook"].read_text(),
        "service.yaml": yaml.safe_dump({"approval": approval}),
    }.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_text(text)
        if os.geteuid() == 0:
            shutil.chown(folder / name, group=ACCOUNT)
            (folder / name).chmod(0o640)
    folder.chmod(0o755)
    return folder


@pytest.fixture
def log(machine, database, settings, tmp_path):
    """The log of the unit, which is as it is shipped, but for its program, its account, and where its files are."""
    database.execute("SELECT approval.put_speaker('itsm', 'generic-desk', 'authenticated')")
    sockets = psycopg.conninfo.conninfo_to_dict(database.dsn("itsm", direct=True))["host"]
    (machine.units / UNIT).write_text((ROOT / "systemd" / UNIT).read_text())
    here = machine.units / f"{UNIT}.d"
    here.mkdir()
    log = tmp_path / "log"
    (here / "here.conf").write_text(
        f"""
[Service]
ExecStart=
ExecStart={sys.executable} -m saltext.approval web --config {SETTINGS}/service.yaml
User={ACCOUNT}
SupplementaryGroups=
BindReadOnlyPaths={settings}:{SETTINGS} {sockets}:{SOCKETS}
StandardOutput=append:{log}
StandardError=append:{log}
"""
    )
    machine.ctl("daemon-reload")
    yield log
    machine.ctl("kill", "--signal=KILL", UNIT)
    shutil.rmtree(here)
    machine.clear()


def test_the_unit_is_ready_when_it_says_so_comes_again_and_ends_gracefully(machine, log, free_port, until):
    def connect():
        return contextlib.closing(socket.create_connection(("127.0.0.1", free_port), 60))

    def is_ready():
        with connect() as stream:
            stream.sendall(READY)
            return stream.recv(4096).startswith(b"HTTP/1.1 200 ")

    def shown(*names):
        return [machine.ctl("show", UNIT, "-P", name) for name in names]

    machine.ctl("start", UNIT)
    assert machine.running(UNIT) == {UNIT: True}, (shown("Result", "ExecMainStatus"), log.exists() and log.read_text())
    assert is_ready(), log.read_text()
    # Killed, it is there again soon.
    machine.ctl("kill", "--signal=KILL", UNIT)
    until(lambda: shown("NRestarts", "ActiveState") == ["1", "active"])
    assert is_ready(), log.read_text()
    # A request that is under way when it is stopped is answered.
    with connect() as stream:
        stream.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        machine.ctl("stop", "--no-block", UNIT)
        until(lambda: shown("ActiveState") == ["deactivating"])
        stream.sendall(b"\r\n")
        assert stream.recv(4096).startswith(b"HTTP/1.1 200 ")
    until(lambda: shown("ActiveState") == ["inactive"])
    assert shown("Result", "ExecMainStatus") == ["success", "0"], log.read_text()
