"""People who are signed in at a proxy in front of the service, which says in a header who they are.

The header counts by the unix socket alone, whose file says who may connect: over the network, whoever reaches the port
could name anybody. The proxy has to set the header in each request, so that what a browser sends in it is lost.
"""

import re

from flask import request

from ..errors import ConfigError
from .oidc import NAME, TAKEN

WHERE = "approval:portal: proxied"
KNOWN = ("name", "header", "title")
# Headers that browsers and proxies have a meaning for cannot name people.
HEADER = re.compile(r"Remote-User|X-(?!Forwarded-|Request-Id$|Real-Ip$)[A-Z0-9]+(?:-[A-Z0-9]+)*", re.IGNORECASE)
LONGEST = 255  # characters of a name


class Proxied:
    """
    A way to sign in, as people.py says. How long ago somebody proved at the proxy who they are, nobody says here, so a
    session is never authenticated by it.

    provider
        Its name here, under which the database knows its people.
    header
        The header with the name of a person.
    title
        What people call the place where they are signed in.
    """

    template = "proxied.html"
    anew = None

    def __init__(self, provider, header, title):
        self.provider = provider
        self.header = header
        self.title = title

    def check(self):
        """Nothing is needed that could be missing."""

    def subject(self):
        """Who asks, as the proxy says in this request; None: it says nothing, or nothing that can be a name."""
        told = request.environ["approval.proxied"]
        try:
            name = (told or "").encode("latin-1").decode()  # WSGI's form of a header's bytes
        except UnicodeError:
            return None
        # A comma is how two headers become one: the browser's, and the proxy's.
        is_name = name and len(name) <= LONGEST and name.isprintable() and name == name.strip() and "," not in name
        return name if is_name else None

    def credential(self, subject):
        """
        A mark of the way, the same for all; None unless the proxy names this person in the request at hand: whoever
        is signed in there as somebody else, or no more, has no session here.
        """
        return self.header.lower() if subject == self.subject() else None


def load(section, is_by_socket):
    """
    The Proxied that the mapping under ``proxied`` describes.

    is_by_socket
        Whether the service is reached by a unix socket alone.

    Raises ConfigError, which names what is wrong.
    """
    if not isinstance(section, dict) or not {"name", "header"} <= section.keys() <= set(KNOWN):
        raise ConfigError(f"{WHERE} must be a mapping of name and header, and title if you like")
    name, header = section["name"], section["header"]
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
        raise ConfigError(
            f"{WHERE}: name must have small letters, digits, - and _, and be none of {', '.join(TAKEN)}: the policy "
            "knows people by it"
        )
    if not isinstance(header, str) or not HEADER.fullmatch(header):
        raise ConfigError(f"{WHERE}: header must be Remote-User, or a name that begins with X-, as in X-Remote-User")
    title = section.get("title", name)
    if not isinstance(title, str) or not title.strip() or not title.isprintable():
        raise ConfigError(f"{WHERE}: title must be a text")
    if not is_by_socket:
        raise ConfigError(
            f"{WHERE} needs approval:web: bind unix:/run/salt-approval-web/socket, as whoever reaches a port could "
            "name anybody"
        )
    return Proxied(name, header, title)
