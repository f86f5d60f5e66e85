"""What makes a wrong adapter: the bare one, with a line or two changed."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

BARE = Path(__file__).with_name("bare_adapter.py")


@dataclass(frozen=True)
class Wrong:
    """What is wrong, and the changes that make it so: text that stands in the bare adapter once, and what stands
    there instead."""

    what: str
    changes: tuple[tuple[str, str], ...]


def wrong(what, *changes):
    """Return what is wrong; `changes` are alternately the old and the new text."""
    return Wrong(what, tuple(zip(changes[::2], changes[1::2], strict=True)))


def make_wrong(defect):
    """Return the class `BareApp` as `defect` makes it."""
    source = BARE.read_text(encoding="utf-8")
    for old, new in defect.changes:
        assert source.count(old) == 1, f"this does not stand in {BARE.name} once: {old}"
        source = source.replace(old, new)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("wrong_adapter", loader=None))
    exec(compile(source, "wrong_adapter.py", "exec"), vars(module))
    return module.BareApp


# Places in the bare adapter.

START = '    def start(self, request, name):\n        require_method(request.method, "GET")\n'
CALLBACK = '    def callback(self, request, name):\n        require_method(request.method, "GET")\n'
LOG_OUT = '        require_method(request.method, "POST")\n'
NAVIGATION = 'require_navigation(request.header("Sec-Fetch-Mode"), request.header("Sec-Fetch-Dest"))\n'
BEGIN = "        begun = self.kit.begin(name, cookies=request.cookies, return_to=return_to(request.query))\n"
SET = "[cookie.header for cookie in begun.cookies]"
COMPLETE = "        completed = self.kit.complete(name, request.query, request.cookies)\n"
FAILED = "            self.kit.failed(error)\n"
HANDLED = "            answer.cookies += [cookie.header for cookie in cleared]\n"
REFUSED = "        except AuthkitError as error:\n            failure = error\n"
CRASHED = "            failure = handler_failure(login, exc, logger)\n"
CONFLICT = '        if self.user(request) not in ("", login.identity.key):\n'
SIGNED_IN = "        self.on_login(login)\n        self.end_session(request)\n        session_id = token_hex(16)\n"
REMEMBERED = '        self.sessions[session_id] = {"user": login.identity.key}\n'
LANDED = "self.site.local_url(login.return_to)"
LEFT = "        location = self.site.local_url(return_to(request.query) or self.site.home)\n"
SAME_ORIGIN = 'require_same_origin(self.site, request.header("Sec-Fetch-Site"), request.header("Origin"))\n'
SIGNED_OUT = (
    '        self.end_session(request)\n        return self.redirect(303, location, [self.session_cookie("")])\n'
)
PAGE = "return Answer(page.status, page.html, {**page.headers, **headers}, cookies)"
ROUTE = '        name, *more = rest.split("/")\n'
QUERY = 'self.query = environ.get("QUERY_STRING", "")'
SENT = "[*self.headers.items(), *cookies]"
HEADERS = "error_headers(error)\n"


def without(name):
    """Return what sends all headers but one."""
    return SENT, f'[*((key, value) for key, value in self.headers.items() if key != "{name}"), *cookies]'


def page_with(more):
    """Return what adds something to the error page."""
    return PAGE, PAGE.replace("page.html", f"page.html + {more}")


def before(place, line):
    """Return what puts a line before a place."""
    indent = place[: len(place) - len(place.lstrip())]
    return place, f"{indent}{line}\n{place}"


def after(place, line):
    """Return what puts a line behind a place."""
    indent = place[: len(place) - len(place.lstrip())]
    return place, f"{place}{indent}{line}\n"


def method(*lines):
    """Return what adds a method."""
    return "    def refuse(", "".join(f"    {line}\n" for line in lines) + "\n    def refuse("
