"""Small Pyramid applications to log in to, a browser for them, and what holds of every refusal."""

from __future__ import annotations

import io
import json
import logging
import re
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.cookies import SimpleCookie
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from fakes import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, Clock, Network, acme, make_kit, plugins_with, state_of
from measuring import unmeasured
from pyramid.authentication import AuthTktCookieHelper, SessionAuthenticationHelper
from pyramid.config import Configurator
from pyramid.interfaces import ISession
from pyramid.request import Request
from pyramid.response import Response
from pyramid.security import NO_PERMISSION_REQUIRED, Allowed
from pyramid.session import SignedCookieSessionFactory
from webtest import TestApp, TestResponse
from zope.interface import implementer

from authkit import AuthKit

Part = Callable[[Configurator], None]

CODE = "canary-code"
LONGEST = 15
"""How long an answer may take, in seconds: as long as a login may, the calls to the provider included."""
BUSIEST = 5
"""How long a refusal may keep the processor busy, in seconds; a machine with much else to do adds to that."""

KEY = "v1:acme:acme-client:user-1"
HTTPS = {"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"}
OTHER_SETTINGS = {"authkit.other.client_id": "other-client", "authkit.other.client_secret": "canary-other-secret"}

STATUSES = {
    "access_denied": 403,
    "account_conflict": 409,
    "account_denied": 403,
    "cross_site": 403,
    "invalid_request": 400,
    "issuer_mismatch": 400,
    "last_identity": 409,
    "link_required": 409,
    "provider_misconfigured": 503,
    "provider_protocol": 502,
    "provider_rate_limited": 503,
    "provider_rejected": 400,
    "provider_unavailable": 503,
    "rate_limited": 429,
    "reauth_required": 401,
    "scope_missing": 403,
    "state_invalid": 400,
    "store_unavailable": 503,
    "unknown_provider": 404,
    "webhook_rejected": 401,
}
"""The public contract: each code that a browser may see, with its HTTP status."""

other = replace(
    acme,
    name="other",
    title="Other",
    authorize_url="https://other.example/authorize",
    token_url="https://other.example/token",
    userinfo_url="https://other.example/me",
)


# Parts of applications, for `config.include`.


def own_views(config: Configurator) -> None:
    """Views of the app's own: who is signed in, what is in the session, and a way to put something into it."""

    def me(request: Request) -> Response:
        return Response(str(request.authenticated_userid or "anonymous"))

    def show(request: Request) -> Response:
        return Response(json.dumps(dict(request.session)), content_type="application/json", charset="utf-8")

    def plant(request: Request) -> Response:
        request.session.update(request.GET)
        return Response("planted")

    for name, view in (("me", me), ("session", show), ("plant", plant)):
        config.add_route(name, f"/{name}")
        config.add_view(view, route_name=name, permission=NO_PERMISSION_REQUIRED)


class OwnPolicy:
    """A security policy as an app writes it: a ticket in a cookie, and everything is permitted."""

    def __init__(self) -> None:
        self.helper = AuthTktCookieHelper("the-app's-own-secret", cookie_name="own", secure=True, wild_domain=False)

    def identity(self, request: Request) -> str | None:
        return self.authenticated_userid(request)

    def authenticated_userid(self, request: Request) -> str | None:
        ticket = self.helper.identify(request)
        return ticket["userid"] if ticket else None

    def permits(self, request: Request, context: object, permission: str) -> Allowed:
        return Allowed("everything is")

    def remember(self, request: Request, userid: str, **kw: Any) -> list[tuple[str, str]]:
        return self.helper.remember(request, userid, **kw)

    def forget(self, request: Request, **kw: Any) -> list[tuple[str, str]]:
        return self.helper.forget(request, **kw)


class NumberedPolicy(OwnPolicy):
    """A security policy of an app whose user ids are numbers."""

    def authenticated_userid(self, request: Request) -> Any:
        userid = super().authenticated_userid(request)
        return int(userid) if userid else None


class SessionPolicy(OwnPolicy):
    """A security policy that keeps who is signed in in the session."""

    def __init__(self) -> None:
        self.helper = SessionAuthenticationHelper()

    def authenticated_userid(self, request: Request) -> str | None:
        return self.helper.authenticated_userid(request)


def own_policy(config: Configurator) -> None:
    config.set_security_policy(OwnPolicy())


def session_policy(config: Configurator) -> None:
    config.set_security_policy(SessionPolicy())


def legacy_policies(config: Configurator) -> None:
    from pyramid.authentication import AuthTktAuthenticationPolicy
    from pyramid.authorization import ACLAuthorizationPolicy

    config.set_authorization_policy(ACLAuthorizationPolicy())
    config.set_authentication_policy(
        AuthTktAuthenticationPolicy("the-app's-own-secret", secure=True, wild_domain=False, cookie_name="own")
    )


def signed_cookie_session(config: Configurator) -> None:
    config.set_session_factory(SignedCookieSessionFactory("a-session-secret", secure=True, httponly=True))


def strict_defaults(config: Configurator) -> None:
    config.set_default_permission("view")
    config.set_default_csrf_options(require_csrf=True)


class Root:
    """The root of a traversal."""

    def __init__(self, request: Request) -> None:
        self.request = request


def root_factory(config: Configurator) -> None:
    config.set_root_factory(Root)


@implementer(ISession)
class ServerSession(MutableMapping[str, Any]):
    """A session whose content stands on the server, at once and whatever becomes of the request."""

    def __init__(self, store: dict[str, dict[str, Any]], request: Request) -> None:
        self.store = store
        self.request = request
        self.id = request.cookies.get("sid", "")
        self.new = self.id not in store
        if self.new:
            self._begin()

    def _begin(self) -> None:
        self.id = secrets.token_hex(8)
        self.request.add_response_callback(self._set_cookie)

    def _set_cookie(self, request: Request, response: Response) -> None:
        if self.id in self.store:
            response.set_cookie("sid", self.id, secure=True, httponly=True, samesite="Lax")

    def __getitem__(self, key: str) -> Any:
        return self.store.get(self.id, {})[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.store.setdefault(self.id, {})[key] = value

    def __delitem__(self, key: str) -> None:
        del self.store.get(self.id, {})[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.store.get(self.id, {}))

    def __len__(self) -> int:
        return len(self.store.get(self.id, {}))

    def invalidate(self) -> None:
        self.store.pop(self.id, None)
        self._begin()

    def changed(self) -> None:
        """Do nothing: what is changed is stored."""


def server_session(store: dict[str, dict[str, Any]] | None = None) -> Part:
    """Return a part with sessions on the server; `store` holds their content, by id."""
    content = {} if store is None else store

    def include(config: Configurator) -> None:
        config.set_session_factory(lambda request: ServerSession(content, request))

    return named(include)


numbers = count()


def named(part: Part) -> Part:
    """Return `part` under a name of its own: Pyramid includes what has the same name only once."""
    part.__name__ = f"part_{next(numbers)}"
    return part


def handled_by(handler: Callable[..., Any] | str) -> Part:
    """Return a part that sets the login handler."""

    def include(config: Configurator) -> None:
        config.set_authkit_login_handler(handler)

    return named(include)


KINDS: Mapping[str, Sequence[Part]] = {
    "plain": (),
    "own-policy": (own_policy,),
    "signed-cookie-session": (signed_cookie_session,),
    "server-session": (server_session(),),
    "session-policy-signed-cookie": (signed_cookie_session, session_policy),
    "session-policy-server": (server_session(), session_policy),
    "strict-defaults": (signed_cookie_session, strict_defaults),
    "root-factory": (root_factory,),
}
"""What an app may bring along; every kind of app has to be able to log in."""


def make_app(kit: AuthKit, *after: Part, before: Sequence[Part] = ()) -> Any:
    """Return a WSGI application that includes `before`, then authkit, then `after`."""
    config = Configurator()
    config.registry["authkit.kit"] = kit
    for part in (*before, "authkit.pyramid", *after, own_views):
        config.include(part)
    return config.make_wsgi_app()


# Requests that no browser sends.


@dataclass(frozen=True)
class Answer:
    """What a WSGI application answered."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


def call(app: Any, path: str, query: str = "", method: str = "GET", body: bytes = b"", **environ: str) -> Answer:
    """Call `app` as a server does: `path`, `query` and headers hold one character per byte, whatever the byte."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> None:
        started.append((status, headers))

    written = app(
        {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "app.example",
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.version": (1, 0),
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            **HTTPS,
            **environ,
        },
        start_response,
    )
    content = b"".join(written)
    status, headers = started[-1]
    for name, value in headers:
        assert not re.search(r"[\r\n\0]", f"{name}{value}"), "a header with a line break"
        f"{name}{value}".encode("latin-1")
    return Answer(int(status.split()[0]), headers, content)


def answer_of(response: TestResponse) -> Answer:
    """Return what WebTest received as an `Answer`."""
    return Answer(response.status_int, response.headerlist, response.body)


# The world around one application.


class RecordedRandom:
    """Random bytes, and all that were handed out: states and verifiers are made of them."""

    def __init__(self) -> None:
        self.given: list[bytes] = []

    def __call__(self, size: int) -> bytes:
        self.given.append(secrets.token_bytes(size))
        return self.given[-1]

    @property
    def texts(self) -> set[str]:
        """The states and verifiers, as text."""
        return {urlsafe_b64encode(chunk).rstrip(b"=").decode() for chunk in self.given if len(chunk) >= 32}


@dataclass
class World:
    """An application, the provider behind it, and everything that can be watched from outside."""

    kit: AuthKit
    app: Any
    network: Network
    clock: Clock
    random: RecordedRandom
    caplog: Any
    told: list[tuple[str, str]] = field(default_factory=list)
    """What the observers were told: the outcome, and the correlation id."""
    stored: Callable[[], object] = lambda: None
    """What is in the app's database, if it has one: see `account_apps.checksum`."""
    has_refused: bool = False
    """Whether a refusal was checked."""
    works: str = "acme"
    """The registration that somebody can sign in with, whatever was refused: of a provider that works."""

    def browser(self, **environ: str) -> TestApp:
        """Return a browser with a cookie jar of its own."""
        return TestApp(self.app, extra_environ={**HTTPS, **environ})

    def path(self, path: str = "", **query: str) -> str:
        """Return the address of a route of authkit."""
        return self.kit.site.prefix + path + (f"?{urlencode(query)}" if query else "")

    def start(self, browser: TestApp, name: str = "acme", **query: str) -> str:
        """Start a login and return its state."""
        return state_of(browser.get(self.path(f"/{name}", **query), status=302).location)

    def callback(self, state: str, name: str = "acme", **query: str) -> str:
        """Return the address that the provider sends the browser to."""
        return self.path(f"/{name}/callback", **{"code": CODE, "state": state, **query})

    def log_in(self, browser: TestApp, name: str = "acme", *, status: int = 303, **query: str) -> TestResponse:
        """Go through a whole login, and return the last answer."""
        return browser.get(self.callback(self.start(browser, name, **query), name), status=status)

    @staticmethod
    def me(browser: TestApp) -> str:
        """Return who is signed in."""
        return browser.get("/me", status=200).text

    @property
    def exchanges(self) -> int:
        """How many codes the provider was asked to exchange."""
        return len(self.network.to("token"))

    @property
    def audit(self) -> list[str]:
        """The audit lines up to now."""
        return [record.getMessage() for record in self.caplog.records if record.name == "authkit.audit"]

    @property
    def canaries(self) -> set[str]:
        """Every secret of every login so far."""
        return {CODE, CLIENT_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, *self.random.texts}

    def refused(
        self,
        browser: TestApp,
        path: str,
        code: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        exchanges: int = 0,
    ) -> TestResponse:
        """Ask for `path`, which must be refused with `code`, and check all that holds of every refusal."""
        me = self.me(browser)
        ask = getattr(browser, method.lower())
        with self._refusing(exchanges):
            response = ask(path, headers=headers or {}, expect_errors=True)
            self.assert_refusal(answer_of(response), code)
        assert self.me(browser) == me
        return response

    def refused_raw(self, code: str, path: str, query: str = "", **more: Any) -> Answer:
        """Do the same with a request that no browser sends."""
        with self._refusing():
            answer = call(self.app, path, query, **more)
            self.assert_refusal(answer, code)
        return answer

    @contextmanager
    def _refusing(self, exchanges: int = 0) -> Iterator[None]:
        """Check that nothing is stored meanwhile, `exchanges` codes are used up, and one refusal is told, in time."""
        stored, used, told, lines = self.stored(), self.exchanges, len(self.told), len(self.audit)
        began, busy = time.monotonic(), time.thread_time()
        yield
        assert time.monotonic() - began < LONGEST
        assert time.thread_time() - busy < BUSIEST
        assert self.stored() == stored
        assert (self.exchanges, len(self.told), len(self.audit)) == (used + exchanges, told + 1, lines + 1)

    @unmeasured()
    def assert_still_works(self) -> None:
        """Check that a stranger can log in, once the provider answers as it should again."""
        self.network.repair()
        app = make_app(self.kit)
        started = call(app, self.path(f"/{self.works}"))
        [(name, cookie)] = cookies_set(started).items()
        query = f"code={CODE}&state={state_of(started.get('Location') or '')}"
        finished = call(app, self.path(f"/{self.works}/callback"), query, HTTP_COOKIE=f"{name}={cookie['value']}")
        assert finished.status == 303

    def assert_refusal(self, answer: Answer, code: str) -> None:
        """Check an answer, the last audit line, what the observers heard, and that no secret is anywhere."""
        self.has_refused = True
        assert answer.status == STATUSES[code]
        assert_safe_headers(answer)
        line = self.audit[-1]
        fields = dict(pair.split("=", 1) for pair in line.split(" ", 5))
        assert (fields["outcome"], fields["code"]) == ("failure", code)
        assert line.isascii()
        assert line.isprintable()
        assert self.told[-1] == ("failed", fields["ref"])
        assert re.fullmatch("[0-9a-f]{16}", fields["ref"])
        assert code in answer.text
        assert fields["ref"] in answer.text
        self.assert_no_canary(answer)

    def assert_no_canary(self, answer: Answer) -> None:
        """Check that no secret is in `answer`, nor in anything that was logged."""
        said = f"{answer.headers}{answer.text}{[sent.url for sent in self.network.sent]}"
        logged = everything_logged(self.caplog.records)
        for canary in self.canaries:
            for form in {canary, quote(canary, safe=""), b64encode(canary.encode()).decode().rstrip("="), canary[:7]}:
                assert form not in said
                assert form not in logged


def everything_logged(records: Sequence[logging.LogRecord]) -> str:
    """Return all that is in `records`: messages, arguments, tracebacks."""
    formatter = logging.Formatter()
    return "\n".join(f"{formatter.format(record)} {vars(record)}" for record in records)


def assert_safe_headers(answer: Answer) -> None:
    """Check that an answer is not kept, not sniffed, not framed, and sends no Referer."""
    assert answer.get("Cache-Control") == "no-store"
    assert answer.get("Referrer-Policy") == "no-referrer"
    assert answer.get("X-Content-Type-Options") == "nosniff"
    assert "frame-ancestors 'none'" in (answer.get("Content-Security-Policy") or "").split("; ")


def make_world(
    caplog: Any,
    *after: Part,
    before: Sequence[Part] = (),
    network: Network | None = None,
    settings: Mapping[str, object] | None = None,
    providers: Sequence[Any] = (acme, other),
    **kit_options: Any,
) -> World:
    """Return a world whose app includes `before`, then authkit, then `after`; everything is logged at DEBUG."""
    caplog.set_level(logging.DEBUG)
    told: list[tuple[str, str]] = []
    plugins = plugins_with(
        *providers,
        authkit_login_succeeded=lambda login: told.append(("succeeded", login.correlation_id)),
        authkit_login_failed=lambda error: told.append(("failed", error.correlation_id)),
    )
    network, clock, random = network or Network(), Clock(), RecordedRandom()
    options = {"clock": clock, "random": random, "plugins": plugins, **kit_options}
    kit = make_kit(network, {**(OTHER_SETTINGS if other in providers else {}), **(settings or {})}, **options)
    return World(kit, make_app(kit, *after, before=before), network, clock, random, caplog, told)


def cookies_set(answer: Answer) -> dict[str, dict[str, str]]:
    """Return what the ``Set-Cookie`` headers of `answer` say, by cookie name, attribute names in lower case."""
    found = {}
    for header in answer.all("Set-Cookie"):
        for name, morsel in SimpleCookie(header).items():
            found[name] = {"value": morsel.value, **{key: value for key, value in morsel.items() if value != ""}}
    return found


def local(url: str) -> str:
    """Return `url` without its origin, for a browser that stays where it is."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
