"""A policy with people in it, for the tests that act on requests."""

import os
import pathlib
import pwd
import shutil
import subprocess

import psycopg
import pytest
import salt.utils.user

# Two stages; the second wants an approver's own login. Alice asks, Bob reviews, Carol releases. All but
# packages is released by Carol or Bob alone. For salt-run Alice is whoever runs the tests.
POLICY = """
principals:
  alice: {identities: ["pg:alice", "salt:alice", "salt:ACCOUNT"]}
  bob: {identities: ["pg:bob", "salt:bob"]}
  carol: {identities: ["pg:carol", "salt:carol"]}
groups:
  reviewers: {title: Review, members: [bob]}
  managers: {title: Release, members: [carol, bob]}
types:
  package:
    title: Packages
    kind: package
    requesters: ["*"]
    chain:
      - {name: review, min_assurance: asserted, any_of: [{group: reviewers, quorum: 1}]}
      - {name: release, min_assurance: authenticated, any_of: [{group: managers, quorum: 1}]}
  standard:
    title: Packages without approval
    kind: package
    requesters: [reviewers]
    pre_approved: true
    chain: []
  service: {kind: service, requesters: ["*"], chain: &release [{name: release, any_of: [{group: managers}]}]}
  value: {kind: value, requesters: ["*"], chain: *release}
  revert: {kind: any, requesters: ["*"], chain: *release}
  emergency: {kind: package, requesters: ["*"], review_group: reviewers, chain: *release}
  reboot:
    kind: action
    action: {function: system.reboot, kwarg: {in_seconds: false}}
    parameters: {properties: {at_time: {type: integer, maximum: 60}}, required: [at_time]}
    requesters: ["*"]
    chain: *release
""".replace("ACCOUNT", salt.utils.user.get_specific_user())
# Ids that would match others if any part of the way took them for patterns, or broke out of a literal.
ODD_MINIONS = [
    "%",
    "_",
    "web_",
    "we%",
    "*",
    "it's",
    'say "hi"',
    "Zürich-ß",
    "日本",
    "a,b",
    "\\",
    "$1",
    "; --",
]
MINIONS = ["web1", "web2", *ODD_MINIONS]


@pytest.fixture(scope="session")
def approved_template(new_database):
    """The name of a database with POLICY loaded and MINIONS known, to be copied."""
    from saltext.approval import config, db
    from saltext.approval.policy import loader

    with new_database("approved") as database:
        # Past the pooler, whose connections stay: one that somebody is connected to cannot be copied.
        with db.connect(config.Connection(database.dsn("policy_admin", direct=True))) as conn:
            loader.load(conn, loader.parse(POLICY))
        with psycopg.connect(database.dsn("operator", direct=True)) as conn:
            conn.execute("SELECT approval.put_minions(%s)", (MINIONS,))
        yield database.name


@pytest.fixture
def database(request, new_database):
    """A Database of this test's own; empty, unless the test asks for what is `approved`."""
    copied = [request.getfixturevalue("approved_template")] if "approved" in request.fixturenames else []
    with new_database("test", *copied) as new:
        yield new


@pytest.fixture
def approved(database):
    """The database of this test with POLICY loaded and MINIONS known."""
    return database


@pytest.fixture
def client(approved):
    """A function that gives a Client acting as one of the people with their own login."""
    from saltext.approval import config, db
    from saltext.approval.client.database import DatabaseClient

    connections = []

    def act_as(login):
        conn = db.connect(config.Connection(approved.dsn(login)))
        connections.append(conn)
        return DatabaseClient.of_login(conn)

    yield act_as
    for conn in connections:
        conn.close()


@pytest.fixture
def approve(client):
    """A function that takes a package through the whole chain; returns the request's number."""

    def through_the_chain(minions, packages, **options):
        number = client("alice").request("package", minions, packages, "a test", **options)["request"]
        client("bob").approve(number)
        client("carol").approve(number)
        return number

    return through_the_chain


@pytest.fixture
def odd_minions():
    """Ids that break whatever does not take them exactly."""
    return ODD_MINIONS


@pytest.fixture
def master_config(tmp_path, dsn_file, settings_of):
    """A function that writes a master's configuration, right but for what is changed; returns its path."""
    import yaml

    from saltext.approval.admin import check

    def write(**changes):
        root = tmp_path / "master"
        (root / "var/cache/salt/master/proc").mkdir(parents=True, exist_ok=True)
        settings = {
            "root_dir": str(root),
            "user": pwd.getpwuid(os.geteuid()).pw_name,
            "sock_dir": str(root / "sock"),
            "log_file": str(root / "log"),
            "ext_pillar": [{"approval": settings_of("exporter")}],
            "master_job_cache": "approval",
            "approval": {
                "returner": settings_of("returner"),
                "runner": settings_of("operator"),
                "engine": {
                    **settings_of("engine"),
                    "listen_dsn_file": str(dsn_file("engine", direct=True)),
                },
            },
            "engines": [{"approval": {}}],
            "file_roots": {"base": [str(root / "states"), check.state_root()]},
            **changes,
        }
        path = root / "master.yaml"
        path.write_text(yaml.safe_dump({name: value for name, value in settings.items() if value is not None}))
        return path

    return write


@pytest.fixture
def working_master(master_opts):
    """The options of a master as `salt-approval check` wants it: it listens, its engine lives, a top file is there."""
    import socket

    from saltext.approval.engine import heartbeat

    opts = master_opts()
    os.makedirs(opts["sock_dir"], exist_ok=True)
    folder = os.open(opts["sock_dir"], os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{folder}/master_event_pub.ipc")
        os.close(folder)
        listener.listen()
        heartbeat.write(opts["cachedir"], ["seal"], {})
        top = pathlib.Path(opts["file_roots"]["base"][0], "top.sls")
        top.parent.mkdir(exist_ok=True)
        top.write_text("base:\n  '*':\n    - approval\n")
        yield opts


@pytest.fixture(scope="session")
def quiet_end():
    """
    A MasterMinion that nobody destroyed, as those that Salt's runner `jobs` makes, ends without loading anything.

    Its finalizer loads each returner once more, with its own configuration. A module is one in a process: the returner
    of whatever test runs by then would go on with the settings of a test that is over.
    """
    import salt.minion

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(salt.minion.MasterMinion, "__del__", lambda minion: None, raising=False)
        yield


@pytest.fixture
def master_opts(master_config, quiet_end):
    """A function that gives the options that Salt makes of such a configuration."""
    import salt.config

    return lambda **changes: salt.config.master_config(str(master_config(**changes)))


@pytest.fixture
def accept_key():
    """A function by which the master with these options has accepted a minion's key: in its own store, on the disk."""

    def accept(opts, minion, key="key"):
        folder = pathlib.Path(opts["pki_dir"], "minions")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / minion).write_text(key)

    return accept


@pytest.fixture
def delete_key():
    """A function by which the master with these options has no longer a key of a minion."""
    return lambda opts, minion: pathlib.Path(opts["pki_dir"], "minions", minion).unlink()


@pytest.fixture
def remember_grains():
    """A function by which the master with these options knows grains of a minion, where this Salt looks for them."""
    import salt.cache
    import salt.utils.minions

    def remember(opts, minion, grains):
        cache = salt.cache.factory(opts)
        places = {"grains": (minion, grains), f"minions/{minion}": ("data", {"grains": grains, "pillar": {}})}
        for bank, (key, content) in places.items():
            cache.store(bank, key, content)
            if salt.utils.minions.get_minion_data(minion, opts)[1] == grains:
                return
            cache.flush(bank, key)
        raise AssertionError("this Salt keeps grains somewhere else")

    return remember


@pytest.fixture(scope="session")
def promtool():
    """A function that runs promtool with these arguments and this text as its input; it has to find nothing."""
    kept = pathlib.Path(__file__).parents[2] / ".cache/promtool/usr/bin/promtool"
    program = str(kept) if kept.exists() else shutil.which("promtool")
    assert program, "promtool is not installed: tools/bootstrap test gets it, or Debian's package prometheus has it"

    def run(*arguments, text=None):
        result = subprocess.run(
            [program, *map(str, arguments)], input=text, capture_output=True, text=True, check=False
        )
        assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr

    return run


@pytest.fixture
def cache(approved, master_opts):
    """The functions of the returner as the master's loader gives them, without the prefix."""
    import salt.loader

    functions = salt.loader.returners(master_opts(), {})

    class Cache:
        def __getattr__(self, name):
            return functions[f"approval.{name}"]

    return Cache()
