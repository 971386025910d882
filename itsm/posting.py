"""
Systems of which nothing is asked are told by signed JSON that is posted to their address: what a ticket's comment would
be, and what it is made of.

A message comes again until it was taken, so one may come twice: ``mark`` tells.
"""

import datetime
import json
import urllib.parse

from . import markup, signature
from .http import Http
from .telling import comment_of


class Unproven:
    """Credentials of a question that proves itself, by a signature of its body."""

    def headers(self, http):
        """None."""
        return {}

    def renew(self):
        """A question that was refused is refused again."""
        return False

    def secrets(self):
        """None stands in a question."""
        return ()


class Posting:
    """
    Tells one site of kind generic.

    site
        A sites.Site with an address.
    writer
        A texts.Writer for it.
    value
        Calls a function of the database by its name, with arguments, and gives its one value.
    """

    def __init__(self, site, writer, value):
        self._site, self._writer, self._value = site, writer, value
        address = urllib.parse.urlsplit(site.url)
        self._path = address.path
        self._http = Http(site.provider, f"{address.scheme}://{address.netloc}", Unproven())

    def tell(self, request, seq, event):
        """As Telling.tell(). Raises Away, Denied and ConfigError."""
        news = self._value("ticket_news", self._site.provider, request)
        found = news and comment_of(self._writer, news, seq, event)
        if not found:
            return
        mark, blocks, is_renewed = found
        content = {
            "mark": mark,
            "replaces": is_renewed,
            "event": event,
            "ticket": {"id": news["ticket"]["id"], "key": news["ticket"]["key"]},
            "request": news["request"],
            "state": news["state"],
            "minions": {"all": news["minion_count"], **news["verdicts"]},
            "text": markup.plain(blocks),
        }
        body = json.dumps(content).encode()
        signed = signature.sign_own(self._site.secrets, body, datetime.datetime.now(datetime.timezone.utc))
        self._http.request("POST", self._path, file=body, headers=signed)
