"""What docs/portal.md has somebody type leads to the first approval in a browser, within five minutes."""

import pathlib
import re
import subprocess
import sys
import time

import documents
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from saltext.approval import config, db
from saltext.approval.policy import loader

PAGE = pathlib.Path(__file__).resolve().parents[3] / "docs/portal.md"
LOGIN = "salt_portal"
PASSWORD = "a password of the login"  # noqa: S105
MOST_S = 300


@pytest.fixture
def blocks():
    """{language: the texts of the page's blocks in it}."""
    found = {}
    for block in documents.blocks(PAGE):
        found.setdefault(block.language, []).append(block.text)
    return found


@pytest.fixture
def made_login(approved, blocks):
    """The connection string of the login that the page makes; the server's other tests never see it."""
    statement, password = blocks["sql"][0].splitlines()
    assert password == rf"\password {LOGIN}"
    approved.execute(statement)
    approved.execute(f"ALTER ROLE {LOGIN} PASSWORD '{PASSWORD}'")
    yield make_conninfo(approved.dsn("portal"), user=LOGIN, password=PASSWORD)
    approved.execute(f"DROP ROLE {LOGIN}")


def test_the_first_approval(approved, blocks, made_login, client, start, tmp_path, free_port, come):
    began = time.monotonic()
    number = client("alice").request("package", ["web1"], {"hello": "2.12-1"}, "CHG-1")["request"]
    with db.connect(config.Connection(approved.dsn("policy_admin", direct=True))) as conn:
        loader.load(conn, loader.parse(blocks["yaml"][0]))
    install, typed = blocks["sh"]
    assert "saltext-approval[web]" in install
    # Where root would write, this test writes into a folder of its own; the programs are those of the tests.
    folder = tmp_path / "salt-approval"
    settings, commands = re.search(r"<<'END'\n(.*?)^END$(.*)", typed, re.DOTALL | re.MULTILINE).groups()
    settings = yaml.safe_load(settings.replace("/etc/salt-approval", str(folder)))["approval"]
    folder.mkdir()
    dsn, add, serve = (line.replace("/etc/salt-approval", str(folder)) for line in commands.strip().splitlines())
    subprocess.run(["bash", "-ec", dsn.partition("#")[0]], input=made_login + "\n", text=True, check=True)
    add = add.replace("/opt/salt-approval/bin", str(pathlib.Path(sys.executable).parent))
    subprocess.run(["bash", "-ec", add], input="the password of bob\n", text=True, check=True)
    assert serve == "/opt/salt-approval/bin/salt-approval web"
    local = {**settings["web"], "public_url": settings["web"]["public_url"].replace("8087", str(free_port))}
    service = start(local, portal=settings["portal"], itsm=None)
    bob = come(service)
    assert bob.sign_in("bob").status_code == 303
    assert f"Request {number} Packages CHG-1" in bob.get("/inbox").plain
    assert bob.decide(number, "approve").status_code == 303
    assert approved.execute("SELECT provider, subject, login_role, assurance FROM approval.decision") == [
        ("web", "bob", LOGIN, "authenticated")
    ]
    assert time.monotonic() - began < MOST_S
