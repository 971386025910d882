"""People who sign in at a provider of OpenID Connect: by a code, with PKCE, a nonce and a state.

A browser is believed nothing. It brings back a code, which our client changes into a token of the provider by a secret
of its own; the token has to be signed by the provider, for us, for now, and for the very attempt of this browser. The
state, the nonce and PKCE's verifier of an attempt are derived from a random token that its browser alone has, in a
cookie; so nothing is kept here of attempts, and a code that somebody else brought about serves nobody.
"""

import base64
import contextlib
import datetime
import hashlib
import hmac
import os
import re
import threading
import time
import urllib.parse
from dataclasses import dataclass

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from .. import config
from ..errors import ConfigError, Unavailable
from ..itsm.http import Http
from ..itsm.ticket import Away, Denied

WHERE = "approval:portal: oidc"
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
TAKEN = ("pg", "salt", "web", "renewal", "revert")  # whose people come another way
KNOWN = ("issuer", "client_id", "client_secret_file", "title", "authenticated_minutes")
NEEDED = KNOWN[:3]
MINUTES = (1, 600, 15)  # least, most, default
LOCAL = ("localhost", "127.0.0.1")
# Of keys in pairs: with a shared secret, or with none, a token would prove nothing.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
LEEWAY_S = 60  # between the clocks of two hosts
SESSION_S = 36_000  # the longest session here: a sign-in that is older than that is asked for again
KEPT_S = 600.0  # what the provider says of itself
AGAIN_S = 30.0  # before keys are asked for once more, for the sake of a token that names one that is not known
AT_ONCE = 4  # attempts of a process for which the provider is asked, as it may be slow
PATIENCE_S = 3.0
SUBJECT = re.compile(r"[!-~]([ -~]{0,253}[!-~])?")
CODE = re.compile(r"[!-~]{1,4000}")
WORD = re.compile(r"[!-~][ -~]{0,199}")
MOST_WORDS = 10
# Errors with which a provider ends an attempt, in its words; anything else is nothing for people.
DECLINED = ("access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required",
            "temporarily_unavailable", "server_error", "invalid_request", "unauthorized_client", "invalid_scope",
            "unsupported_response_type")  # fmt: skip


class NotProven(Exception):
    """It is not proven who somebody is. The text is a sentence of ours, for people and for the log."""


@dataclass(frozen=True)
class SignIn:
    """
    What is proven of somebody.

    subject
        Who it is, by the provider's name for them.
    authenticated_until
        So long a session is authenticated by it, a datetime; None: it is not.
    said
        What the provider said of it, for the audit: auth_time, acr, amr.
    """

    subject: str
    authenticated_until: datetime.datetime | None
    said: dict


def load(section, public_url):
    """
    The Providers that the mapping under ``oidc`` describes, by their names.

    public_url
        Where browsers find this service.

    Raises ConfigError, which names what is wrong.
    """
    if not isinstance(section, dict) or not section:
        raise ConfigError(f"{WHERE} must be a mapping of names to settings of a provider ({', '.join(KNOWN)})")
    return [_provider(name, settings, public_url) for name, settings in section.items()]


def _provider(name, settings, public_url):
    where = f"{WHERE}:{name}"
    if not isinstance(name, str) or not NAME.fullmatch(name) or name in TAKEN:
        raise ConfigError(
            f"{where}: the name of a provider has small letters, digits, - and _, and is none of {', '.join(TAKEN)}"
        )
    if not isinstance(settings, dict):
        raise ConfigError(f"{where} must be a mapping of {', '.join(KNOWN)}")
    for setting in settings:
        if setting not in KNOWN:
            raise ConfigError(f"{where}: there is no setting {setting!r} (known: {', '.join(KNOWN)})")
    for setting in (*NEEDED, "title"):
        value = settings.get(setting, name if setting == "title" else None)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise ConfigError(f"{where}: {setting} must be a text")
    least, most, minutes = MINUTES
    minutes = settings.get("authenticated_minutes", minutes)
    if isinstance(minutes, bool) or not isinstance(minutes, int) or not least <= minutes <= most:
        raise ConfigError(f"{where}: authenticated_minutes must be a whole number from {least} to {most}")
    _check_issuer(settings["issuer"], where)
    path = settings["client_secret_file"]
    if not os.path.isabs(path):
        raise ConfigError(f"{where}: client_secret_file must be the full path of a file with the secret of the client")

    def read_secret():
        return config.read_secret_file(path, f"{where}: client_secret_file")

    read_secret()
    return Provider(
        name, settings.get("title", name), settings["issuer"], settings["client_id"], read_secret,
        f"{public_url}/login/oidc/{name}/return", datetime.timedelta(minutes=minutes),
    )  # fmt: skip


def _check_issuer(issuer, where):
    right = f"{where}: issuer must be the address that the provider gives as its own, as in https://login.example.com"
    try:
        url = urllib.parse.urlsplit(issuer)
        is_right = url.hostname and url.username is None and not url.query and not url.fragment and " " not in issuer
    except ValueError:
        is_right = False
    if not is_right or not _is_safe(issuer):
        raise ConfigError(f"{right}; with https:, but for localhost")


def _is_safe(address):
    """Whether what is sent to an address is read by nobody on the way."""
    try:
        url = urllib.parse.urlsplit(address)
        return url.scheme == "https" or (url.scheme == "http" and url.hostname in LOCAL)
    except (ValueError, AttributeError):
        return False


class Provider:
    """
    A way to sign in, as people.py says: a provider of OpenID Connect.

    provider
        Its name here, under which the database knows its people.
    title
        What people call it.
    issuer
        Its address, exactly as it gives it itself.
    client_id, read_secret
        By which it knows this service; the second gives the secret, and raises ConfigError.
    returns_to
        Our address to which it sends browsers back.
    span
        So long after somebody signed in there a session is authenticated, a timedelta.
    """

    template = "oidc.html"

    def __init__(self, provider, title, issuer, client_id, read_secret, returns_to, span):
        self.provider, self.title, self._issuer = provider, title, issuer
        self.anew = f"/login/oidc/{provider}?anew=yes"
        self._client_id, self._read_secret, self._returns_to, self._span = client_id, read_secret, returns_to, span
        self._http = Http(title, "", _Quiet(read_secret))
        self._lock = threading.Lock()
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._metadata, self._keys, self._read_at = None, None, 0.0

    def check(self):
        """Raise ConfigError unless the secret can be read. The provider itself is not asked: who is signed in stays."""
        self._read_secret()

    def credential(self, _subject):
        """A mark of the provider: who signed in at another one of the same name is signed out."""
        return hashlib.sha256(f"{self._issuer} {self._client_id}".encode()).hexdigest()

    def address(self, token, is_anew):
        """
        Where a browser signs in, which keeps the ``token`` of this attempt. ``is_anew``: the person is to be asked,
        though the provider may know the browser. Raises Unavailable.
        """
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self._client_id,
            "redirect_uri": self._returns_to,
            "state": self._derived(token, "state"),
            "nonce": self._derived(token, "nonce"),
            "code_challenge": create_s256_code_challenge(self._derived(token, "verifier")),
            "code_challenge_method": "S256",
            # With it a provider has to say when somebody signed in.
            "max_age": str(int(self._span.total_seconds()) if is_anew else SESSION_S),
            **({"prompt": "login"} if is_anew else {}),
        }
        with self._asking():
            address = self._known()["authorization_endpoint"]
        return f"{address}{'&' if '?' in address else '?'}{urllib.parse.urlencode(asked)}"

    def proven(self, token, given, is_anew):
        """
        The SignIn that is proven by what a browser brought back, which keeps the ``token`` of its attempt.

        given
            The parameters of the address, as a mapping.
        is_anew
            As for address(): a sign-in of before proves nothing then.

        Raises NotProven, and Unavailable where the provider does not answer as it should.
        """
        if not hmac.compare_digest(given.get("state", "").encode(), self._derived(token, "state").encode()):
            raise NotProven("what came back is of another attempt than the one that was begun in this browser")
        with self._asking():
            issuer = given.get("iss")
            # Another provider, which the same browser was led to, could send a code of this one.
            if issuer != self._issuer and (
                issuer is not None or self._known().get("authorization_response_iss_parameter_supported") is True
            ):
                raise NotProven("what came back is not of the provider that was asked")
            if (error := given.get("error")) is not None:
                raise NotProven(f"the provider says {error if error in DECLINED else 'something that is not known'}")
            code = given.get("code", "")
            if not CODE.fullmatch(code):
                raise NotProven("what came back has no code")
            answer = self._exchanged(code, self._derived(token, "verifier"))
            claims = self._claims(answer, self._derived(token, "nonce"))
        return self._sign_in(claims, is_anew)

    def _derived(self, token, purpose):
        """A text of 43 letters, by which nobody finds the token, nor what it gives for another purpose or provider."""
        text = f"{purpose} {self.provider} {self._issuer}"
        return base64.urlsafe_b64encode(hmac.digest(token, text.encode(), "sha256")).decode().rstrip("=")

    @contextlib.contextmanager
    def _asking(self):
        """Ask the provider something: few do at once. What it does not answer as it should is Unavailable."""
        if not self._free.acquire(timeout=PATIENCE_S):
            raise Unavailable(f"{self.title}: too many wait for its answer")
        try:
            yield
        except (Away, Denied, ConfigError) as exc:
            raise Unavailable(str(exc)) from None
        finally:
            self._free.release()

    def _known(self):
        """What the provider says of itself."""
        with self._lock:
            if self._metadata is None or time.monotonic() - self._read_at > KEPT_S:
                self._read()
            return self._metadata

    def _key_set(self, is_again=False):
        """Its keys; asked for once more, if that is not just over."""
        with self._lock:
            if self._metadata is None or (is_again and time.monotonic() - self._read_at > AGAIN_S):
                self._read()
            return self._keys

    def _read(self):
        metadata = self._http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration").content
        if not isinstance(metadata, dict) or metadata.get("issuer") != self._issuer:
            raise Away(f"{self.title}: it does not give {self._issuer} as its issuer, as {WHERE} has it")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not _is_safe(metadata.get(name)):
                raise Away(f"{self.title}: its {name} is no address with https:")
        try:
            keys = KeySet.import_key_set(self._http.get(metadata["jwks_uri"]).content)
        except (JoseError, ValueError, TypeError, LookupError, AttributeError):
            raise Away(f"{self.title}: its keys cannot be read") from None
        self._metadata, self._keys, self._read_at = metadata, keys, time.monotonic()

    def _exchanged(self, code, verifier):
        """The answer to the code: what has the token."""
        secret = self._read_secret()
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._returns_to,
            "code_verifier": verifier,
        }
        methods = self._known().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if "client_secret_basic" in methods:
            pair = ":".join(urllib.parse.quote(part, safe="") for part in (self._client_id, secret))
            headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        else:
            headers = {}
            fields |= {"client_id": self._client_id, "client_secret": secret}
        try:
            answer = self._http.form(self._known()["token_endpoint"], fields, headers)
        except Denied as exc:
            # The text of the error may quote what was sent.
            if "invalid_grant" in str(exc):
                raise NotProven("the provider does not take the code: it is used, old, or of another attempt") from None
            cause = "does not take our client_id and secret" if exc.status in (400, 401) else "refuses the code"
            raise Unavailable(f"{self.title}: it {cause} ({exc.status})") from None
        except Away:
            raise Unavailable(f"{self.title}: it does not answer to the code") from None
        if not isinstance(answer, dict) or not isinstance(answer.get("id_token"), str):
            raise NotProven("the provider gave no token that says who signed in")
        return answer

    def _claims(self, answer, nonce):
        """The claims of the token, which is ours, of now, and signed by the provider."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            try:
                token = jwt.decode(answer["id_token"], self._key_set(), registry=registry)
            except InvalidKeyIdError:
                token = jwt.decode(answer["id_token"], self._key_set(is_again=True), registry=registry)
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self._issuer},
                    "aud": {"essential": True, "value": self._client_id},
                },
                {"nonce": nonce, "client_id": self._client_id, "access_token": answer.get("access_token")},
            )
            claims.validate(leeway=LEEWAY_S)
        except (JoseError, ValueError, TypeError, LookupError) as exc:
            raise NotProven(f"the provider's token cannot be believed ({type(exc).__name__})") from None
        return claims

    def _sign_in(self, claims, is_anew):
        subject, at, now = claims["sub"], claims.get("auth_time"), datetime.datetime.now(datetime.timezone.utc)
        if not isinstance(subject, str) or not SUBJECT.fullmatch(subject):
            raise NotProven("the provider's name for this person is none")
        until, said = None, {}
        if at is not None:
            # No number is in this order with NaN.
            if isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at <= now.timestamp() + LEEWAY_S:
                raise NotProven("the provider says that this person signed in at a time that is none, or to come")
            signed_in_at = min(datetime.datetime.fromtimestamp(at, datetime.timezone.utc), now)
            until, said = signed_in_at + self._span, {"auth_time": f"{signed_in_at:%Y-%m-%dT%H:%M:%SZ}"}
        # A browser can take prompt=login out of the address; the time is what the provider signs.
        if is_anew and (until is None or until <= now):
            raise NotProven(
                "the provider did not have this person sign in anew, so nothing is surer than before"
                if said
                else "the provider does not say when this person signed in, so nothing is surer than before"
            )
        if isinstance(claims.get("acr"), str) and WORD.fullmatch(claims["acr"]):
            said["acr"] = claims["acr"]
        if isinstance(claims.get("amr"), list):
            words = [word for word in claims["amr"] if isinstance(word, str) and WORD.fullmatch(word)]
            said["amr"] = [word[:50] for word in words[:MOST_WORDS]]
        return SignIn(subject, until, said)


class _Quiet:
    """Credentials that are in no question by themselves, and in no text of an error."""

    def __init__(self, read_secret):
        self._read_secret = read_secret

    def headers(self, _http):
        """The headers of a question."""
        return {}

    def renew(self):
        """A question that was refused is refused again."""
        return False

    def secrets(self):
        """The texts that must stand nowhere."""
        return (self._read_secret(),)
