"""An adapter in one file: authkit on bare WSGI, with sessions in a dict. For any web framework it looks like this."""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from secrets import token_hex

from authkit.adapters import (
    SAFE_HEADERS,
    Pages,
    error_headers,
    error_object,
    handler_failure,
    require_method,
    require_navigation,
    require_room,
    require_same_origin,
    return_to,
)
from authkit.errors import AccountConflict, AuthkitError, UnknownProvider

logger = logging.getLogger(__name__)


class Request:
    """One request, as the server hands it over."""

    def __init__(self, environ):
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]
        self.path = environ.get("PATH_INFO", "")
        self.query = environ.get("QUERY_STRING", "")
        pairs = [pair.strip().partition("=") for pair in environ.get("HTTP_COOKIE", "").split(";")]
        self.cookies = {name: value for name, _, value in pairs}

    def header(self, name):
        return self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")


class Answer:
    """One answer; every one of ours says that it is not to be kept, framed, sniffed or referred to."""

    def __init__(self, status, body="", headers=(), cookies=()):
        self.status, self.body, self.cookies = status, body, list(cookies)
        self.headers = {"Content-Type": "text/html; charset=utf-8", **SAFE_HEADERS, **dict(headers)}

    def send(self, start_response):
        cookies = [("Set-Cookie", cookie) for cookie in self.cookies]
        start_response(f"{self.status} {HTTPStatus(self.status).phrase}", [*self.headers.items(), *cookies])
        return [self.body.encode()]


class BareApp:
    """An application that is nothing but authkit's routes, and a page that says who is signed in."""

    def __init__(self, kit, on_login=None, limiter=None):
        self.kit, self.pages, self.site = kit, Pages(kit), kit.site
        self.on_login = on_login or (lambda login: None)
        self.limiter = limiter or (lambda request, kind: None)
        self.sessions = {}

    def __call__(self, environ, start_response):
        request = Request(environ)
        try:
            answer = self.route(request)
        except AuthkitError as error:
            self.kit.failed(error)
            answer = self.refuse(request, error)
        return answer.send(start_response)

    def route(self, request):
        if request.path in ("/me", "/session"):
            return self.show(request, request.path)
        prefix = self.site.prefix + "/"
        if not request.path.startswith(prefix):
            return Answer(404)
        rest = request.path.removeprefix(prefix)
        name, *more = rest.split("/")
        if rest in ("", "logout"):
            return self.log_out(request) if rest else self.show_buttons(request)
        if more in ([], ["callback"]):
            return self.callback(request, name) if more else self.start(request, name)
        raise UnknownProvider("there is no such route")

    def show_buttons(self, request):
        require_method(request.method, "GET")
        page = self.pages.sign_in(return_to(request.query))
        return Answer(page.status, page.html, page.headers)

    def start(self, request, name):
        require_method(request.method, "GET")
        require_navigation(request.header("Sec-Fetch-Mode"), request.header("Sec-Fetch-Dest"))
        require_room(lambda: self.limiter(request, "start"), logger)
        begun = self.kit.begin(name, cookies=request.cookies, return_to=return_to(request.query))
        return self.redirect(302, begun.url, [cookie.header for cookie in begun.cookies])

    def callback(self, request, name):
        require_method(request.method, "GET")
        require_room(lambda: self.limiter(request, "callback"), logger)
        completed = self.kit.complete(name, request.query, request.cookies)
        login, cleared = completed.login, completed.cookies
        try:
            answer = self.sign_in(request, login)
        except AuthkitError as error:
            failure = error
        except Exception as exc:  # noqa: BLE001 - the app's own code may raise anything
            failure = handler_failure(login, exc, logger)
        else:
            self.kit.succeeded(login)
            answer.cookies += [cookie.header for cookie in cleared]
            return answer
        failure.registration, failure.cookies = name, cleared
        raise failure

    def sign_in(self, request, login):
        if self.user(request) not in ("", login.identity.key):
            raise AccountConflict("somebody else is signed in", return_to=login.return_to)
        self.on_login(login)
        self.end_session(request)
        session_id = token_hex(16)
        self.sessions[session_id] = {"user": login.identity.key}
        return self.redirect(303, self.site.local_url(login.return_to), [self.session_cookie(session_id)])

    def log_out(self, request):
        require_method(request.method, "POST")
        require_same_origin(self.site, request.header("Sec-Fetch-Site"), request.header("Origin"))
        location = self.site.local_url(return_to(request.query) or self.site.home)
        self.end_session(request)
        return self.redirect(303, location, [self.session_cookie("")])

    def refuse(self, request, error):
        cookies, headers = [cookie.header for cookie in error.cookies], error_headers(error)
        if "json" in (request.header("Accept") or "") and "html" not in (request.header("Accept") or ""):
            body, headers = json.dumps(error_object(error)), {**headers, "Content-Type": "application/json"}
            return Answer(error.status, body, headers, cookies)
        if self.site.login_url:
            return self.redirect(303, self.site.failure_url(error.code, error.correlation_id), cookies)
        page = self.pages.error(error)
        return Answer(page.status, page.html, {**page.headers, **headers}, cookies)

    def redirect(self, status, location, cookies=()):
        return Answer(status, headers={"Location": location}, cookies=cookies)

    # The app's own part: sessions, and who is signed in.

    def session(self, request):
        return self.sessions.get(request.cookies.get("sid"), {})

    def user(self, request):
        return self.session(request).get("user", "")

    def end_session(self, request):
        self.sessions.pop(request.cookies.get("sid"), None)

    def session_cookie(self, session_id):
        secure = "; Secure" if self.site.is_secure else ""
        ended = "" if session_id else "; Max-Age=0"
        return f"sid={session_id}; Path=/; HttpOnly; SameSite=Lax{secure}{ended}"

    def show(self, request, path):
        if path == "/me":
            return Answer(200, self.user(request))
        planted = dict(pair.split("=") for pair in request.query.split("&") if pair)
        session_id = request.cookies.get("sid") or token_hex(16)
        session = self.sessions.setdefault(session_id, {}) if planted else self.session(request)
        session.update(planted)
        shown = {name: value for name, value in session.items() if name != "user"}
        return Answer(200, json.dumps(shown), cookies=[self.session_cookie(session_id)] if planted else [])
