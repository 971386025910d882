"""No secret that somebody types gets to Slack, into the log, or into what the database keeps to be told."""

import datetime
import json
import logging
import re

import pytest

from saltext.approval.chat import slack as slack_module
from saltext.approval.engine.workers import chat as worker_module

# Where a secret stands, there is SECRET; a token is known by its shape, and is one as a whole.
USUAL = [
    "mysql -pSECRET", "mysql --password=SECRET", "mysql --password SECRET", "export TOKEN=SECRET; run",
    "env API_KEY=SECRET run", "curl -H 'Authorization: Bearer SECRET' https://h", "curl -u bob:SECRET https://h",
    "sshpass -p SECRET ssh h", "curl 'https://h/x?token=SECRET'", "echo 'root:SECRET' | chpasswd",
    "aws-login AKIASECRETSECRET", "post xoxb-SECRET", "net user bob SECRET", "PASSWORD=SECRET psql",
    "git clone https://bob:SECRET@h/x",
]  # fmt: skip
MORE = [
    "PGPASSWORD=SECRET psql -h x", "MYSQL_PWD=SECRET mysql", "mysqldump -u root -pSECRET shop", "sudo mysql -pSECRET",
    "docker login -u a -p SECRET r", "docker run -e POSTGRES_PASSWORD=SECRET postgres", "podman login -u a -pSECRET r",
    "kubectl --token=SECRET get pods", "kubectl create secret generic a --from-literal=x=SECRET",
    "helm install a --set auth.password=SECRET", "redis-cli -a SECRET ping", "ldapsearch -x -D cn=a -w SECRET",
    "htpasswd -b f u SECRET", "useradd -p SECRET u", "mysqladmin -u root password SECRET", "smbclient //h -U a%SECRET",
    "sqlplus a/SECRET@db", "zip -P SECRET a.zip f", "7z a -pSECRET a.7z f", "vault kv put secret/x value=SECRET",
    "wget --http-password=SECRET h", "curl -H 'Cookie: sid=SECRET' h", "curl -H 'X-Vault-Token: SECRET' h",
    "curl --oauth2-bearer SECRET h", "curl -d 'user=a&password=SECRET' h", "curl https://h/?api_key=SECRET",
    "psql postgresql://u:SECRET@h/db", "psql 'host=x password=SECRET'", "openssl rsa -in k -passin pass:SECRET",
    "gpg --batch --passphrase SECRET -d f", "ansible-vault encrypt_string SECRET --name x",
    "rabbitmqctl add_user bob SECRET", "git config --global user.password SECRET", "setx API_TOKEN SECRET",
    "cmdkey /add:h /user:u /pass:SECRET", "New-LocalUser -Name b -Password SECRET", "yes SECRET | passwd bob",
    "echo SECRET | sudo -S id", "echo ghp_SECRETSECRET", "mount -o username=x,password=SECRET //h/s /m",
]  # fmt: skip
LINES = USUAL + MORE
# Comments and reasons are kept as people wrote them, since the audit proves what they said.
WRITTEN = re.compile(r'"(?:comment|reason)": "(?:[^"\\]|\\.)*"')


@pytest.fixture
def hurried(room, monkeypatch):
    """The room, where nothing has to wait for the rates: another test tells that they are kept."""
    monkeypatch.setattr(slack_module, "POSTS_APART_S", 0.0)
    monkeypatch.setattr(slack_module, "EDITS_APART_S", 0.0)
    monkeypatch.setattr(slack_module, "EDITS", 10**6)
    monkeypatch.setattr(worker_module, "GATHER_S", 0.0)
    limits = room.slack.limits
    limits.post_burst = limits.posts_per_minute = limits.tier_3 = limits.tier_4 = 10**6
    return room


@pytest.fixture
def jobs(master_opts, settings_of, tmp_path):
    """The job cache of a master."""
    from saltext.approval.jobs.store import JobStore

    return JobStore(master_opts(approval={"returner": {**settings_of("returner"), "spool": str(tmp_path / "spool")}}))


def test_check_13_no_secret_of_fifteen_usual_lines_and_forty_more_is_posted_logged_or_kept(
    hurried, jobs, client, approve, caplog
):
    room = hurried
    lines = {f"ZQ{number:02}HUNTER2": line for number, line in enumerate(LINES)}
    assert (len(USUAL), len(MORE)) == (15, 40)
    alice, bob = client("alice"), client("bob")
    approve(["web1"], {"hello": "2.10-3"})
    room.database.execute("SELECT approval.put_alarm_rule('unapproved-job', '{\"functions\": [\"cmd.*\"]}')")
    for topic in ("jobs", "requests", "alarms"):
        room.route(topic)
    with caplog.at_level(logging.DEBUG):
        for number, (secret, line) in enumerate(lines.items()):
            typed = line.replace("SECRET", secret)
            jid = f"{datetime.datetime.now(datetime.timezone.utc):%Y%m%d%H%M%S}{number:06d}"
            # Each by somebody else, so that each job and each alarm is told.
            load = {
                "jid": jid,
                "fun": "cmd.run",
                "arg": [typed],
                "tgt": "web1",
                "tgt_type": "glob",
                "user": f"u{number}",
            }
            jobs.save_load(jid, load, ["web1"])
            failed = {"fun": "cmd.run", "fun_args": [typed], "return": f"no: {typed}", "retcode": 1, "success": False}
            jobs.record({"cmd": "_return", "jid": jid, "id": "web1", **failed})
            request = alice.request("package", ["web2"], {"hello": "2.10-3"}, typed)["request"]
            bob.reject(request, typed)
        room.database.execute("SELECT approval.seal_audit(), approval.settle_alarms()", login="engine")
        alarms = alice.alarms(limit=100)
        for alarm, secret in zip(reversed(alarms), lines, strict=True):
            alice.acknowledge(alarm["alarm"], lines[secret].replace("SECRET", secret))
        room.work(120)
    sent = json.dumps([[entry.path, entry.body] for entry in room.slack.log], default=str)
    kept = room.database.execute("SELECT l::text FROM approval.job_log AS l")
    kept += room.database.execute("SELECT a.who || a.what FROM approval.alarm AS a")
    kept += [(WRITTEN.sub("", body),) for (body,) in room.database.execute("SELECT body::text FROM approval.outbox")]
    places = {"Slack": sent, "the log": caplog.text, "the database": "\n".join(row[0] for row in kept)}
    leaks = [(place, line) for place, text in places.items() for secret, line in lines.items() if secret in text]
    assert leaks == []
    # All of it was told, without the secrets.
    told = room.ops.transcript()
    for number, line in enumerate(LINES):
        assert f"cmd.run on 1 minion, by u{number}\n" in told
        assert told.count(re.split("[= ]", line)[0]) >= 2
    assert told.count("unapproved-job on web1") == len(LINES)
    assert told.count("acknowledged this") >= len(LINES)
    assert told.count("Rejected") >= len(LINES)
    assert room.waiting() == []
