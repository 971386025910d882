"""The settings of the web service, as they stand under ``approval:web``."""

import ipaddress
import os
import ssl
import urllib.parse
from dataclasses import dataclass

from .. import config
from ..errors import ConfigError

WHERE = "approval:web"
BIND = "127.0.0.1:8087"
UNIX = "unix:"
LONGEST_SOCKET = 107  # bytes that Linux takes
LOCAL = ("localhost", "127.0.0.1", "::1")
# Name -> (least, most, default).
NUMBERS = {
    "workers": (1, 64, 2),
    "threads": (1, 256, 16),
    "connections": (1, 10_000, 500),
    "request_seconds": (1, 120, 10),
    "stop_seconds": (1, 300, 20),
}
KNOWN = ("bind", "public_url", "tls", "trusted_proxies", "root_routes", "metrics", *NUMBERS)


@dataclass(frozen=True)
class Web:
    """
    The settings of the web service.

    bind
        ``HOST:PORT``, or ``unix:`` and the full path of a socket.
    public_url
        The address at which people and other systems reach it, without a slash at its end.
    certificate, key
        Files in PEM; None: no TLS here.
    trusted_proxies
        Networks whose X-Forwarded-For and X-Forwarded-Proto are believed. Whoever comes by the unix socket is
        believed too.
    only_proxies
        Whether nobody but these is answered: what others sent would have come over the network in plain text.
    root_routes
        The site whose routes of rules are at ``/`` too; None: no site's.
    metrics
        (host, port) at which the service tells its metrics to whoever asks; None: nowhere.
    workers, threads
        Processes, and threads of each.
    connections
        Connections that each process keeps open at the most.
    request_seconds
        In so many seconds a request has been sent and answered, or its connection is cut.
    stop_seconds
        So long the end of the service waits for requests that are under way.
    """

    bind: str
    public_url: str
    certificate: str | None = None
    key: str | None = None
    trusted_proxies: tuple = ()
    only_proxies: bool = False
    root_routes: str | None = None
    metrics: tuple | None = None
    workers: int = NUMBERS["workers"][2]
    threads: int = NUMBERS["threads"][2]
    connections: int = NUMBERS["connections"][2]
    request_seconds: int = NUMBERS["request_seconds"][2]
    stop_seconds: int = NUMBERS["stop_seconds"][2]


def load(section):
    """The Web that the mapping under ``approval:web`` describes. Raises ConfigError, which names what is wrong."""
    if not isinstance(section, dict):
        raise ConfigError(f"{WHERE} must be a mapping of settings, with public_url at least")
    for name in section:
        if name not in KNOWN:
            raise ConfigError(f"{WHERE}: there is no setting {name!r} (known: {', '.join(KNOWN)})")
    bind, host = _bind(section.get("bind", BIND))
    certificate, key = _tls(section.get("tls"))
    proxies = _networks(section.get("trusted_proxies", []))
    is_local = host is None or _is_loopback(host)
    if not is_local and certificate is None and not proxies:
        raise ConfigError(
            f"{WHERE}: bind {bind} can be reached over the network, where tokens must not go in plain text: set tls, "
            "or trusted_proxies to the proxy that does TLS, or bind to 127.0.0.1"
        )
    return Web(
        bind,
        _public_url(section.get("public_url")),
        certificate,
        key,
        proxies,
        only_proxies=not is_local and certificate is None,
        root_routes=_root_routes(section.get("root_routes")),
        metrics=_metrics(section.get("metrics"), bind),
        **{name: _number(section, name) for name in NUMBERS},
    )


def _bind(value):
    """(the value, the host in it or None for a socket)."""
    right = f"{WHERE}: bind must be host:port, as in {BIND} or '[::1]:8087', or unix:/run/salt-approval-web/socket"
    if not isinstance(value, str):
        raise ConfigError(right)
    if value.startswith(UNIX):
        path = value[len(UNIX) :]
        if not os.path.isabs(path) or os.path.basename(path) == "":
            raise ConfigError(right)
        if len(os.fsencode(path)) > LONGEST_SOCKET:
            raise ConfigError(f"{WHERE}: bind: the path of a socket can have {LONGEST_SOCKET} bytes")
        return value, None
    host, colon, port = value.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ConfigError(right)
    try:
        if host.startswith("[") and host.endswith("]"):
            return value, str(ipaddress.IPv6Address(host[1:-1]))
        if host == "localhost":
            return f"127.0.0.1:{port}", "127.0.0.1"
        return value, str(ipaddress.IPv4Address(host))
    except ValueError:
        raise ConfigError(f"{right}; the host is an address, or localhost") from None


def _is_loopback(host):
    return ipaddress.ip_address(host).is_loopback


def _public_url(value):
    right = f"{WHERE}: public_url must be the address of this service for others, as in https://approval.example.com"
    if not isinstance(value, str):
        raise ConfigError(right)
    try:
        url = urllib.parse.urlsplit(value)
        is_right = url.scheme in ("http", "https") and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        is_right = False
    if not is_right or url.username is not None or url.query or url.fragment or not value.isprintable() or " " in value:
        raise ConfigError(right)
    if url.path not in ("", "/"):
        raise ConfigError(f"{right}; it has no path")
    if url.scheme == "http" and url.hostname not in LOCAL:
        raise ConfigError(f"{WHERE}: public_url must begin with https:, as tokens would go there in plain text")
    return f"{url.scheme}://{url.netloc}"


def _tls(value):
    """(file of the certificate, file of its key), or None twice; both are tried."""
    if value is None:
        return None, None
    where = f"{WHERE}:tls"
    if not isinstance(value, dict) or set(value) != {"certificate", "key"}:
        raise ConfigError(f"{where} must be a mapping of certificate and key, the full paths of two files in PEM")
    for name, path in value.items():
        if not isinstance(path, str) or not os.path.isabs(path):
            raise ConfigError(f"{where}: {name} must be the full path of a file in PEM")
    config.check_private(value["key"], f"{where}: key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    asked = []  # for a passphrase, which OpenSSL itself would ask for at the terminal
    try:
        context.load_cert_chain(value["certificate"], value["key"], password=lambda: asked.append(1) or "")
    except OSError as exc:
        if asked:
            problem = "the key has a passphrase, which nobody is there to type"
        elif not isinstance(exc, ssl.SSLError):
            problem = exc.strerror
        elif exc.reason == "KEY_VALUES_MISMATCH":
            problem = "the key is not that of the certificate"
        else:
            problem = "they are not in PEM"
        raise ConfigError(f"{where}: {value['certificate']} and {value['key']} cannot be used: {problem}") from None
    return value["certificate"], value["key"]


def _networks(value):
    right = f"{WHERE}: trusted_proxies must be a list of addresses or networks, as in [127.0.0.1, 10.1.2.0/24]"
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(right)
    try:
        networks = tuple(ipaddress.ip_network(one) for one in value)
    except ValueError as exc:
        raise ConfigError(f"{right}; {exc}") from None
    if any(network.prefixlen == 0 for network in networks):
        raise ConfigError(f"{WHERE}: trusted_proxies would have everybody be a proxy: name the addresses of yours")
    return networks


def _root_routes(value):
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"{WHERE}: root_routes must be the name of a site below approval:itsm:sites")
    return value


def _metrics(value, bind):
    if value is None:
        return None
    right = f"{WHERE}: metrics must be host:port, as in 127.0.0.1:9811, with another port than bind"
    try:
        address, host = _bind(value)
    except ConfigError:
        raise ConfigError(right) from None
    port = address.rpartition(":")[2]
    if host is None or bind.endswith(f":{port}"):
        raise ConfigError(right)
    return host, int(port)


def _number(section, name):
    least, most, default = NUMBERS[name]
    value = section.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ConfigError(f"{WHERE}: {name} must be a whole number from {least} to {most}")
    return value
