"""The page that says when what is approved may be applied: windows, freezes, and what waits for an opening."""

import calendar
import datetime
import re
import uuid

import icalendar
from flask import Blueprint, Response, abort, g, request

from ..errors import InputError, Refused
from ..intake import fields
from . import answers, reader, wording

MOST = 1_000  # windows and freezes of a month, or in a file
ON_A_PAGE = 50
IN_A_DAY = 3  # links in a field of the grid
MONTH = re.compile(r"([12][0-9]{3})-(0[1-9]|1[0-2])")
BEFORE, AHEAD = datetime.timedelta(days=31), datetime.timedelta(days=366)  # what a file has
PRODUCT = "-//saltext-approval//calendar//EN"


def blueprint(people):
    """``/calendar`` and ``/calendar.ics``, for a people.People."""
    pages = Blueprint("calendars", __name__)

    @pages.get("/calendar")
    def month():
        number = request.args.get("request", "").strip()
        if "\0" in number:
            abort(400)
        zone = reader.current().zone
        first = _month(zone)
        begin, end = (datetime.datetime.combine(day, datetime.time(), zone) for day in (first, _next(first)))

        def read(client):
            """(the month, when the request may be applied, what is wrong with its number)."""
            found = client.calendar(begin, end, MOST)
            if not number:
                return found, None, None
            try:
                return found, client.next_opening(fields.request_id(number)), None
            except (InputError, Refused) as exc:
                if isinstance(exc, Refused) and not exc.sqlstate.startswith("AP"):
                    raise
                return found, None, exc

        shown, openings, problem = people.ask(read)
        events = _events(shown, begin, end)
        page = _page(len(events))
        return answers.page(
            "calendar.html", 422 if problem else 200, number=number, problem=problem, first=first,
            before=_next(first, -1), after=_next(first), events=events[(page - 1) * ON_A_PAGE : page * ON_A_PAGE],
            weeks=_weeks(first, events), page_number=page, pages=max(1, -(-len(events) // ON_A_PAGE)),
            held=shown["held"], calendars=shown["calendars"], openings=openings, is_cut=len(shown["events"]) == MOST,
            most=MOST, in_a_day=IN_A_DAY, person=g.person, mark=people.mark(),
        )  # fmt: skip

    @pages.get("/calendar.ics")
    def file():
        """The same as a file that calendars of people read: from a month ago until a year from now."""
        start = wording.now() - BEFORE
        shown = people.ask(lambda client: client.calendar(start, start + BEFORE + AHEAD, MOST))
        response = Response(
            _file(_events(shown, start, start + BEFORE + AHEAD), request.host_url), content_type="text/calendar"
        )
        response.headers["Content-Disposition"] = 'attachment; filename="approvals.ics"'
        return response

    return pages


def _month(zone):
    """The first day of the month in the address, by default this one; ends the request with 400 if it is none."""
    given = request.args.get("month")
    if given is None:
        return wording.now().astimezone(zone).date().replace(day=1)
    found = MONTH.fullmatch(given) or abort(400)
    return datetime.date(int(found[1]), int(found[2]), 1)


def _next(first, months=1):
    """The first day of the month so many months behind (or before) that of a first day."""
    return (first + datetime.timedelta(days=31 if months > 0 else -1)).replace(day=1)


def _page(count):
    """The number of the page of the list in the address, of as many as so many events need."""
    given = request.args.get("page", "1")
    if not (given.isascii() and given.isdigit() and len(given) <= 4):
        abort(400)
    return min(max(1, int(given)), max(1, -(-count // ON_A_PAGE)))


def _events(shown, begin, end):
    """
    What is on between two times, in order: the events of SessionClient.calendar(), times as datetimes in the reader's
    zone, and the requests that an opening lets go on, as events that end when they begin. Each has its place in
    the list as ``number``, and as ``page`` that of the page which has it.
    """
    found = [
        {**event, **{name: wording.moment(event[name]) for name in ("starts_at", "ends_at")}}
        for event in shown["events"]
    ]
    for held in shown["held"]:
        if held["until"] != "infinity" and begin <= (at := wording.moment(held["until"])) < end:
            found.append({**held, "kind": "request", "name": str(held["request"]), "starts_at": at, "ends_at": at})
    found.sort(key=lambda event: event["starts_at"])
    for number, event in enumerate(found):
        day = max(event["starts_at"], begin).date()
        # An event that ends at midnight is not on that day any more.
        last = max(event["starts_at"], min(event["ends_at"], end) - datetime.timedelta(microseconds=1))
        event.update(number=number, page=1 + number // ON_A_PAGE, day=day, last_day=max(day, last.date()))
    return found


def _weeks(first, events):
    """The weeks of the month, each as [(day, None where it is another month's, its events)]."""
    of_day = {}
    for event in events:
        for distance in range((event["last_day"] - event["day"]).days + 1):
            of_day.setdefault(event["day"] + datetime.timedelta(days=distance), []).append(event)
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    return [[(day if day.month == first.month else None, of_day.get(day, [])) for day in week] for week in weeks]


def _file(events, host):
    """The events as RFC 5545 has them; their ids are the same at each look at this host."""
    written = icalendar.Calendar()
    written.add("prodid", PRODUCT)
    written.add("version", "2.0")
    written.add("x-wr-calname", "Approvals")
    for event in events:
        entry = icalendar.Event()
        start, end = (event[name].astimezone(datetime.timezone.utc) for name in ("starts_at", "ends_at"))
        place = f"{host}{event['kind']}/{event['name']}/{start:%Y%m%dT%H%M%S}"
        entry.add("uid", str(uuid.uuid5(uuid.NAMESPACE_URL, place)))
        entry.add("dtstamp", wording.now())
        entry.add("dtstart", start)
        if end > start:
            entry.add("dtend", end)
        entry.add("summary", wording.event_name(event))
        if event["reason"]:
            entry.add("description", event["reason"])
        entry.add("transp", "TRANSPARENT")
        written.add_component(entry)
    return written.to_ical()
