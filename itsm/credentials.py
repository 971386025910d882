"""
What proves to a site who we are. Secrets are read from their files when they are needed, so a new one needs no restart.

Each class has ``headers(http)``, which gives the headers of a question; ``renew()``, which forgets what was refused and
tells whether there is something else to try; and ``secrets()``, the texts that must stand nowhere.
"""

import base64
import importlib
import math
import time

from .. import config
from ..errors import ConfigError
from . import ticket
from .ticket import Denied

# The settings of each way to log in, beside which there is none of another one.
WAYS = (
    ("client_id", "client_secret_file"), ("api_key_file",), ("user", "password_file"), ("email", "token_file"),
    ("token_file",),
)  # fmt: skip
API_KEY = "x-sn-apikey"
EARLY_S = 30.0  # so long before its end a token is not used any more
TOKEN_PATH = "/oauth_token.do"  # noqa: S105


def of(site):
    """What proves to a sites.Site who we are, by its settings ``auth``. Raises ConfigError."""
    given = {name: value for name, value in site.auth.items() if name not in ("expires", "cloud_id")}
    if set(given) not in map(set, WAYS):
        known = importlib.import_module(ticket.SYSTEMS[site.kind]).AUTH
        ways = " or ".join(" and ".join(way) for way in WAYS if set(way) <= set(known))
        raise ConfigError(f"{site.where}: auth: set {ways}, and nothing beside it")

    def read(name):
        return lambda: config.read_secret_file(given[name], f"{site.where}: auth: {name}")

    if "client_id" in given:
        return ClientCredentials(given["client_id"], read("client_secret_file"))
    if "api_key_file" in given:
        return Token(read("api_key_file"), header=API_KEY)
    if "user" in given:
        return Token(read("password_file"), given["user"])
    return Token(read("token_file"), given.get("email"))


class Token:
    """
    A secret that stands in each question as it is.

    read
        Gives the secret; raises ConfigError.
    user
        Whose it is, for the form of user and password; None: it is a bearer's.
    header
        The header that holds nothing else than the secret; None: Authorization, in its usual form.
    """

    def __init__(self, read, user=None, header=None):
        self._read, self._user, self._header = read, user, header

    def headers(self, http):
        """The headers of a question."""
        if self._header is not None:
            return {self._header: self._read()}
        if self._user is None:
            return {"Authorization": f"Bearer {self._read()}"}
        return {"Authorization": f"Basic {self._pair()}"}

    def renew(self):
        """A question that was refused is refused again."""
        return False

    def secrets(self):
        """The texts that must stand nowhere."""
        return (self._read(), *([] if self._user is None else [self._pair()]))

    def _pair(self):
        return base64.b64encode(f"{self._user}:{self._read()}".encode()).decode()


class ClientCredentials:
    """
    Tokens that a client gets for its secret (OAuth 2.0, client_credentials), as ServiceNow hands them out.

    client_id
        The client.
    read
        Gives its secret; raises ConfigError.
    """

    def __init__(self, client_id, read):
        self._client_id, self._read = client_id, read
        self._token, self._ends = None, 0.0

    def headers(self, http):
        """The headers of a question; the first one asks for a token. Raises Away and Denied."""
        if self._token is None or time.monotonic() >= self._ends:
            content = http.form(
                TOKEN_PATH,
                {
                    "grant_type": "client_credentials",
                    "client_id": self._client_id,
                    "client_secret": self._read(),
                },
            )
            token = content.get("access_token") if isinstance(content, dict) else None
            if not isinstance(token, str) or not token:
                raise Denied(f"{http.name}: it gives no token for the client {self._client_id}")
            ends_in = content.get("expires_in")
            # Where its end is not said, it is used until it is refused.
            seconds = float(ends_in) if str(ends_in).isdecimal() else math.inf
            self._token, self._ends = token, time.monotonic() + max(0.0, seconds - EARLY_S)
        return {"Authorization": f"Bearer {self._token}"}

    def renew(self):
        """Forget the token: the next question asks for another."""
        had, self._token = self._token, None
        return had is not None

    def secrets(self):
        """The texts that must stand nowhere."""
        return tuple(filter(None, (self._read(), self._token)))
