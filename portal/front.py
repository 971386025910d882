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
    ``approval.request_id``, and ``approval.client``: the address that asked.
    """

    def __init__(self, application, web):
        self._application = application
        self._web = web

    def __call__(self, environ, start_response):
        """Answer a request."""
        peer = environ.get("REMOTE_ADDR", "")
        told = {name: environ.pop(name, "") for name in FORWARDED}
        is_trusted = self._is_trusted(peer)
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

    def _is_trusted(self, peer):
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            # By the unix socket, whose file says who may connect.
            return self._web.bind.startswith("unix:")
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
