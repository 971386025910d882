"""Secrets are hidden wherever people type them, and what is no secret stays as it was typed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saltext.approval.intake import masking, own_patterns, shell_secrets
from saltext.approval.intake.masking import HIDDEN, Masker

PLAIN = "Hunter2!9"
LINES = [
    ("mysql -pHunter2!9", "mysql -p********"),
    ("mysql -u root -pHunter2!9 -h db < dump.sql", "mysql -u root -p******** -h db < dump.sql"),
    ("mysql --password=Hunter2!9 -e 'select 1'", "mysql --password=******** -e 'select 1'"),
    ("mysql --password Hunter2!9", "mysql --password ********"),
    (
        "sudo -u postgres mysqldump -uroot -p'Hunter2!9' db | gzip > x",
        "sudo -u postgres mysqldump -uroot -p******** db | gzip > x",
    ),
    ("docker exec db mysql -pHunter2!9", "docker exec db mysql -p********"),
    ("curl -H 'Authorization: Bearer Hunter2!9' https://x", "curl -H 'Authorization: Bearer ********' https://x"),
    ('curl -H "Authorization: Basic Hunter2!9=" https://x', 'curl -H "Authorization: Basic ********" https://x'),
    ('curl -H "X-Api-Key: Hunter2!9" https://x', 'curl -H "X-Api-Key: ********" https://x'),
    ("curl -u a:Hunter2!9 https://x", "curl -u a:******** https://x"),
    ("curl -sku a:Hunter2!9 https://x", "curl -sku a:******** https://x"),
    ("curl --user=a:Hunter2!9 x", "curl --user=a:******** x"),
    ("curl -b 'session=Hunter2!9' x", "curl -b ******** x"),
    ("curl -H 'Cookie: sid=Hunter2!9' x", "curl -H 'Cookie: ********' x"),
    ("export TOKEN=Hunter2!9; run", "export TOKEN=********; run"),
    ("export TOKEN=Hunter2!9;run", "export TOKEN=********;run"),
    ("env API_KEY=Hunter2!9 run", "env API_KEY=******** run"),
    ("PGPASSWORD=Hunter2!9 psql -h x", "PGPASSWORD=******** psql -h x"),
    ("echo root:Hunter2!9 | chpasswd", "echo root:******** | chpasswd"),
    ("echo 'root:Hunter2!9' | chpasswd", "echo 'root:********' | chpasswd"),
    ("echo Hunter2!9 | passwd --stdin bob", "echo ******** | passwd --stdin bob"),
    (
        "printf '%s' Hunter2!9 | docker login --password-stdin",
        "printf ******** ******** | docker login --password-stdin",
    ),
    ("chpasswd <<< root:Hunter2!9", "chpasswd <<< root:********"),
    ("chpasswd <<< 'root:Hunter2!9'", "chpasswd <<< 'root:********'"),
    ("sshpass -p Hunter2!9 ssh host", "sshpass -p ******** ssh host"),
    ("sshpass -pHunter2!9 ssh host", "sshpass -p******** ssh host"),
    ("curl 'https://h/x?token=Hunter2!9&page=2'", "curl 'https://h/x?token=********&page=2'"),
    ("curl https://h/x?token=Hunter2!9", "curl https://h/x?token=********"),
    ("net user bob Hunter2!9 /add", "net user bob ******** /add"),
    ("net user bob Hunter2!9", "net user bob ********"),
    ("net use X: \\\\srv\\share Hunter2!9 /user:bob", "net use X: \\\\srv\\share ******** /user:bob"),
    ("postgresql://u:Hunter2!9@h/db", "postgresql://u:********@h/db"),
    ('psql "host=x password=Hunter2!9 user=b"', 'psql "host=x password=******** user=b"'),
    ("psql 'postgresql://u:Hunter2!9@h/db'", "psql 'postgresql://u:********@h/db'"),
    ("docker login -u a -p Hunter2!9 reg", "docker login -u a -p ******** reg"),
    ("openssl rsa -in k -passin pass:Hunter2!9", "openssl rsa -in k -passin ********"),
    ("kubectl --token=Hunter2!9 get pods", "kubectl --token=******** get pods"),
    ("kubectl --token Hunter2!9 get pods", "kubectl --token ******** get pods"),
    ("ansible-vault encrypt_string Hunter2!9 --name x", "ansible-vault encrypt_string ******** --name x"),
    ("New-LocalUser -Name b -Password Hunter2!9", "New-LocalUser -Name b -Password ********"),
    ("ConvertTo-SecureString 'Hunter2!9' -AsPlainText -Force", "ConvertTo-SecureString ******** -AsPlainText -Force"),
    ('$p = ConvertTo-SecureString "Hunter2!9" -AsPlainText', "$p = ConvertTo-SecureString ******** -AsPlainText"),
    (
        "New-LocalUser -Password (ConvertTo-SecureString 'Hunter2!9' -AsPlainText -Force)",
        "New-LocalUser -Password (ConvertTo-SecureString ******** -AsPlainText -Force)",
    ),
    ("cmdkey /add:h /user:u /pass:Hunter2!9", "cmdkey /add:h /user:u /pass:********"),
    ("wget --http-password=Hunter2!9 x", "wget --http-password=******** x"),
    ("redis-cli -a Hunter2!9 ping", "redis-cli -a ******** ping"),
    ("ldapsearch -x -D cn=a -w Hunter2!9 -b dc=x", "ldapsearch -x -D cn=a -w ******** -b dc=x"),
    ("ldapsearch -xw Hunter2!9", "ldapsearch -xw ********"),
    ("htpasswd -b f u Hunter2!9", "htpasswd -b f u ********"),
    ("htpasswd -nbB u Hunter2!9", "htpasswd -nbB u ********"),
    ("useradd -p Hunter2!9 bob", "useradd -p ******** bob"),
    ("usermod -p 'Hunter2!9' bob", "usermod -p ******** bob"),
    ("mysqladmin -u root password Hunter2!9", "mysqladmin -u root password ********"),
    ("mysql -e \"ALTER USER x IDENTIFIED BY 'Hunter2!9'\"", "mysql -e \"ALTER USER x IDENTIFIED BY '********'\""),
    ("psql -c \"ALTER ROLE x PASSWORD 'Hunter2!9'\"", "psql -c \"ALTER ROLE x PASSWORD '********'\""),
    ("mysql -e \"SET PASSWORD FOR 'u'@'h' = 'Hunter2!9'\"", "mysql -e \"SET PASSWORD FOR 'u'@'h' = '********'\""),
    ("mysql -e \"SET PASSWORD = PASSWORD('Hunter2!9')\"", 'mysql -e "SET PASSWORD = ********)"'),
    ("ssh host \"mysql -pHunter2!9 -e 'show tables'\"", "ssh host \"mysql -p******** -e 'show tables'\""),
    (
        'bash -c "ssh h \\"mysql --password=\'Hunter2!9 x\' db\\""',
        'bash -c "ssh h \\"mysql --password=\'********\' db\\""',
    ),
    ('curl -d \'{"user":"x","password":"Hunter2!9"}\' h', 'curl -d \'{"user":"x","password":"********"}\' h'),
    ('curl -d "{\\"password\\": \\"Hunter2!9\\"}" h', 'curl -d "{\\"password\\": ********" h'),
    ("mount -o username=x,password=Hunter2!9,vers=3 //h/s /m", "mount -o username=x,password=******** //h/s /m"),
    ("$env:TOKEN = 'Hunter2!9'; run", "$env:TOKEN = ********; run"),
    ("setx API_TOKEN Hunter2!9", "setx API_TOKEN ********"),
    ("git config --global user.password Hunter2!9", "git config --global user.password ********"),
    ("aws configure set aws_secret_access_key Hunter2!9", "aws configure set aws_secret_access_key ********"),
    ("java -Djavax.net.ssl.keyStorePassword=Hunter2!9 -jar x", "java -Djavax.net.ssl.keyStorePassword=******** -jar x"),
    ("vault kv put secret/x value=Hunter2!9", "vault kv put secret/x value=********"),
    ("sqlplus scott/Hunter2!9@db", "sqlplus scott/********"),
    ("smbclient //h/s -U bob%Hunter2!9", "smbclient //h/s -U bob%********"),
    ("zip -P Hunter2!9 a.zip f", "zip -P ******** a.zip f"),
    ("7z a -pHunter2!9 a.7z f", "7z a -p******** a.7z f"),
    ("Server=x;User Id=sa;Password=Hunter2!9;", "Server=x;User Id=sa;Password=********"),
    ("powershell -Command \"Connect -Password 'Hunter2!9'\"", 'powershell -Command "Connect -Password ********"'),
    ("password: Hunter2!9", "password: ********"),
    ("db_password = Hunter2!9", "db_password = ********"),
    ("rabbitmqctl add_user bob Hunter2!9", "rabbitmqctl add_user bob ********"),
    ('echo "x x/root_password password Hunter2!9" | debconf-set-selections', "echo ******** | debconf-set-selections"),
    ("gpg --batch --passphrase Hunter2!9 -d f", "gpg --batch --passphrase ******** -d f"),
    ("chpasswd <<EOF\nroot:Hunter2!9\nEOF", "chpasswd <<EOF\nroot:********\nEOF"),
    ("cat > f <<EOF\nuser=x\npassword=Hunter2!9\nEOF", "cat > f <<EOF\nuser=x\npassword=********\nEOF"),
    ("sed -i 's/password=.*/password=Hunter2!9/' f", "sed -i 's/password=********' f"),
    ("`mysql -pHunter2!9`", "`mysql -p********`"),
    ("X=$(mysql -pHunter2!9)", "X=$(mysql -p********)"),
    ("IDENTIFIED BY Hunter2!9", "IDENTIFIED BY ********"),
    ("echo Hunter2!9 | sudo -S id", "echo ******** | sudo -S id"),
]
STAY = [
    "mkdir -p x",
    "ssh -p 22 host",
    "useradd -u 100 bob",
    "passwd -l bob",
    "apt install password-store",
    "apt-get install passwd=1:4.13+dfsg1-1",
    "curl -u bob https://h/x",
    "tar -pxf a.tar",
    "cp -p a b",
    "ps -u root",
    "git log -p",
    "grep -i password /etc/x",
    "grep 'password=' /etc/x",
    "systemctl restart tokend",
    "docker pull x@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "echo 550e8400-e29b-41d4-a716-446655440000",
    "salt-run jobs.lookup_jid 20261122150000000000",
    "docker run -p 80:80 -u 1000:1000 nginx",
    "pip install token==1.2",
    "mysql -u root -p",
    "mysql -P 3306 -h db",
    "psql -p 5432 -U x",
    "psql -W -h x",
    "ssh-keygen -t ed25519 -N '' -f k",
    "ssh-keygen -p -f k",
    "chown a:b f",
    "git clone https://host:8080/a@b",
    "git clone https://github.com/x/y",
    "openssl rsa -in k -passin file:/etc/p",
    "openssl rsa -in k -passin env:PW",
    "mysql --password-file /etc/x",
    "gpg --passphrase-fd 0 -d f",
    "docker login --password-stdin",
    "ansible-playbook --vault-password-file x p.yml",
    "ansible-playbook --ask-become-pass p.yml",
    "ansible-playbook --private-key ~/.ssh/id_rsa p.yml",
    "cd $PWD && ls",
    "export PWD=/tmp",
    "SSH_AUTH_SOCK=/tmp/x ssh h",
    "kubectl get secret x -o yaml",
    "kubectl get secrets",
    "kubectl create token x",
    "redis-cli -h db -p 6379 ping",
    "ls -la /etc/passwd /etc/shadow",
    "cat /etc/pam.d/common-password",
    "rsync -avp a b",
    "netstat -tulpn",
    "rpm -qa --last",
    "find / -name '*.pem' -print",
    "echo it's fine",
    "sort -u -k 2 f",
    "tail -f /var/log/auth.log",
    "journalctl -u ssh -p err",
    "useradd -m -s /bin/bash -G sudo bob",
    "usermod -aG docker bob",
    "sed -i 's/^PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/sshd_config",
    "sshd -o PasswordAuthentication=no",
    "chage -l bob",
    "id && whoami; uptime | head -1",
    "for i in 1 2 3; do echo $i; done",
    "test -f /x || touch /x",
    "scp -P 22 a h:/b",
    "nmap -p 1-1000 h",
    "apt install libsecret-1-0 libpam-passwdqc",
    "systemctl status user-secret.service",
    "net user bob",
    "net user bob /active:yes",
    "net use",
    "vault kv get secret/x",
    "vault status",
    "git config --get user.password",
    'mysql -p"$DB_PASS" -e x',
    'curl -H "Content-Type: application/json" h',
    "curl -b cookies.txt h",
    "echo aGVsbG8td29ybGQtcGFja2FnZQ",
    "dpkg -i libkeyutils1_1.6.1-2_amd64.deb",
    "zip -r a.zip d",
    "7z a a.7z f",
    "max_tokens=100",
    "openssl x509 -in c.pem -noout -text",
    "ip addr add 10.0.0.1/24 dev eth0",
    "make password=",
    "useradd --password-expire bob",
    "awk -F: '{print $1}' /etc/passwd",
    "tokenizer --tokenizer=gpt2 f",
    "Basic authentication is off",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "550e8400-e29b-41d4-a716-446655440000",
    "2:9.0.1378-2+deb12u2",
]
PLACES = [
    "mysql -u root -p{}", "mysql --password={}", "mysql --password {}", "curl -u bob:{} https://h/",
    "sshpass -p {} ssh h", "export API_TOKEN={}", "PGPASSWORD={} psql", "echo root:{} | chpasswd",
    "curl -H 'Authorization: Bearer {}' h", "curl -H 'Authorization: Basic {}' h", "postgresql://u:{}@h/db",
    "curl 'https://h/?token={}&page=2'", "net user bob {}", "docker login -u a -p {} h", "redis-cli -a {}",
    "ldapsearch -x -w {}", "htpasswd -b f u {}", "useradd -p {} bob", "mysqladmin password {}",
    "psql -c \"ALTER ROLE u PASSWORD '{}'\"", "mysql -e \"CREATE USER u IDENTIFIED BY '{}'\"",
    "ConvertTo-SecureString '{}' -AsPlainText", "New-LocalUser -Password {}", "cmdkey /pass:{}",
    "kubectl --token {}", "ssh h \"mysql -p{} db\"", "password: {}", "db_password = {}", "psql 'host=h password={}'",
    "chpasswd <<< root:{}", "chpasswd <<E\nroot:{}\nE", "curl -d '{{\"password\": \"{}\"}}' h",
    "-----BEGIN PRIVATE KEY-----\n{}\n", "setx API_TOKEN {}", "openssl rsa -passin pass:{}",
    "git config user.password {}", "zip -P {} a b",
]  # fmt: skip
SECRETS = st.text(st.sampled_from("abcXYZ0189+_.!%^~"), min_size=8, max_size=20).map(lambda text: f"q{text}Q7")
AROUND = st.text(st.sampled_from("ab 12-=:/,.|;\n"), max_size=30)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_secrets_are_hidden(line, expected):
    assert masking.masked_text(line) == expected
    assert PLAIN not in expected
    assert masking.masked_text(expected) == expected


@pytest.mark.parametrize("line", STAY)
def test_what_is_no_secret_stays(line):
    assert masking.masked_text(line) == line


def test_enough_lines_are_tried():
    assert min(len(LINES), len(STAY)) >= 60


@settings(deadline=None, max_examples=500)
@given(st.sampled_from(PLACES), SECRETS, AROUND, AROUND)
def test_a_secret_at_its_place_never_survives(place, secret, before, after):
    line = f"{before}\n{place.format(secret)}\n{after}"
    masked = masking.masked_text(line)
    assert secret not in masked
    assert masking.masked_text(masked) == masked


@settings(deadline=None, max_examples=500)
@given(st.text(st.sampled_from("ab '\"\\=:-|;<>()`$*\n") | st.characters(), max_size=60))
def test_any_text_is_masked_once_and_for_all(text):
    masked = masking.masked_text(text)
    assert masking.masked_text(masked) == masked


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
        max_leaves=20,
    )
)
def test_nothing_makes_it_fail(value):
    masking.masked({"fun": value, "arg": value, "kwargs": value, "tgt": value, "tgt_type": "pillar", "return": value})
    masking.masked_data(value)


@pytest.mark.parametrize(
    "name",
    ["password", "db_password", "adminPassword", "passwd", "token", "api_key", "api-key", "private_key",
     "secret", "client_secret", "auth", "pass", "smtp.pass", "credentials", "passphrase"],
)  # fmt: skip
def test_secrets_are_found_by_the_name_of_the_argument(name):
    load = {
        "fun": "x.y",
        "arg": ["plain", {"__kwarg__": True, name: "hunter2"}, f"{name}=hunter2"],
        "kwargs": {"deep": [{name: "hunter2"}]},
    }
    masked = masking.masked(load)
    assert "hunter2" not in repr(masked)
    assert masked["arg"][0] == "plain"
    assert load["arg"][1][name] == "hunter2", "the load itself belongs to Salt and stays"


@pytest.mark.parametrize(
    ("name", "value"),
    [("name", "hello"), ("passed", "3"), ("bypass", "x"), ("author", "me"), ("version", "1")],
)
def test_other_arguments_stay(name, value):
    load = {"fun": "pkg.install", "arg": [{"__kwarg__": True, name: value}, f"{name}={value}"]}
    assert masking.masked(load) == load


def test_passwords_in_urls_are_hidden():
    masked = masking.masked({"fun": "git.clone", "arg": ["https://me:hunter2@host/x", "https://host/a@b"]})
    assert masked["arg"] == [f"https://me:{HIDDEN}@host/x", "https://host/a@b"]


def test_a_function_named_after_a_secret_hides_all_but_its_first_argument():
    masked = masking.masked({"fun": "shadow.set_password", "fun_args": ["root", "$6$hunter2", {"pw": "hunter2x"}]})
    assert masked["fun_args"][0] == "root"
    assert "$6$" not in repr(masked)


def test_the_arguments_of_a_runner_are_in_its_return():
    load = {"jid": "1", "return": {"jid": "1", "fun": "runner.x.y", "fun_args": [{"token": "hunter2"}]}}
    assert "hunter2" not in repr(masking.masked(load))


@pytest.mark.parametrize("load", [{"arg": None}, {"arg": 7, "fun": 3}, {"fun": ["a", "b"], "arg": "x"}, {}, "text"])
def test_odd_loads_are_left_as_they_are(load):
    assert masking.masked(load) == load


def test_arguments_nested_without_end_are_cut():
    nested = []
    for _ in range(5000):
        nested = [nested]
    masked = masking.masked({"fun_args": nested, "return": {"jid": "1", "fun_args": nested}})
    assert HIDDEN in repr(masked)


def test_values_in_a_pillar_are_hidden_whatever_their_name():
    load = {"fun": "state.apply", "arg": ["web", {"__kwarg__": True, "pillar": {"colour": "red", "x": ["y", 7]}}]}
    assert masking.masked(load)["arg"][1]["pillar"] == {"colour": HIDDEN, "x": [HIDDEN, HIDDEN]}
    assert masking.masked({"fun": "state.apply", "arg": ["web", "pillar={'a': 'b'}"]})["arg"][1] == f"pillar={HIDDEN}"


def test_each_function_of_a_job_has_its_arguments():
    load = {"fun": ["test.echo", "shadow.set_password"], "arg": [["a", "b"], ["root", PLAIN]]}
    assert masking.masked(load)["arg"] == [["a", "b"], ["root", HIDDEN]]


def test_functions_that_have_a_password_at_a_known_place():
    assert masking.masked({"fun": "mysql.user_create", "arg": ["bob", "%", PLAIN]})["arg"] == ["bob", "%", HIDDEN]
    assert masking.masked({"fun": "user.add", "arg": ["bob", 1000]})["arg"] == ["bob", 1000]
    assert masking.masked({"fun": "sdb.set", "arg": ["sdb://v/db/password", PLAIN]})["arg"][1] == HIDDEN


def test_outputs_are_masked_at_any_depth():
    data = {"stdout": f"TOKEN={PLAIN}", "changes": [{"password": PLAIN, "pid": 7}], "raw": f"pw: {PLAIN}".encode()}
    masked = masking.masked_data(data)
    assert PLAIN not in repr(masked)
    assert masked["changes"][0]["pid"] == 7


def test_a_masker_that_fails_hides_all_arguments(monkeypatch):
    def fail(*_):
        raise RuntimeError(PLAIN)

    monkeypatch.setattr(masking, "masked_line", fail)
    load = {"fun": "cmd.run", "arg": ["ls -l", "x y"], "kwargs": {"cwd": "/x y"}, "jid": "1"}
    assert masking.masked(load) == {"fun": "cmd.run", "arg": [HIDDEN], "kwargs": [HIDDEN], "jid": "1"}
    assert masking.masked_text("ls -l") == HIDDEN
    assert masking.masked_data(["ls -l"]) == HIDDEN


def test_a_masker_without_its_patterns_hides_everything():
    masker = Masker.hiding_all()
    assert masker.masked({"fun": "x.y", "arg": ["hello", {"a": "b"}]})["arg"] == [HIDDEN, {"a": HIDDEN}]
    assert masker.masked_data({"out": "fine"}) == {"out": HIDDEN}


def test_patterns_of_the_site():
    masker = Masker.with_patterns(["corp-[0-9a-f]{4,}", "(?:[0-9]{4}-){3}[0-9]{4}"])
    assert masker.masked_text("use corp-12ab now") == f"use {HIDDEN} now"
    assert masker.masked({"fun": "x.y", "arg": ["1234-1234-1234-1234"]})["arg"] == [HIDDEN]


@pytest.mark.parametrize(
    "pattern", ["(", "(a+)+b", "(a|b*)*", "a.*b.*c", "x*", "", "a" * 201, "(a)\\1+", "a{1000}", "(?:a{1,9}){1,9}"]
)
def test_patterns_that_are_wrong_or_slow_are_refused(pattern):
    with pytest.raises(own_patterns.BadPattern):
        own_patterns.compiled([pattern])


@pytest.mark.parametrize("depth", range(1, shell_secrets.DEEPEST + 3))
def test_quotes_within_quotes(depth):
    line = f"mysql --password={PLAIN}"
    for _ in range(depth):
        line = 'sh -c "' + line.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert PLAIN not in masking.masked_text(line)
