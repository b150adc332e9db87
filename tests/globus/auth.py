"""A stand-in of the hosted Globus Auth, at the protocol's edge: what the true globus_sdk says to it.

`AuthStandIn` needs no server: `answer(request)` maps a `Request` to a `Reply` through the table
`routes`, so that another stand-in can mount them beside its own. `serving()` puts it on a loopback
port; point the SDK at it with ``GLOBUS_SDK_SERVICE_URL_AUTH=<url>``.
"""

import base64
import contextlib
import hashlib
import secrets
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

from auth_signer import Signer
from auth_words import (
    AUTH,
    COMPUTE,
    COMPUTE_SCOPE,
    NATIVE_CLIENT,
    Person,
    Refused,
    Token,
    demand,
    resource_server_of,
)
from loopback import Reply, Request, serving

__all__ = ["AUTH", "COMPUTE", "COMPUTE_SCOPE", "NATIVE_CLIENT", "AuthStandIn", "Person", "Refused", "demand"]

PASTE = "/v2/web/auth-code"


class AuthStandIn:
    """Globus Auth with its users, clients and sessions in memory.

    Knobs: `person` sits at the browser; `lifetime` of new access tokens; `fail` answers every call to the
    token route with that status, `slow` holds every answer back (since when is in `slowed`); `demands`
    (resource server to `demand(...)`) refuses tokens whose session lacks what the demand names; `native` and
    `confidential` are the registered clients.
    """

    def __init__(self):
        self.person = Person()
        self.native = {NATIVE_CLIENT: {"redirects": set()}}
        self.confidential = {}
        self.lifetime = 172_800
        self.fail = None
        self.slow, self.slowed = 0.0, []
        self.demands = {}
        self.tokens, self.codes = {}, {}
        self.calls = []
        self.issued = []  # every token that ever left: what must be found nowhere else
        self.shown = []  # every code that ever left; worth nothing once it was used
        self.url = "http://127.0.0.1:0/"
        self._lock = threading.RLock()
        self._signer = Signer()
        self.routes = {
            ("GET", "/v2/oauth2/authorize"): self.authorize,
            ("GET", PASTE): self.show_code,
            ("POST", "/v2/oauth2/token"): self.token,
            ("POST", "/v2/oauth2/token/revoke"): self.revoke,
            ("POST", "/v2/oauth2/token/introspect"): self.introspect,
            ("GET", "/v2/oauth2/userinfo"): self.userinfo,
            ("GET", "/v2/api/identities"): self.identities,
            ("GET", "/.well-known/openid-configuration"): lambda _: self._signer.configuration(self.url),
            ("GET", "/jwk.json"): lambda _: self._signer.keys(),
        }

    # what other stand-ins and tests use

    def answer(self, request):
        """Answer a request, or return None where the path is not ours."""
        route = self.routes.get((request.method, request.path))
        if route is None:
            return None
        with self._lock:
            self.calls.append((request.method, request.path, request.form.get("grant_type", "")))
        if self.slow:
            self.slowed.append(time.monotonic())
            time.sleep(self.slow)
        try:
            with self._lock:
                if self.fail and request.path == "/v2/oauth2/token":
                    raise Refused(self.fail, "UNAVAILABLE", "The service is being mended.")
                return route(request)
        except Refused as refused:
            return Reply(refused.status, refused.body)

    def whoami(self, token, resource_server):
        """Return whose access token this is, or raise `Refused`, as Globus' services do."""
        known = self.tokens.get(token or "")
        if known is None or known.kind != "access" or known.expires < time.time():
            raise Refused(401, "AUTHENTICATION_FAILED", "The token is invalid or has expired.")
        if known.resource_server != resource_server:
            raise Refused(403, "FORBIDDEN", f"The token is not for {resource_server}.")
        if (wanted := self.demands.get(resource_server)) and not self._meets(known, wanted):
            raise wanted
        return known.claims()

    def grants(self, kind=""):
        """Return the grants that the token route was asked for."""
        grants = [grant for _, path, grant in self.calls if path == "/v2/oauth2/token"]
        return [grant for grant in grants if not kind or grant == kind]

    def expire_access(self, resource_server=None):
        """Let all access tokens of a resource server expire, or of all of them."""
        for token in self.tokens.values():
            if token.kind == "access" and resource_server in (None, token.resource_server):
                token.expires = 0

    def revoke_consents(self):
        """Take back every consent: no token is worth anything now."""
        self.tokens.clear()

    def visit(self, url):
        """Go where a login sends its user and agree; return the code, or where one is sent back to."""
        where = urlsplit(url)
        query = {name: values[0] for name, values in parse_qs(where.query).items()}
        reply = self.answer(Request("GET", where.path, query))
        if reply.status != 302:
            raise AssertionError(reply.body)
        target = reply.headers["Location"]
        if urlsplit(target).path == PASTE:
            return parse_qs(urlsplit(target).query)["code"][0]
        return target

    def issue(self, person, client_id, scopes, *, refresh, session=None):
        """Issue the tokens of one grant, one for each resource server, as the token route answers them."""
        by_server = {}
        for scope in scopes:
            by_server.setdefault(resource_server_of(scope), []).append(scope)
        entries = []
        for server, some in by_server.items():
            entry = {
                "access_token": self._make("access", server, some, person, client_id, session, self.lifetime),
                "scope": " ".join(some),
                "resource_server": server,
                "expires_in": self.lifetime,
                "token_type": "Bearer",
            }
            if refresh:
                entry["refresh_token"] = self._make(
                    "refresh", server, some, person, client_id, session, 180 * 86_400
                )
            entries.append(entry)
        first, *others = entries
        return {**first, "other_tokens": others}

    # the routes

    def authorize(self, request):
        asked = request.query
        client = self.native.get(asked.get("client_id", "")) or self.confidential.get(
            asked.get("client_id", "")
        )
        if client is None:
            raise Refused(400, "UNKNOWN_CLIENT", "There is no such client.")
        redirect = asked.get("redirect_uri", "")
        if redirect != self.url.rstrip("/") + PASTE and redirect not in client["redirects"]:
            raise Refused(400, "MISMATCHING_REDIRECT", f"{redirect} is not registered.")
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            raise Refused(400, "INVALID_REQUEST", "Only codes with an S256 challenge are given.")
        if len(asked.get("code_challenge", "")) != 43 or len(asked.get("state", "")) < 20:
            raise Refused(400, "INVALID_REQUEST", "A challenge and a random state are needed.")
        domains = [domain for domain in asked.get("session_required_single_domain", "").split(",") if domain]
        if domains and self.person.username.partition("@")[2] not in domains:
            raise Refused(403, "FORBIDDEN", f"An identity from {' or '.join(domains)} is required.")
        code = secrets.token_urlsafe(24)
        self.shown.append(code)
        self.codes[code] = {
            "client_id": asked["client_id"],
            "redirect_uri": redirect,
            "challenge": asked["code_challenge"],
            "scopes": asked["scope"].split(),
            "offline": asked.get("access_type") == "offline",
            "person": self.person,
            "session": {name: value for name, value in asked.items() if name.startswith("session_")},
            "until": time.time() + 600,
        }
        target = f"{redirect}?{urlencode({'code': code, 'state': asked['state']})}"
        return Reply(302, "", {"Location": target})

    def show_code(self, request):
        return Reply(200, f"<p>Paste this code: <code>{request.query['code']}</code></p>")

    def token(self, request):
        form = request.form
        grant = form.get("grant_type")
        if grant == "client_credentials":
            client_id = self._confidential(request)
            person = Person(f"{client_id}@clients.auth.globus.org", "service", client_id)
            return Reply(200, self.issue(person, client_id, form["scope"].split(), refresh=False))
        if grant == "authorization_code":
            return Reply(200, self._exchange(form))
        if grant == "refresh_token":
            return Reply(200, self._refresh(form))
        raise Refused(400, "unsupported_grant_type", f"{grant} is not known.")

    def _exchange(self, form):
        known = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        same = known and known["client_id"] == form.get("client_id")
        same = same and known["redirect_uri"] == form.get("redirect_uri") and known["until"] > time.time()
        if not same or known["challenge"] != challenge:
            raise Refused(400, "invalid_grant", "The code is not valid.")
        person, scopes = known["person"], known["scopes"]
        answer = self.issue(
            person, known["client_id"], scopes, refresh=known["offline"], session=known["session"]
        )
        if "openid" in scopes:
            answer["id_token"] = self._signer.id_token(person, known["client_id"], scopes)
            self.issued.append(answer["id_token"])
        return answer

    def _refresh(self, form):
        known = self.tokens.get(form.get("refresh_token", ""))
        if (
            known is None
            or known.kind != "refresh"
            or known.client_id != form.get("client_id", known.client_id)
        ):
            raise Refused(400, "invalid_grant", "The refresh token is not valid.")
        answer = self.issue(known.person, known.client_id, known.scopes, refresh=False, session=known.session)
        return answer | {"refresh_token": known.value}

    def revoke(self, request):
        self.tokens.pop(request.form.get("token", ""), None)
        return Reply(200, {"active": False})

    def introspect(self, request):
        self._confidential(request)
        known = self.tokens.get(request.form.get("token", ""))
        if known is None or known.expires < time.time():
            return Reply(200, {"active": False})
        return Reply(200, {"active": True, "token_type": "Bearer", **known.claims()})

    def userinfo(self, request):
        claims = self.whoami(_bearer(request), AUTH)
        info = {
            "sub": claims["sub"],
            "identity_set": [{"sub": claims["sub"], "username": claims["username"]}],
        }
        if "profile" in claims["scope"].split():
            info |= {"preferred_username": claims["username"], "name": claims["name"]}
        return Reply(200, info)

    def identities(self, request):
        claims = self.whoami(_bearer(request), AUTH)
        wanted = request.query.get("ids", claims["sub"]).split(",")
        known = {token.person.sub: token.person for token in self.tokens.values()}
        found = [{"id": one, "username": known[one].username} for one in wanted if one in known]
        return Reply(200, {"identities": found})

    # inside

    def _make(self, kind, server, scopes, person, client_id, session, lifetime):
        value = f"Ag{kind}{secrets.token_urlsafe(32)}"
        self.issued.append(value)
        self.tokens[value] = Token(
            value, kind, server, list(scopes), person, client_id, session or {}, time.time() + lifetime
        )
        return value

    def _confidential(self, request):
        scheme, _, coded = request.headers.get("authorization", "").partition(" ")
        pair = base64.b64decode(coded).decode() if scheme == "Basic" else ""
        client_id, _, secret = pair.partition(":")
        client = self.confidential.get(client_id)
        if client is None or client["secret"] != secret:
            raise Refused(401, "invalid_client", "The client is not known, or its secret is wrong.")
        return client_id

    @staticmethod
    def _meets(token, wanted):
        parameters = wanted.body["authorization_parameters"]
        for name, value in parameters.items():
            if name in ("session_message", "prompt"):
                continue
            if name == "required_scopes":
                if not set(value) <= set(token.scopes):
                    return False
                continue
            asked = ",".join(value) if isinstance(value, list) else str(value)
            if token.session.get(name, "").lower() != asked.lower():
                return False
        return True

    @contextlib.contextmanager
    def serving(self, *others):
        """Serve on a free loopback port; `others` answer what is not ours. Yields the root of the address."""
        with serving(self, *others) as self.url:
            yield self.url


def _bearer(request):
    return request.headers.get("authorization", "").removeprefix("Bearer ")
