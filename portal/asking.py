"""Pages on which people ask: the types, a form, what would come of it, and the request itself. They need no script."""

import base64
import logging
import re
import secrets
from urllib.parse import urlencode

from flask import Blueprint, abort, g, redirect, request
from markupsafe import Markup

from ..errors import InputError, Refused, Unavailable
from ..intake import fields
from ..intake.items import ARGUMENTS
from . import answers, incoming, log, reader, sayings, wording
from .reader import gettext, gettext_noop

MOST_BYTES = 256 * 1024
FIELDS = ("type", "minions", "group", "items", "reason", "after", "zone", "overlap", "key", "digest", "search", "find")
KEY = re.compile("[a-z0-9]{16,64}")
FOUND = 20  # packages or minions
LONGEST_PART = 255  # characters of their names
LONGEST_ADDRESS = 4_000  # characters, which gunicorn and proxies take
# How a line of the form names an item, by the kind of the type.
READERS = {
    "package": fields.package_argument, "service": fields.service_argument, "value": fields.json_argument,
    "action": fields.json_argument,
}  # fmt: skip
HINTS = {
    "package": gettext_noop("One a line, with a version, latest or absent: hello 2.12-1"),
    "service": gettext_noop("One a line, running or dead: cron running"),
    "value": gettext_noop('One a line, as JSON: motd="Welcome"'),
    "action": gettext_noop("The parameters, one a line, as JSON: at_time=5"),
}
SCRIPTS = ("combobox.js",)
ADDS = {"add": "items", "pick": "minions"}  # acts that add a line, and to which field
CHANGED, SENT_BEFORE = "AP011", "AP013"


def blueprint(people):
    """``/requests/new``, for a people.People."""
    pages = Blueprint("asking", __name__)

    def form_page(client, given, status=200, **shown):
        """The page of the form, with what was typed."""
        definition = client.type(given["type"])["definition"]
        if definition["kind"] not in ARGUMENTS:
            abort(404)
        g.is_sensitive = "sensitive" in definition
        return answers.page(
            "ask.html", status, given=given, definition=definition, groups=client.groups(),
            hint=HINTS[definition["kind"]], person=g.person, mark=people.mark(), scripts=SCRIPTS, **shown,
        )  # fmt: skip

    @pages.errorhandler(Refused)
    def refused(exc):
        if not exc.sqlstate.startswith("AP"):
            raise exc
        return answers.page("refused.html", 404, why=exc, person=g.person, mark=people.mark())

    @pages.get("/requests/new")
    def new():
        given = _given(request.args)
        if given["type"]:
            return people.ask(lambda client: form_page(client, {**given, **_new()}))
        types = people.ask(lambda client: client.types())
        return answers.page("types.html", types=types, minions=given["minions"], person=g.person, mark=people.mark())

    @pages.get("/requests/new/options")
    def options():
        """What a field of the form offers for the text that stands in it, for static/combobox.js."""
        offered, text = OFFERED.get(request.args.get("field")), request.args.get("text", "").strip("\n").lstrip()
        if offered is None or not 0 < len(text) <= LONGEST_PART or "\0" in text:
            abort(400)
        found = people.ask(lambda client: offered(client, text))
        said = wording.count_of(len(found), "option") if found else gettext("Nothing is found.")
        return answers.as_json({"options": found, "said": said})

    @pages.post("/requests/new/form")
    def sent():
        incoming.form(MOST_BYTES)
        people.check_form()
        given = _given(request.form)
        act, _, name = request.form.get("act", "").partition(":")
        if not KEY.fullmatch(given["key"]) or act not in ("search", "add", "pick", "change", "look", "send"):
            abort(400)
        if act in ADDS:
            given[ADDS[act]] = f"{given[ADDS[act]].rstrip()}\n{name}".lstrip()
        if act == "send":
            return send(given)
        page = people.ask(lambda client: look(client, given) if act == "look" else form(client, given, act))
        # No browser keeps what is sensitive.
        return page if g.is_sensitive else answers.kept(page)

    def form(client, given, act):
        """The form as it stands, perhaps with the packages and minions that were looked for."""
        shown = {}
        if act == "search" and given["search"].strip():
            shown["found"] = client.packages(given["search"], limit=FOUND)
        if act == "search" and given["find"].strip():
            shown["found_minions"] = client.minions(given["find"].strip(), limit=FOUND)
        return form_page(client, given, **shown)

    def look(client, given, why=None):
        """What would be asked for, and who would have to approve it; or the form again, with what is wrong."""
        try:
            shown = client.tried(*_asked(client, given))
        except (InputError, Refused) as exc:
            if isinstance(exc, Refused) and not exc.sqlstate.startswith("AP"):
                raise
            return wrong(client, given, exc)
        g.is_sensitive = shown["shown_to"] is not None
        return answers.page(
            "ask_preview.html", 409 if why else 200, given={**given, "digest": shown["digest"]}, shown=shown, why=why,
            person=g.person, mark=people.mark(),
        )  # fmt: skip

    def wrong(client, given, exc):
        problem = exc
        if isinstance(exc, Refused) and exc.sqlstate == SENT_BEFORE:
            text = gettext("This form was sent before, with other content: %(why)s")
            problem = Markup(text) % {"why": sayings.said(exc)}  # noqa: S704 (a text of the catalog)
        return form_page(client, given, 422, problem=problem)

    def send(given):
        def asked(client):
            try:
                return client.request(*_asked(client, given), given["digest"])
            except InputError as exc:
                return wrong(client, given, exc)
            except Refused as exc:
                if not exc.sqlstate.startswith("AP"):
                    raise
                return look(client, given, exc) if exc.sqlstate == CHANGED else wrong(client, given, exc)

        if not given["digest"]:
            abort(400)
        try:
            answer = people.ask(asked)
        except Unavailable as exc:
            log.say("the database is away", logging.ERROR, why=exc)
            response = answers.page("ask_again.html", 503, given=given, mark=people.mark())
            response.headers["Retry-After"] = "5"
            return response
        return redirect(f"/requests/{answer}?done=ask", 303) if isinstance(answer, int) else answer

    return pages


def _packages(client, text):
    """Packages for a part of a name; behind a whole name and a space, what there is to ask for of that one."""
    name, gap, wanted = text.partition(" ")
    found = client.packages(name, limit=FOUND)
    if not gap:
        return [
            _option(f"{one['name']} ", one["name"], gettext("on %(minions)s") % {"minions": _minions_of(one)}, False)
            for one in found
        ]
    versions = next((sorted(one["versions"] or (), reverse=True) for one in found if one["name"] == name), None)
    contents = () if versions is None else (*versions[:FOUND], "latest", "absent")
    return [_option(f"{name} {one}", f"{name} {one}", "", True) for one in contents if one.startswith(wanted)]


def _minions_of(package):
    return wording.count_of(package["minions"], "minion")


def _minions(client, text):
    """Minions for a part of a name."""
    found = client.minions(text.strip(), limit=FOUND)
    systems = [" ".join(filter(None, (one["os"], one["os_release"]))) for one in found]
    return [
        _option(one["minion_id"], one["minion_id"], system, True) for one, system in zip(found, systems, strict=True)
    ]


def _option(value, text, note, is_whole):
    """One that is offered; if it is whole, it is a line of the form, and otherwise what stands in the field next."""
    return {"value": value, "text": text, "note": note, "is_whole": is_whole}


# The kinds of things that fields offer, by their names.
OFFERED = {"search": _packages, "find": _minions}


def _given(form):
    """{name: text} of the fields of the form; ends the request with 400 where one cannot be text for the database."""
    given = {name: form.get(name, "").replace("\r\n", "\n") for name in FIELDS}
    if any("\0" in text for text in given.values()) or given["overlap"] not in ("", "supersede", "wait"):
        abort(400)
    given["zone"] = given["zone"] or reader.UTC
    if reader.named(given["zone"]) is None:
        abort(400)
    return given


def _new():
    """What a form has of its own from the beginning on."""
    return {"key": new_key(), "digest": "", "zone": reader.current().zone.key}


def new_key():
    """The key of a new form, by which the same form sent twice is one request."""
    return base64.b32encode(secrets.token_bytes(20)).decode().lower()


def again(shown):
    """
    The address of a form for the same once more, of a request as SessionClient.show() has it; None where that is more
    than an address has room for, or not the same on each minion.
    """
    minions = {item["minion"] for item in shown["items"]}
    lines = [_line(item) for group in shown["groups"] for item in group["items"]]
    if len(shown["groups"]) != 1 or len(minions) != shown["minion_count"] or None in lines:
        return None
    address = "/requests/new?" + urlencode(
        {
            "type": shown["type"],
            "minions": "\n".join(sorted(minions)),
            "items": "\n".join(lines),
            "reason": shown["reason"],
        }
    )
    return address if len(address) <= LONGEST_ADDRESS else None


def _line(item):
    """How a line of the form says the item; None where it cannot, as of an action, which is more than its name."""
    content = "absent" if item["type"] == "absent" else item["value"]
    if item["kind"] == "action" or not isinstance(content, str) or set("= \t\n") & set(item["name"]):
        return None
    if content == "•••":
        return None
    return f"{item['name']}={content}" if item["kind"] == "value" else f"{item['name']} {content}"


def _asked(client, given):
    """The arguments of SessionClient.tried() from what was typed. Raises InputError."""
    reason = given["reason"].strip()
    if not reason:
        raise InputError(gettext("say why: whoever approves it has to know"))
    kind = client.type(given["type"])["definition"]["kind"]
    if kind not in ARGUMENTS:
        abort(404)
    minions = _lines(given["minions"])
    if given["group"]:
        minions += client.group(given["group"])
    if not minions:
        raise InputError(gettext("name the minions, one a line, or choose a group of them"))
    # In the zone of the page where it was typed, whatever the reader's is by now.
    after = fields.time("not before", given["after"].strip() or None, reader.named(given["zone"]))
    wanted = {ARGUMENTS[kind]: _items(kind, given["items"])}
    return given["type"], fields.minions(minions), wanted, reason, after, given["overlap"] or None, given["key"]


def _items(kind, text):
    """The items of lines, as {name: what they want of it}."""
    wanted = {}
    for line in _lines(text):
        name, content = READERS[kind](line if "=" in line else "=".join(line.split(None, 1)))
        if name in wanted:
            raise InputError(gettext("%(name)s stands there twice") % {"name": name})
        wanted[name] = content
    return wanted


def _lines(text):
    return [line.strip() for line in text.splitlines() if line.strip()]
