"""The front of the web service: who asks, by which scheme, and under which id the log has it."""

import contextlib
import ipaddress
import json
import re
import uuid

# An id that a proxy gave, so that its log and ours can be compared.
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST",
             "HTTP_X_FORWARDED_PORT", "HTTP_X_FORWARDED_PREFIX", "HTTP_X_REQUEST_ID", "HTTP_X_REAL_IP")  # fmt: skip
ONLY_PROXIES = "Only the proxies of this service are answered here."


class Front:
    """
    WSGI in front of the application ``application``, by the config.Web ``web``.

    A trusted proxy tells the client's address and the scheme, by the rightmost entries, which are those that the
    proxy itself wrote; what another peer sends in such headers is dropped. The environment gets
    ``approval.request_id``; ``approval.client``: the address that asked; and ``approval.proxied``: what whoever comes
    by the unix socket says in the header ``names_people``, None from others and where it says nothing.
    """

    def __init__(self, application, web, names_people=None):
        self._application = application
        self._web = web
        self._names_people = names_people and "HTTP_" + names_people.upper().replace("-", "_")

    def __call__(self, environ, start_response):
        """Answer a request."""
        peer = environ.get("REMOTE_ADDR", "")
        told = {name: environ.pop(name, "") for name in FORWARDED}
        named = environ.pop(self._names_people, None)
        is_by_socket = self._is_by_socket(peer)
        is_trusted = is_by_socket or self._is_trusted(peer)
        environ["approval.proxied"] = named if is_by_socket else None
        environ["approval.client"] = peer
        environ["approval.request_id"] = uuid.uuid4().hex
        if is_trusted:
            self._believe(environ, told)
        elif self._web.only_proxies:
            body = json.dumps({"title": "Forbidden", "status": 403, "detail": ONLY_PROXIES}).encode() + b"\n"
            headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body)))]
            start_response("403 Forbidden", headers)
            return [body]
        return self._application(environ, start_response)

    def _is_by_socket(self, peer):
        """Whether it came by the unix socket, whose file says who may connect, and whose peers have no address."""
        return peer == "" and self._web.bind.startswith("unix:")

    def _is_trusted(self, peer):
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._web.trusted_proxies)

    @staticmethod
    def _believe(environ, told):
        client = _rightmost(told["HTTP_X_FORWARDED_FOR"])
        with contextlib.suppress(ValueError):
            environ["approval.client"] = environ["REMOTE_ADDR"] = str(ipaddress.ip_address(client))
        scheme = _rightmost(told["HTTP_X_FORWARDED_PROTO"]).lower()
        if scheme in ("http", "https"):
            environ["wsgi.url_scheme"] = scheme
        if ID.fullmatch(told["HTTP_X_REQUEST_ID"]):
            environ["approval.request_id"] = told["HTTP_X_REQUEST_ID"]


def _rightmost(value):
    return value.rpartition(",")[2].strip()
