"""Which arguments of which programs are secrets.

Each rule is a function of a Command, which hides what is a secret in it. A program counts wherever its name stands, as
behind ``sudo`` or ``docker exec``.
"""

import re

from .secret_names import is_secret_name


class Command:
    """What stands behind the name of a program, for the rules about it."""

    def __init__(self, line, words, bare):
        self.line, self.words, self.bare = line, words, bare

    def hide(self, at, kept=0):
        """Hide the argument ``at``, if there is one, but for its first characters."""
        if at < len(self.words):
            self.line.hide(self.words[at], kept)

    def positional(self, valued=""):
        """The places of arguments that are no options, nor the value of an option with one of these letters."""
        skip = False
        for at, word in enumerate(self.bare):
            if skip:
                skip = False
            elif word[:1] == "-" and len(word) > 1:
                skip = len(word) == 2 and word[1] in valued
            else:
                yield at


def value_of(letters, valueless="", when=None, holding=""):
    """
    The values of these short options are secret: ``-p X``, ``-pX``, and ``-xp X`` behind letters without a value.

    when: the word without which they are not; holding: the text without which a value is none.
    """
    option = re.compile(rf"{_cluster(valueless)}[{letters}](=?)(.*)", re.DOTALL)

    def rule(command):
        if when and when not in command.bare:
            return
        for at, word in enumerate(command.bare):
            match = option.fullmatch(word) if word[:1] == "-" else None
            if not match:
                continue
            if match[2]:
                place, kept = at, match.start(2)
            else:
                place, kept = at + 1, 0
            if place < len(command.bare) and command.bare[place] and holding in command.bare[place]:
                command.hide(place, kept)

    return rule


def attached(letters):
    """Secret is what stands in the same word as the option alone: ``-pX``, while ``-p X`` asks for a password."""
    option = re.compile(rf"-(?:{letters})(.+)", re.DOTALL)

    def rule(command):
        for at, word in enumerate(command.bare):
            match = option.fullmatch(word) if word[:1] == "-" else None
            if match:
                command.hide(at, match.start(1))

    return rule


def user_with(separator, *options, valueless=""):
    """These options have a user and, behind the separator, a password: ``curl -u bob:X``; a user alone stays."""
    short = "".join(option[1] for option in options if len(option) == 2)
    cluster = re.compile(rf"{_cluster(valueless)}[{short}]" if short else "(?!)")
    long = [option for option in options if len(option) > 2]

    def rule(command):
        for at, word in enumerate(command.bare):
            name, equals, _ = word.partition("=")
            if name in long:
                _hide_behind(command, at if equals else at + 1, len(name) + 1 if equals else 0, separator)
                continue
            match = cluster.match(word)
            if match and word[1] != "-":
                apart = match.end() == len(word)
                _hide_behind(command, at + 1 if apart else at, 0 if apart else match.end(), separator)

    return rule


def _cluster(valueless):
    return rf"-[{re.escape(valueless)}]*" if valueless else "-"


def _hide_behind(command, at, start, separator):
    if at >= len(command.bare):
        return
    found = command.bare[at].find(separator, start)
    if found >= 0:
        # With an empty password a long user is a key, as payment services have it.
        alone = found == len(command.bare[at]) - 1
        if not alone:
            command.hide(at, found + 1)
        elif found - start >= 16:
            command.hide(at, start)


def position(number, *subcommands, valued=""):
    """
    The argument with this number is secret, counted from the end if it is negative; behind one of the subcommands, if
    some are named.
    """

    def rule(command):
        places = list(command.positional(valued))
        if subcommands:
            heads = [index for index, at in enumerate(places) if command.bare[at] in subcommands]
            if not heads:
                return
            places = places[heads[0] + 1 :]
        if -len(places) <= number < len(places):
            command.hide(places[number])

    return rule


def behind(*names, but=()):
    """Secret is the argument that follows one of these words, unless it begins with one of ``but``."""

    def rule(command):
        for at, word in enumerate(command.bare[:-1]):
            if word.lower() in names and not command.bare[at + 1].startswith(but):
                command.hide(at + 1)

    return rule


def values_in(*subcommands):
    """Behind these subcommands each ``name=value`` is a secret."""

    def rule(command):
        if not subcommands or any(word in subcommands for word in command.bare):
            for at, word in enumerate(command.bare):
                name, equals, value = word.partition("=")
                if equals and value and name[:1] != "-" and value[:1] != "@":
                    command.hide(at, len(name) + 1)

    return rule


def setting(*verbs):
    """Behind one of the verbs, if any are named, what follows the name of a secret: ``git config user.password X``."""

    def rule(command):
        seen = not verbs
        for at, word in enumerate(command.bare[:-1]):
            if word.lower() in verbs:
                seen = True
            elif seen and is_secret_setting(word) and not is_option(command.bare[at + 1]):
                command.hide(at + 1)

    return rule


def htpasswd(command):
    """With -b the password is the last argument."""
    if any(re.fullmatch(r"-[A-Za-z0-9]*b[A-Za-z0-9]*", word) for word in command.bare):
        position(-1, valued="C")(command)


def net(command):
    """Windows: ``net user bob X``, ``net use \\\\server X``; an asterisk asks."""
    if not command.bare:
        return
    arguments = [at for at, word in enumerate(command.bare) if at and (word[:1] != "/" or word.count("/") > 1)]
    if command.bare[0].lower() == "user":
        secret = arguments[1:]
    elif command.bare[0].lower() == "use":
        secret = [at for at in arguments if not re.match(r"[A-Za-z]:$|\\|[/*]", command.line.raw(command.words[at]))]
    else:
        return
    for at in secret:
        if command.bare[at] != "*":
            command.hide(at)


def oracle(command):
    """``sqlplus scott/tiger@db``."""
    for at, word in enumerate(command.bare):
        match = re.fullmatch(r"((?:\w+=)?[\w.$#]+/)([^/@\s]+)(@\S*)?", word)
        if match and not word.startswith("/"):
            command.hide(at, match.end(1))
            break


def literals(command):
    """``--from-literal=name=X``, of any name."""
    for at, word in enumerate(command.bare):
        match = re.match(r"--from-literal=([^=]+=)", word)
        if match:
            command.hide(at, match.end())
        elif word == "--from-literal" and at + 1 < len(command.bare):
            command.hide(at + 1, command.bare[at + 1].find("=") + 1)


def registry(command):
    """``reg add key /v DefaultPassword /d X``."""
    if any(is_secret_name(word) for word in command.bare if word[:1] not in "/"):
        behind("/d")(command)


def after_everything(command):
    """All arguments that are no options."""
    for at in command.positional():
        command.hide(at)


def aliases(command):
    """``mc alias set name url access secret``."""
    urls = [at for at, word in enumerate(command.bare) if "://" in word]
    if urls and "set" in command.bare:
        for at in range(urls[0] + 1, len(command.bare)):
            command.hide(at)


def directory(command):
    """macOS: ``dscl . -passwd /Users/bob old new``."""
    if "-passwd" in command.bare:
        for at in range(max(command.bare.index("-passwd") + 1, 2), len(command.bare)):
            command.hide(at)


def _of(names, *rules):
    return dict.fromkeys(names.split(), rules)


PROGRAMS = {
    **_of(
        "mysql mysqldump mysqlimport mysqlshow mysqlcheck mysqlbinlog mysqlslap mysqlpump mysql_upgrade mariadb "
        "mariadb-dump mariadb-check mariadb-import mariadb-backup mariabackup xtrabackup mysqlsh mycli innobackupex",
        attached("p"),
    ),
    **_of("mysqladmin mariadb-admin", attached("p"), behind("password", "old-password")),
    **_of("7z 7za 7zr 7zz rar unrar p7zip", attached("p|hp")),
    **_of("sshpass", value_of("p")),
    **_of("zip unzip zipcloak", value_of("P", "rqejo9q")),
    **_of(
        "curl",
        user_with(":", "-u", "-U", "--user", "--proxy-user", valueless="sSkLfvigGIanOJNq#"),
        user_with(":", "-E", "--cert", "--proxy-cert", valueless="sSkLfvigGIanOJNq#"),
        value_of("b", "sSkLfvigGIanOJNq#", holding="="),
    ),
    **_of("http https xh", user_with(":", "-a", "--auth")),
    **_of("etcdctl", user_with(":", "--user"), setting("put", "set")),
    **_of("lftp", user_with(",", "-u", "--user")),
    **_of("smbclient rpcclient winexe smbget smbmap wmic", user_with("%", "-U", "--user")),
    **_of("redis-cli valkey-cli keydb-cli", value_of("a"), behind("auth"), setting("set", "hset")),
    **_of(
        "ldapsearch ldapmodify ldapadd ldapdelete ldapwhoami ldapcompare ldapmodrdn ldapexop",
        value_of("w", "xZvncWMPLACQ"),
    ),
    **_of("ldappasswd", value_of("was", "xZvncMP")),
    **_of("docker podman buildah skopeo nerdctl helm oras oc crane regctl az", value_of("p", when="login")),
    **_of("useradd usermod groupadd groupmod adduser luseradd lusermod", value_of("p", "mMrUoaNDG")),
    **_of("htpasswd htdigest", htpasswd),
    **_of("net net1", net, user_with("%", "-U", "--user")),
    **_of(
        "openssl",
        behind("-pass", "-passin", "-passout", "-k", "-salt", but=("env:", "file:", "fd:", "stdin")),
        position(0, "passwd", valued="6"),
    ),
    **_of("mongo mongosh mongodump mongorestore mongoexport mongoimport mongostat cqlsh influx", value_of("p")),
    **_of("sqlcmd bcp osql isql tsql", value_of("P")),
    **_of("ipmitool mosquitto_pub mosquitto_sub", value_of("P")),
    **_of("snmpget snmpwalk snmpset snmpbulkwalk snmpgetnext snmptrap snmpbulkget snmptable", value_of("cAX")),
    **_of("sqlplus rman expdp impdp sqlldr exp imp", oracle),
    **_of("rdesktop psexec psexec64 twine ncftpget ncftpput ncftp", value_of("p")),
    **_of(
        "xfreerdp wfreerdp",
        lambda command: [command.hide(at, 3) for at, word in enumerate(command.bare) if word.startswith("/p:")],
    ),
    **_of("schtasks", behind("/rp", "/p")),
    **_of("sc", behind("password=")),
    **_of("cscript slmgr slmgr.vbs", behind("/ipk", "-ipk")),
    **_of("reg", registry),
    **_of("ssh-keygen", value_of("NP")),
    **_of("slappasswd", value_of("s")),
    **_of("doveadm", value_of("p", when="pw")),
    **_of("security", value_of("wpP")),
    **_of("dscl", directory),
    **_of("kadmin kadmin.local", value_of("w")),
    **_of("rabbitmqctl", position(1, "add_user", "change_password", "authenticate_user")),
    **_of("vault bao", position(0, "login", "unseal"), values_in("put", "write", "patch", "login")),
    **_of("ansible-vault", position(0, "encrypt_string", valued="n")),
    **_of("convertto-securestring", behind("-string"), position(0)),
    **_of("wpa_passphrase", position(1)),
    **_of("samba-tool", position(0, "setpassword"), position(1, "create", "add")),
    **_of("nmcli machine iwctl wpa_cli", behind("password", "passwd", "psk", "wifi-sec.psk")),
    **_of("mkpasswd", position(0, valued="mSRP")),
    **_of("ua pro", position(0, "attach")),
    **_of("ngrok", position(0, "authtoken", "add-authtoken")),
    **_of("send", after_everything),
    **_of("kubectl", literals),
    **_of("mc mcli", aliases),
    **_of(
        "git aws npm yarn pip pip3 gcloud gh glab poetry composer consul snap rclone heroku pulumi chef knife hiera",
        setting("config", "set", "put", "create", "update", "obscure", "add"),
    ),
    **_of("setx setenv", setting()),
}
# Programs that read secrets from standard input; with a pattern, if one of their arguments matches it.
STDIN_OPTION = re.compile(r"-.*stdin.*|-")
READERS = {
    **_of(
        "chpasswd newusers chgpasswd smbpasswd debconf-set-selections convertto-securestring kinit passwd su "
        "cryptsetup ssh-add pdbedit saslpasswd2 mkpasswd gpg-preset-passphrase systemd-ask-password systemd-creds "
        "slappasswd vncpasswd wpa_passphrase",
        re.compile(""),
    ),
    **_of("sudo", re.compile(r"-\w*S\w*|--stdin")),
    **_of("gpg gpg2", re.compile(r"--passphrase-fd.*")),
    **_of("htpasswd", re.compile(r"-\w*i\w*")),
    **_of("gh", re.compile(r"--with-token")),
    **_of("openssl", re.compile(r"-stdin|stdin")),
    **_of("pw", re.compile(r"-h")),
    **_of("docker podman buildah skopeo nerdctl helm oras az oc crane", re.compile(r"--password-stdin")),
    **_of("vault bao bw op kubectl kubeseal pass", STDIN_OPTION),
}


def is_secret_setting(word):
    """Whether the word names a secret, alone or as the last part of a path: ``app/db/password``."""
    return word[:1] != "-" and "=" not in word and is_secret_name(re.split(r"[/:]", word)[-1])


def program_of(word):
    """The name of the program that a word calls: without its folder, and ``.exe``."""
    if "/" in word or "\\" in word:
        word = re.split(r"[\\/]", word)[-1]
    name = word.lower()
    return name[:-4] if name.endswith(".exe") else name


def is_option(word):
    """Whether the word is an option, so that it is no value of the one in front."""
    return word[:1] == "-" and len(word) > 1 and not word[1:2].isdigit()
