"""What the stand-ins have in common: the server, its log, the routes, and the faults of the wire."""

import contextlib
import json
import re
import socket
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Faults of the wire, which any server has: the connection is cut before the effect, after it, or within the answer; a
# gateway answers in place of the server before the effect, or after it; the answer comes ``late_s`` seconds late.
FAULTS = ("cut_before", "cut_after", "cut_within", "bad_gateway", "bad_gateway_after", "late")
GATEWAY = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n"
)
SECRET_HEADERS = ("authorization", "x-sn-apikey", "cookie")
SECRET_FIELDS = ("client_secret", "password", "refresh_token", "token")


@dataclass
class Reply:
    """
    An answer. The body is bytes, a text (which is sent as HTML), or an object (as JSON); None: there is none.

    takes_over
        What is called with the socket, and the file of what comes in, when the head of the answer is sent; the
        connection ends with it. None: it is a usual answer.
    """

    status: int
    body: object = None
    headers: dict = field(default_factory=dict)
    takes_over: object = None

    def content(self):
        """(its bytes, its content type)"""
        if self.body is None:
            return b"", None
        if isinstance(self.body, bytes):
            return self.body, "application/octet-stream"
        if isinstance(self.body, str):
            return self.body.encode(), "text/html;charset=UTF-8"
        return json.dumps(self.body, ensure_ascii=False).encode(), "application/json;charset=UTF-8"


class Refused(Exception):
    """The request is answered with this Reply, and had no effect."""

    def __init__(self, status, body=None, headers=None):
        super().__init__(status, body)
        self.reply = Reply(status, body, headers or {})


@dataclass
class Request:
    """A request as it came. ``query`` has the last value of each parameter."""

    method: str
    path: str
    query: dict
    headers: object
    body: bytes


@dataclass
class Entry:
    """
    A line of the log.

    at
        Seconds since the epoch, when it came.
    path
        With the query.
    headers, body
        Without secrets; the body is the object of a JSON, the mapping of a form, else bytes.
    status
        That of the answer; None: it has not been answered, or the connection was cut.
    """

    at: float
    method: str
    path: str
    headers: dict
    body: object
    status: int | None = None


class Lies:
    """How often each lie is still to be told: a number, or True: always. Those of the wire can be confined."""

    def __init__(self, known):
        self.__dict__.update(dict.fromkeys(known, 0))
        # (method or None, regular expression of the path) of the requests that faults of the wire happen to.
        self.__dict__["where"] = None
        self.__dict__["_lock"] = threading.Lock()

    def __setattr__(self, name, value):
        if name not in self.__dict__:
            raise AttributeError(f"{name} is no lie of this stand-in")
        self.__dict__[name] = value

    def tell(self, name):
        """Whether the lie is to be told now, which is then counted."""
        with self._lock:
            left = self.__dict__[name]
            if left and left is not True:
                self.__dict__[name] = left - 1
            return bool(left)

    def fault(self, name, request):
        """Whether the fault is to happen to this request, which is then counted."""
        if self.where:
            method, path = self.where
            if method not in (None, request.method) or not re.search(path, request.path):
                return False
        return self.tell(name)


class Cut(Exception):
    """The connection is to be cut; the text says when."""


def route(method, path):
    """Has the method of a StandIn answer requests of this form, where ``{name}`` is one part of the path."""

    def mark(function):
        function.routes = [*getattr(function, "routes", ()), (method, path)]
        return function

    return mark


class StandIn:
    """
    A server on a port of its own, as a context manager. A subclass has methods with @route, which take a Request and
    the parts of the path and give a Reply or raise Refused; they are called one at a time, with its ``lock`` held.
    """

    LIES = ()

    def __init_subclass__(cls):
        super().__init_subclass__()
        cls._routes = [
            (method, path, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))), name)
            for name in dir(cls)
            for method, path in getattr(getattr(cls, name), "routes", ())
        ]

    def __init__(self, port=0):
        self.lies = Lies((*FAULTS, *self.LIES))
        self.late_s = 5.0
        self.log = []
        self.lock = threading.RLock()
        self._errors = []
        self._changed = threading.Condition()
        self._server = _Server(("127.0.0.1", port), self)
        self._port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self):
        self._server.begin()
        return self

    def __exit__(self, *_):
        self._server.kill()
        if self._errors:
            raise self._errors[0]

    def crash(self):
        """
        Ends the server as kill -9 does: connections are cut wherever they are, and new ones are refused. What has had
        its effect keeps it, as in a database; restart() goes on from there, at the same address.
        """
        self._server.kill()

    def restart(self):
        """Serves again after crash()."""
        self._server = _Server(("127.0.0.1", self._port), self)
        self._server.begin()

    def requests(self, method=None, path=""):
        """The entries of the log with this method, and a path that the regular expression is found in."""
        with self._changed:
            return [entry for entry in self.log if method in (None, entry.method) and re.search(path, entry.path)]

    def wait_for(self, condition, timeout_s=20):
        """Waits until the function is true, which is tried after each request. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(condition, timeout_s):
                raise TimeoutError(f"it never came to be, with this asked: {[(e.method, e.path) for e in self.log]}")

    def answer(self, request):
        """The Reply to a request, by its route."""
        methods = set()
        for method, path, pattern, name in self._routes:
            match = pattern.fullmatch(request.path)
            if not match:
                continue
            methods.add(method)
            if method == request.method:
                parts = {key: urllib.parse.unquote(value) for key, value in match.groupdict().items()}
                with self.lock:
                    self.admit(request, f"{method} {path}", parts)
                    return getattr(self, name)(request, **parts)
        if methods:
            raise Refused(405, self.error("Method Not Allowed"), {"Allow": ", ".join(sorted(methods))})
        raise self.unknown(request)

    def admit(self, request, endpoint, parts):
        """Raises Refused where a request may not come through, whatever it asks for."""

    def error(self, text):
        """The body of an error, in the form of this system."""
        return {"message": text}

    def unknown(self, request):
        """The Refused for a path that nothing is at."""
        return Refused(404, self.error(f"null for uri: {request.path}"))

    def _take(self, request, send, server):
        target = request.path + ("?" + urllib.parse.urlencode(request.query) if request.query else "")
        entry = Entry(time.time(), request.method, target, _without_secrets(request.headers), _readable(request))
        with self._changed:
            self.log.append(entry)
        try:
            self._answer(request, entry, send, server)
        finally:
            with self._changed:
                self._changed.notify_all()

    def _answer(self, request, entry, send, server):
        if server.is_dead or self.lies.fault("cut_before", request):
            raise Cut("before the effect")
        if self.lies.fault("bad_gateway", request):
            reply = Reply(502, GATEWAY)
        else:
            try:
                reply = self.answer(request)
            except Refused as refused:
                reply = refused.reply
            except Exception as error:
                # A fault of the stand-in itself fails the test that it serves, when that ends.
                self._errors.append(error)
                reply = Reply(500, self.error("Internal server error"))
            if server.is_dead or self.lies.fault("cut_after", request):
                raise Cut("after the effect")
            if self.lies.fault("bad_gateway_after", request):
                reply = Reply(502, GATEWAY)
        if self.lies.fault("late", request):
            time.sleep(self.late_s)
        entry.status = reply.status
        send(reply, cut_within=self.lies.fault("cut_within", request))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address, stand_in):
        super().__init__(address, _Handler)
        self.stand_in = stand_in
        self.is_dead = False
        self._connections = set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def begin(self):
        """Serves in a thread of its own."""
        self._thread.start()

    def kill(self):
        """Cuts all connections, and takes no more."""
        if self.is_dead:
            return
        self.is_dead = True
        self.shutdown()
        self.server_close()
        self._thread.join()
        for connection in list(self._connections):
            _hang_up(connection)

    def process_request(self, request, client_address):
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that goes away is no error of a server."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_ANY(self):
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        request = Request(self.command, parts.path, query, self.headers, self._body())
        try:
            self.server.stand_in._take(request, self._send, self.server)
        except Cut:
            self._hang_up()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_ANY

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, reply, cut_within):
        content, kind = reply.content()
        self.send_response(reply.status)
        if kind and "Content-Type" not in reply.headers:
            self.send_header("Content-Type", kind)
        for name, value in reply.headers.items():
            self.send_header(name, str(value))
        if reply.status not in (101, 204):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if reply.takes_over:
            self.connection.settimeout(None)
            reply.takes_over(self.connection, self.rfile)
            self._hang_up()
            return
        self.wfile.write(content[: len(content) // 2] if cut_within else content)
        if cut_within:
            self._hang_up()

    def _hang_up(self):
        self.close_connection = True
        _hang_up(self.connection)

    def log_message(self, *_):
        """Nothing on the standard error: the log of the stand-in has it all."""


def _hang_up(connection):
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def _without_secrets(headers):
    kept = {name: "(hidden)" if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}
    if "Authorization" in headers:
        kept["Authorization"] = headers["Authorization"].split(" ")[0] + " (hidden)"
    return kept


def _readable(request):
    kind = request.headers.get("Content-Type", "")
    if kind.startswith("application/x-www-form-urlencoded"):
        fields = urllib.parse.parse_qsl(request.body.decode(errors="replace"))
        return {name: "(hidden)" if name in SECRET_FIELDS else value for name, value in fields}
    with contextlib.suppress(ValueError):
        return json.loads(request.body)
    return request.body
