"""The client by the REST API of a web service: what a token allows there, without a login to the database.

The database behind the service decides whose token it is and what that person may, as for everybody else. What the API
does not have is refused here by name.
"""

import http.client
import itertools
import json
import urllib.error
import urllib.parse
import urllib.request
import uuid

from ..errors import ConfigError, InputError, Refused, Unavailable
from ..intake import api_token, fields
from .api import DEFAULT_LIMIT, ROUTES, SHOWN_ITEMS, Client

PREFIX = "/api/v1"
TIMEOUT_S = 30
MOST_ON_A_PAGE = 200
MOST_BYTES = 256 * 1024 * 1024  # of an answer
LOCAL = ("localhost", "127.0.0.1", "::1")


class ServerClient(Client):
    """
    The Client that acts by the web service at ``address``, such as ``https://approval.example.com``, with ``token``.

    Raises ConfigError where these can be none.
    """

    def __init__(self, address, token):
        url = urllib.parse.urlsplit(address)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
            raise ConfigError("--server is the address of a web service, as in https://approval.example.com")
        if url.scheme == "http" and url.hostname not in LOCAL:
            raise ConfigError("--server must begin with https:, as the token would go there in plain text")
        if not api_token.is_whole(token):
            raise ConfigError(
                "this is no token of the API, or not all of it: one is made on the page of sessions of the web service"
            )
        self._address = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def request(
        self,
        request_type,
        minions,
        packages=None,
        reason=None,
        after=None,
        external_ref=None,
        on_behalf_of=None,
        overlap=None,
        dry_run=False,
        *,
        services=None,
        values=None,
        parameters=None,
        rollout=None,
    ):
        _refuse_given(external_ref=external_ref, on_behalf_of=on_behalf_of, rollout=rollout)
        after = fields.time("after", after)
        answer = self._call(
            "request",
            {
                "request_type": fields.text("the request type", request_type, "one of `types`"),
                "minions": fields.minions(minions),
                "reason": fields.text("the reason", reason, "reason='...'"),
                "after": after and after.isoformat(),
                "overlap": fields.optional_text("overlap", overlap),
                "dry_run": fields.flag("dry_run", dry_run),
                "packages": None if packages is None else _with_absent(fields.packages(packages)),
                "services": services,
                "values": values,
                "parameters": parameters,
            },
        )
        return answer if dry_run else self.show(answer["request"])

    def cancel(self, request_id, comment=""):
        return self._call("cancel", {"comment": comment}, request_id=fields.request_id(request_id))

    def revert(self, request_id, minions=None, reason=None, request_type="revert", overlap=None):
        asked = {
            "reason": fields.text("the reason", reason, "reason='...'"),
            "minions": None if minions is None else fields.minions(minions),
            "request_type": request_type,
            "overlap": overlap,
        }
        return self.show(self._call("revert", asked, request_id=fields.request_id(request_id))["request"])

    def approve(self, request_id, comment="", digest=None, stage=None):
        return self._decide("approve", request_id, comment, digest, stage)

    def reject(self, request_id, comment="", digest=None, stage=None):
        return self._decide("reject", request_id, comment, digest, stage)

    def review(self, request_id, comment=""):
        number = fields.request_id(request_id)
        self._call("review", {"comment": comment}, request_id=number)
        return self.show(number)

    def readings(self):
        return self._send("GET", "/whoami")[0]["reads"]

    def list(self, state=None, minion=None, limit=DEFAULT_LIMIT, mine=False, before=None, decided=False):
        query = {
            "state": state,
            "minion": minion,
            "mine": "true" if fields.flag("mine", mine) else None,
            "decided": "true" if fields.flag("decided", decided) else None,
        }
        rows = self._rows("list", limit, total="true", **query)
        if before is not None:
            number = fields.request_id(before)
            rows = (row for row in rows if row["request_id"] < number)
        return list(itertools.islice(rows, fields.count("limit", limit)))

    def inbox(self, person=None, limit=DEFAULT_LIMIT, after=None):
        _refuse_given(person=person)
        rows = self._rows("inbox", limit, total="true")
        if after is not None:
            number = fields.request_id(after)
            rows = (row for row in rows if row["request_id"] > number)
        return list(itertools.islice(rows, fields.count("limit", limit)))

    def show(self, request_id, outcomes=None, after=None, limit=SHOWN_ITEMS):
        number, most = fields.request_id(request_id), fields.count("limit", limit)
        shown = self._call("show", request_id=number)
        wanted = None if outcomes is None else fields.texts("outcomes", outcomes)
        rows = self._items(number, most, wanted)
        if after is not None:
            place = fields.texts("after", after)
            rows = (row for row in rows if _place(row) > place)
        items = list(itertools.islice(rows, most))
        is_more = next(rows, None) is not None
        return {**shown, "items": items, "next": _place(items[-1]) if is_more and items else None}

    def values(self, request_id, after=None, limit=SHOWN_ITEMS):
        place = None if after is None else fields.texts("after", after)
        number, most, items = fields.request_id(request_id), fields.count("limit", limit), []
        while True:
            asked = {"after": place, "limit": min(most - len(items), MOST_ON_A_PAGE)}
            answer = self._call("values", asked, request_id=number)
            items, place = items + answer["items"], answer["next"]
            if place is None or len(items) >= most:
                return {**answer, "items": items}

    def plan(self, request_id):
        return self._call("plan", request_id=fields.request_id(request_id))

    def type(self, name, version=None):
        _refuse_given(version=version)
        return self._call("type", name=fields.text("the request type", name, "one of `types`"))

    def what_if(self, request_type, minions=1, requester=None):
        _refuse_given(requester=requester)
        name = fields.text("the request type", request_type, "one of `types`")
        return self._call("what_if", {"minions": fields.count("minions", minions)}, request_type=name)

    def state(self, minion):
        return self._call("state", minion=fields.text("the minion id", minion, "one of `minions`"))

    def _decide(self, decision, request_id, comment, digest, stage):
        number = fields.request_id(request_id)
        if digest is None or stage is None:
            # The decision is on the request as it is now, in what the caller does not say.
            shown = self._call("show", request_id=number)
            digest, stage = digest or shown["digest"], stage or shown["stage"]
        asked = {"stage": stage, "comment": comment}
        return self._call(decision, asked, {"If-Match": f'"{digest}"'}, request_id=number)

    def _items(self, number, most, outcomes):
        address = f"/requests/{number}/items?" + urllib.parse.urlencode(
            {"limit": min(most + 1, MOST_ON_A_PAGE), "outcomes": outcomes or []}, doseq=True
        )
        yield from self._pages(address)

    def _rows(self, name, limit, **query):
        """The rows of all pages of a list, read as they are taken."""
        given = {key: text for key, text in query.items() if text is not None}
        given["limit"] = min(fields.count("limit", limit), MOST_ON_A_PAGE)
        yield from self._pages(f"{ROUTES[name][1]}?{urllib.parse.urlencode(given)}")

    def _pages(self, address):
        while address is not None:
            rows, address = self._send("GET", address)
            yield from rows

    def _call(self, name, given=None, headers=None, /, **in_path):
        """The answer of an operation, by its route; what is None is left out."""
        method, path = ROUTES[name]
        path = path.format(**{key: urllib.parse.quote(str(text), safe="") for key, text in in_path.items()})
        content = {key: value for key, value in (given or {}).items() if value is not None}
        if method == "GET":
            path += f"?{urllib.parse.urlencode(content)}" if content else ""
            return self._send(method, path)[0]
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": "application/json", **(headers or {})}
        return self._send(method, path, json.dumps(content).encode(), headers)[0]

    def _send(self, method, path, content=None, headers=None):
        """(the answer, the path of the next page or None). Raises InputError, Refused and Unavailable."""
        call = urllib.request.Request(  # noqa: S310 (the scheme was looked at)
            self._address + PREFIX + path, content, {"Authorization": f"Bearer {self._token}", **(headers or {})},
            method=method,
        )  # fmt: skip
        try:
            with self._opener.open(call, timeout=TIMEOUT_S) as response:
                return _read(response), _next(response.headers.get("Link"))
        except urllib.error.HTTPError as exc:
            with exc:
                raise _problem(exc) from None
        except (OSError, http.client.HTTPException) as exc:
            reason = getattr(exc, "reason", None) or exc
            raise Unavailable(f"{self._address} cannot be reached: {reason}") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Leads nowhere: the token is for this service alone."""

    def redirect_request(self, *_args):
        return None


def _refused(name):
    def method(_self, *_args, **_kwargs):
        raise InputError(f"{name.replace('_', ' ')}: this cannot be done by --server; use a login to the database")

    return method


# A method that is not above would do nothing.
for _name in ROUTES.keys() - vars(ServerClient).keys():
    setattr(ServerClient, _name, _refused(_name))


def _refuse_given(**arguments):
    for name, value in arguments.items():
        if value is not None:
            raise InputError(f"{name.replace('_', ' ')} cannot be given by --server; use a login to the database")


def _with_absent(packages):
    return {name: fields.ABSENT if version is None else version for name, version in packages.items()}


def _place(item):
    return [item["minion"], item["kind"], item["name"]]


def _next(link):
    """The path behind PREFIX in a header Link of the API."""
    if link is None:
        return None
    return link.removeprefix("<").partition(">")[0].removeprefix(PREFIX)


def _read(response):
    content = response.read(MOST_BYTES + 1)
    try:
        if len(content) > MOST_BYTES:
            raise ValueError
        return json.loads(content)
    except ValueError:
        raise Unavailable("the web service answers something else than this API does: look at the address") from None


def _problem(answer):
    """The error that an answer other than 200 and 201 says."""
    try:
        found = json.loads(answer.read(MOST_BYTES))
        detail, code = found["detail"], found["type"].rpartition("/")[2]
    except (ValueError, KeyError, TypeError, AttributeError):
        return Unavailable(f"the web service answers {answer.status}, and not as this API does: look at the address")
    if answer.status >= 500:
        return Unavailable(detail)
    return Refused(detail, code) if code.startswith("AP") else InputError(detail)
