"""A provider of OpenID Connect, by Authlib's AuthorizationServer, which wants PKCE and takes a code once.

Nobody types anything: whoever is led here is ``person``. As a real one it knows a browser for a while, and says since
when; it asks again where ``prompt`` or ``max_age`` want it. What it signs can be changed for one test: see ``claims``.
"""

import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import flask
from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import OpenIDCode
from joserfc import jwt
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "approval"
CLIENT_SECRET = "the secret of the client/+ %"  # noqa: S105
METHOD = "client_secret_basic"


@dataclass
class Client(ClientMixin):
    """The one client that the provider knows."""

    redirect_uris: list

    def get_client_id(self):
        return CLIENT_ID

    def get_default_redirect_uri(self):
        return None

    def get_allowed_scope(self, scope):
        return scope if scope == "openid" else ""

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret):
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method, endpoint):
        return True

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):
    """A code, for whom it was given, and in which attempt."""

    code: str
    redirect_uri: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    person: str
    auth_time: float

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return "openid"


class OidcStandIn:
    """
    The provider, while it is entered as a context.

    issuer
        Its address.
    person
        Who is led here.
    since
        Since when it knows the browser; None: it does not, and asks.
    claims
        {name: value} that its tokens have in the place of the right ones; None: they lack it.
    algorithm, key
        By which it signs. A key of bytes is one of a MAC; an empty one makes no signature.
    extra
        {name: value} of what it sends back to the client beside the code; None: without it.
    metadata
        {name: value} that it says of itself in the place of what is right.
    is_empty
        Whether it answers to a code without a token that says who signed in.
    asked
        The parameters with which browsers came, the last one last.
    refused
        The errors with which it answered to codes.
    """

    def __init__(self, *redirect_uris):
        self.client = Client(list(redirect_uris))
        self.person, self.since, self.claims, self.extra, self.metadata = "u-1", None, {}, {}, {}
        self.is_empty, self.asked, self.refused = False, [], []
        self.right_key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.algorithm, self.key = "RS256", self.right_key
        self._codes = {}
        self._app = flask.Flask(__name__)
        self._server = AuthorizationServer(self._app, lambda name: name == CLIENT_ID and self.client, lambda *_: None)
        self._register()
        self._http = make_server("localhost", 0, self._app, threaded=True)
        self.issuer = f"http://localhost:{self._http.server_port}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._http.shutdown()
        self._http.server_close()

    def forget_changes(self):
        """Be right again in all that it says."""
        self.claims, self.extra, self.metadata, self.is_empty = {}, {}, {}, False
        self.algorithm, self.key = "RS256", self.right_key

    def token(self, code):
        """What says who signed in, for the code."""
        now = int(time.time())
        right = {
            "iss": self.issuer, "sub": code.person, "aud": CLIENT_ID, "exp": now + 300, "iat": now,
            "nonce": code.nonce, "auth_time": int(code.auth_time), "acr": "urn:two-factors", "amr": ["pwd", "otp"],
        }  # fmt: skip
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        if isinstance(self.key, bytes):
            # No library makes a MAC with what is published as a key, or nothing at all in the place of a signature.
            header = {"alg": self.algorithm, "kid": self.right_key.kid}
            content = b".".join(urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
            mac = hmac.digest(self.key, content, "sha256") if self.key else b""
            return b".".join((content, urlsafe_b64encode(mac).rstrip(b"="))).decode()
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.key, algorithms=[self.algorithm])

    def _register(self):
        stand_in = self

        class Grant(AuthorizationCodeGrant):
            TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

            def save_authorization_code(self, code, request):
                asked = request.payload.data
                stand_in._codes[code] = Code(
                    code, asked["redirect_uri"], asked.get("nonce"), asked.get("code_challenge"),
                    asked.get("code_challenge_method"), request.user, stand_in.since,
                )  # fmt: skip

            def query_authorization_code(self, code, client):
                return stand_in._codes.get(code)

            def delete_authorization_code(self, authorization_code):
                del stand_in._codes[authorization_code.code]

            def authenticate_user(self, authorization_code):
                return authorization_code.person

        class Tokens(OpenIDCode):
            def exists_nonce(self, nonce, request):
                return False

            def encode_id_token(self, token, request):
                return stand_in.token(request.authorization_code)

        self._server.register_grant(Grant, [Tokens(require_nonce=True), CodeChallenge(required=True)])
        app = self._app

        @app.get("/.well-known/openid-configuration")
        def metadata():
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "token_endpoint_auth_methods_supported": [METHOD],
                "authorization_response_iss_parameter_supported": True,
                **self.metadata,
            }

        @app.get("/keys")
        def keys():
            return {"keys": [self.right_key.as_dict(private=False)]}

        @app.get("/authorize")
        def authorize():
            asked = flask.request.args.to_dict()
            self.asked.append(asked)
            is_old = self.since is not None and time.time() - self.since > int(asked.get("max_age", 2**31))
            if self.since is None or is_old or asked.get("prompt") == "login":
                self.since = time.time()
            grant = self._server.get_consent_grant(end_user=self.person)
            answer = self._server.create_authorization_response(grant=grant, grant_user=self.person)
            for name, value in {"iss": self.issuer, **self.extra}.items():
                if value is not None:
                    answer.headers["Location"] += f"&{name}={value}"
            return answer

        @app.post("/token")
        def token():
            answer = self._server.create_token_response()
            content = answer.get_json()
            if answer.status_code != 200:
                self.refused.append(content["error"])
            elif self.is_empty:
                del content["id_token"]
                return content
            return answer
