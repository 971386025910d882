"""The part of a master's configuration about this extension: nothing else reads it.

Used for every pillar, so it imports nothing heavy.
"""

import functools
import os
import re
import time
from dataclasses import dataclass, field

from . import config
from .errors import ConfigError


@dataclass(frozen=True)
class Part:
    """
    A part of a master, which has a login of its own.

    where
        Where its settings stand, for people.
    role, login, dsn_file
        The role that its login has, and no other; the login that `db init --logins` makes, and the file that it writes.
    own
        The names of its settings beside those of the connection.
    """

    where: str
    role: str
    login: str
    dsn_file: str
    own: tuple = ()

    @property
    def example(self):
        """The least that has to stand in the configuration."""
        if self.where == PILLAR:
            return f"ext_pillar:\n  - approval:\n      dsn_file: /etc/salt/approval/{self.dsn_file}"
        name = self.where.partition(":")[2]
        return f"approval:\n  {name}:\n    dsn_file: /etc/salt/approval/{self.dsn_file}"


PILLAR = "ext_pillar approval"
PARTS = {
    "pillar": Part(
        PILLAR, "approval_exporter", "salt_exporter", "exporter.dsn", ("key", "mode", "snapshot", "max_age")
    ),
    "returner": Part(
        "approval:returner", "approval_returner", "salt_returner", "returner.dsn", ("mode", "spool", "spool_max_mb")
    ),
    "runner": Part("approval:runner", "approval_operator", "salt_runner", "runner.dsn", ("provider",)),
    "engine": Part(
        "approval:engine", "approval_engine", "salt_engine", "engine.dsn", ("listen_dsn_file", "workers", "metrics")
    ),
}
# Parts that run on a machine of their own, where no master is needed.
SERVICE_PARTS = {
    "itsm": Part("approval:itsm", "approval_itsm", "salt_itsm", "itsm.dsn", ("sites",)),
    "chat": Part("approval:chat", "approval_chat", "salt_chat", "chat.dsn", ("channels",)),
    "portal": Part("approval:portal", "approval_portal", "salt_portal", "portal.dsn", ("passwords", "oidc", "proxied")),
}
CACHEDIR = "/var/cache/salt/master"
SERVICE_CACHEDIR = "/var/cache/salt-approval"
READ_FROM = ("database", "snapshot")
# In mode snapshot, one that is not refreshed any more must not go on unnoticed while the database can be asked.
FRESH_S = 60.0
KEEP_LOG_DAYS_MAX = 36_500
ADDRESS = re.compile(r"(?:(?P<host>[^\s:\[\]]+)|\[(?P<host6>[^\s\[\]]+)\]):(?P<port>[0-9]{1,5})")
LONGEST_SOCKET = 107  # bytes that Linux takes
TEXTFILE = ".prom"


@dataclass(frozen=True)
class Settings:
    """
    The settings of each part, read from the configuration ``opts`` when they are asked for.

    Every method raises ConfigError for settings that are wrong, which names them.
    """

    opts: dict = field(repr=False)

    @classmethod
    def from_master(cls, opts):
        """Of the configuration as Salt hands it to its modules."""
        return cls(opts)

    @classmethod
    def from_file(cls, path):
        """Of a master's configuration file with Salt's defaults; without Salt, of the file and its master.d alone."""
        if not os.path.isfile(path):
            raise ConfigError(f"there is no file {path}: name the master's configuration with --master-config")
        try:
            import salt.config
        except ImportError:
            return cls(_master_yaml_of(path))
        return cls(salt.config.master_config(path))

    @classmethod
    def from_service_file(cls, path):
        """
        Of the file of a service, which runs where no master is: the settings below ``approval`` are those of a master.
        """
        if not os.path.isfile(path):
            raise ConfigError(f"there is no file {path}: name the settings of the service with --config")
        return cls({"cachedir": SERVICE_CACHEDIR, **_yaml_of(path)})

    @property
    def cachedir(self):
        """Salt's directory for what can be made again."""
        return self.opts.get("cachedir") or CACHEDIR

    def section(self, part):
        """The settings of a part as they stand there; None where there are none."""
        if part == "pillar":
            return self.pillars[-1] if self.pillars else None
        ours = self.opts.get("approval") or {}
        if not isinstance(ours, dict):
            raise ConfigError(f"approval must be a mapping of {', '.join(name for name in PARTS if name != 'pillar')}")
        return ours.get(part) or None

    @property
    def pillars(self):
        """The settings of each entry of ours under ``ext_pillar``: of several the last one wins."""
        entries = self.opts.get("ext_pillar") or []
        return [entry["approval"] for entry in entries if isinstance(entry, dict) and "approval" in entry]

    def connection(self, part, uid=None):
        """The config.Connection of a part. ``uid``: the account for which its files are, by default this process's."""
        section, known = self.section(part), PARTS.get(part) or SERVICE_PARTS[part]
        if section is None:
            raise ConfigError(
                f"{known.where} is not configured: set dsn_file: /etc/salt/approval/{known.dsn_file} there"
            )
        return config.connection(section, known.where, known.own, uid)

    def source(self):
        """The Source of pillars."""
        return source(self.section("pillar"), self.cachedir)

    def snapshot(self):
        """The directory of the snapshot, without a look at the connection; None on a master without our pillar."""
        section = self.section("pillar")
        return None if section is None else reading(section, self.cachedir)["snapshot"]

    def state_arguments(self):
        """The arguments that the configuration makes functions on minions need: pillar_key, unless it is as usual."""
        section = self.section("pillar")
        key = section.get("key") if isinstance(section, dict) else None
        return {"pillar_key": key} if key else {}

    def provider(self):
        """Whose user names those are that Salt gives to its runner."""
        return (self.section("runner") or {}).get("provider", "salt")

    @property
    def main_part(self):
        """
        The part whose login listens to the database: ``engine``; where that has none, the first of ``itsm`` and
        ``chat`` that there is.
        """
        engine = self.section("engine")
        if isinstance(engine, dict) and any(source in engine for source in config.SOURCES):
            return "engine"
        return next((part for part in ("itsm", "chat") if self.section(part) is not None), "engine")

    def listen_connection(self):
        """
        The Connection for LISTEN: ``listen_dsn_file`` where the engine's other goes through a pooler that hands
        sessions around, else that of the main part.
        """
        section = self.section("engine")
        path = section.get("listen_dsn_file") if isinstance(section, dict) else None
        if path is None:
            return self.connection(self.main_part)
        return config.Connection(config.read_dsn_file(path, "approval:engine: listen_dsn_file"))

    def worker(self, name):
        """The settings of a worker of the engine, {} by default; None where it is switched off, by ``false``."""
        settings = self.workers().get(name, {})
        if settings is False:
            return None
        if not isinstance(settings, dict):
            raise ConfigError(f"approval:engine:workers:{name} must be a mapping of settings, or false")
        return settings

    def workers(self):
        """The mapping ``approval:engine:workers``, whatever names stand in it."""
        section = self.section("engine")
        workers = (section.get("workers") if isinstance(section, dict) else None) or {}
        if not isinstance(workers, dict):
            raise ConfigError("approval:engine:workers must be a mapping of workers to settings, or to false")
        return workers

    def ticket_sites(self):
        """The mapping ``approval:itsm:sites``, as it stands there: itsm/sites.py reads it."""
        section = self.section("itsm")
        sites = section.get("sites") if isinstance(section, dict) else None
        if not isinstance(sites, dict) or not sites:
            raise ConfigError("approval:itsm:sites must be a mapping of names of sites to their settings")
        return sites

    def chat_channels(self):
        """The mapping ``approval:chat:channels``, as it stands there: chat/channels.py reads it."""
        section = self.section("chat")
        channels = section.get("channels") if isinstance(section, dict) else None
        if not isinstance(channels, dict) or not channels:
            raise ConfigError("approval:chat:channels must be a mapping of names of channels to their settings")
        return channels

    def web(self):
        """What stands under ``approval:web``: portal/config.py reads it."""
        section = self.section("web")
        if section is None:
            raise ConfigError(
                "approval:web is not configured: set public_url: https://approval.example.com there, the address of "
                "this service for others"
            )
        return section

    def public_url(self):
        """``approval:web:public_url``, where people find the web service; None where nothing is said."""
        section = self.section("web")
        url = section.get("public_url") if isinstance(section, dict) else None
        if url is not None and not (isinstance(url, str) and url.startswith(("https://", "http://"))):
            raise ConfigError("approval:web: public_url must be an address, as in https://approval.example.com")
        return url

    def metrics(self):
        """The Metrics under ``approval:engine:metrics``; None: nothing stands there."""
        section = self.section("engine")
        given = section.get("metrics") if isinstance(section, dict) else None
        return None if given is None else _metrics(given)

    def masking_patterns(self):
        """The texts under ``approval:masking:patterns``, as a tuple."""
        section = self.section("masking")
        if section is None:
            return ()
        if not isinstance(section, dict) or set(section) - {"patterns"}:
            raise ConfigError("approval:masking must be a mapping with patterns, and nothing else")
        patterns = section.get("patterns") or []
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise ConfigError("approval:masking:patterns must be a list of regular expressions, each in quotes")
        return tuple(patterns)

    def keep_log_days(self):
        """``approval:job_log:keep_days``: so many days the job log is kept; None where nothing is said."""
        section = self.section("job_log")
        if section is None:
            return None
        if not isinstance(section, dict) or set(section) != {"keep_days"}:
            raise ConfigError("approval:job_log must be a mapping with keep_days, and nothing else")
        days = section["keep_days"]
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= KEEP_LOG_DAYS_MAX:
            raise ConfigError(f"approval:job_log: keep_days must be a whole number from 1 to {KEEP_LOG_DAYS_MAX}")
        return days

    def pillar_cache_problem(self):
        """(problem, remedy) if Salt's cache of pillars is on, else None."""
        if not self.opts.get("pillar_cache"):
            return None
        return (
            "pillar_cache: True serves pillars past their time: minions act on outdated approvals",
            "Set pillar_cache: False (the default).",
        )


@dataclass(frozen=True)
class Metrics:
    """
    The places where the engine offers its metrics.

    address
        (host, port) to listen at; None: at none.
    socket, textfile
        The full paths of a socket to listen at, and of a file to write; None: none.
    """

    address: tuple | None = None
    socket: str | None = None
    textfile: str | None = None


def _metrics(given):
    where, known = "approval:engine:metrics", ("port", "address", "socket", "textfile")
    if not isinstance(given, dict) or not given:
        raise ConfigError(f"{where} must be a mapping with at least one of {', '.join(known)}")
    for name in given:
        if name not in known:
            raise ConfigError(f"{where}: there is no setting {name!r} (known: {', '.join(known)})")
    if "port" in given and "address" in given:
        raise ConfigError(f"{where}: port and address exclude each other: an address has a port, as in 192.0.2.1:9810")
    address = None
    if "port" in given:
        if not _is_port(given["port"]):
            raise ConfigError(f"{where}: port must be a whole number, 1 to 65535")
        address = ("127.0.0.1", given["port"])
    elif "address" in given:
        found = ADDRESS.fullmatch(given["address"]) if isinstance(given["address"], str) else None
        if found is None or not _is_port(int(found["port"])):
            raise ConfigError(f"{where}: address must be host:port, as in 192.0.2.1:9810 or '[2001:db8::1]:9810'")
        address = (found["host"] or found["host6"], int(found["port"]))
    paths = {name: given[name] for name in ("socket", "textfile") if name in given}
    for name, path in paths.items():
        if not isinstance(path, str) or not os.path.isabs(path):
            raise ConfigError(f"{where}: {name} must be the full path of a file")
    if len(os.fsencode(paths.get("socket", ""))) > LONGEST_SOCKET:
        raise ConfigError(f"{where}: the path of a socket can have {LONGEST_SOCKET} bytes")
    if not paths.get("textfile", TEXTFILE).endswith(TEXTFILE):
        raise ConfigError(f"{where}: the name of textfile must end in {TEXTFILE}, or node_exporter does not read it")
    return Metrics(address, **paths)


def _is_port(value):
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 65535


@dataclass(frozen=True)
class Source:
    """
    The place from which a minion's approved state is read.

    connection
        A config.Connection.
    key
        The key of the pillar.
    reading
        What reading() gives: where the snapshot is, and when it is asked.
    """

    connection: config.Connection
    key: str
    reading: dict = field(default_factory=dict)


def source(settings, cachedir):
    """
    The Source that the mapping ``settings``, an entry of ours under ``ext_pillar``, describes.

    cachedir
        Salt's, below which the snapshot is unless the settings say otherwise.

    Raises ConfigError. The settings and the file that they name are looked at once a second.
    """
    second = int(time.monotonic())
    try:
        return _source(second, cachedir, **settings)
    except TypeError:
        # Settings that cannot be kept, such as lists: none of ours may be one, so the text says which.
        return _source.__wrapped__(second, cachedir, **settings)


@functools.lru_cache(maxsize=4, typed=True)
def _source(second, cachedir, /, **settings):
    connection = config.connection(settings, PILLAR, PARTS["pillar"].own)
    key = settings.get("key", "approval")
    if not isinstance(key, str) or not key:
        raise ConfigError(f"{PILLAR}: key must be a non-empty text")
    return Source(connection, key, reading(settings, cachedir))


def reading(settings, cachedir):
    """
    The keyword arguments of ``_core.document`` that such an entry gives, beside those of the connection. Raises
    ConfigError.
    """
    if not isinstance(settings, dict):
        raise ConfigError(f"{PILLAR} must be a mapping of settings")
    mode = settings.get("mode", "database")
    if mode not in READ_FROM:
        raise ConfigError(f"{PILLAR}: mode must be {' or '.join(READ_FROM)}")
    snapshot = settings.get("snapshot") or os.path.join(cachedir, "approval", "snapshot")
    if not isinstance(snapshot, str) or not os.path.isabs(snapshot):
        raise ConfigError(f"{PILLAR}: snapshot must be the full path of a directory")
    # One environment of LMDB must not be opened twice in a process.
    found = {"snapshot": os.path.normpath(snapshot)}
    max_age = settings.get("max_age")
    if max_age is not None:
        if isinstance(max_age, bool) or not isinstance(max_age, int | float) or not max_age > 0:
            raise ConfigError(f"{PILLAR}: max_age must be a number of seconds above 0")
        found["max_age"] = float(max_age)
    if mode == "snapshot":
        found["snapshot_first"] = found.get("max_age", FRESH_S)
    return found


def _master_yaml_of(path):
    """The settings in a master's file and in its master.d, without Salt's defaults."""
    folder = os.path.join(os.path.dirname(path), "master.d")
    parts = [path]
    if os.path.isdir(folder):
        parts += [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".conf")]
    opts = {}
    for part in parts:
        opts.update(_yaml_of(part))
    return opts


def _yaml_of(path):
    """The mapping in a YAML file, {} in an empty one."""
    import yaml

    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file) or {}
    except (OSError, ValueError, yaml.YAMLError):
        raise ConfigError(f"{path} cannot be read as YAML") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must be a mapping of settings")
    return content
