"""`ControlPage`: the page, and the JSON behind it, below the paths of an emulator."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any

from authkit.emulator.control.commands import COMMANDS
from authkit.emulator.control.controls import Controls
from authkit.emulator.control.guards import find_fault_with_origin, is_json, is_known_host
from authkit.emulator.control.state import describe_state
from authkit.emulator.messages import Answer, Request
from authkit.emulator.rendering import read_source, render
from authkit.errors import ProviderProtocolError
from authkit.jsontext import read_json

__all__ = ["CONTROL_PATH", "ControlPage"]

CONTROL_PATH = "/_emulator/"
"""Where every emulator has its control page."""

API = f"{CONTROL_PATH}api/"
STATE = f"{API}state"
ENTRANCES = ("/", CONTROL_PATH.rstrip("/"))


@dataclass(frozen=True, slots=True)
class ControlPage:
    """Answers what is sent to the control page. `controls` is what it reaches."""

    controls: Controls

    def answer(self, request: Request) -> Answer | None:
        """Return the answer; None when the path is not the control page's.

        The entrance ``/`` is there for visitors of this machine only: a provider has nothing at that path.
        """
        is_known = is_known_host(request, self.controls.hosts)
        if request.path in ENTRANCES and request.method == "GET" and is_known:
            return Answer.redirect(CONTROL_PATH.lstrip("/"))
        if not request.path.startswith(CONTROL_PATH):
            return None
        if not is_known:
            return _refusal(403, "the control page is for this machine; other host names have to be allowed first")
        if request.path == CONTROL_PATH:
            return _page(self.controls.title) if request.method == "GET" else _not_allowed("GET")
        if fault := find_fault_with_origin(request):
            return _refusal(403, fault)
        return self._answer_api(request)

    def _answer_api(self, request: Request) -> Answer:
        if request.path == STATE:
            return self._show(request) if request.method == "GET" else _not_allowed("GET")
        name = request.path.removeprefix(API)
        if name not in COMMANDS:
            return _refusal(404, "there is nothing here")
        if request.method != "POST":
            return _not_allowed("POST")
        return self._run(name, request)

    def _show(self, request: Request) -> Answer:
        after = request.query.get("after", "0")
        if not (after.isascii() and after.isdigit() and len(after) <= 15):
            return _refusal(400, "after is the number of a request")
        with_secrets = request.query.get("secrets") == "on"
        return _json(describe_state(self.controls, after=int(after), with_secrets=with_secrets))

    def _run(self, name: str, request: Request) -> Answer:
        if not is_json(request):
            return _refusal(415, "the body has to be application/json")
        if request.is_too_large:
            return _refusal(413, "the body exceeds 64 KiB")
        try:
            wanted = read_json(request.body)
        except ProviderProtocolError:
            return _refusal(400, "the body is not JSON")
        if not isinstance(wanted, dict):
            return _refusal(400, "the body has to be a JSON object")
        try:
            return _json({"text": COMMANDS[name](self.controls, wanted)})
        except ValueError as error:
            return _refusal(400, str(error))


@cache
def _page(title: str) -> Answer:
    """Return the page, which is always the same: its script fetches what came with requests."""
    style, script = read_source("look.css") + read_source("control.css"), read_source("control.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    html = render("control.html", provider=title, style=style, script=script)
    headers = (
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    )
    return Answer(200, html.encode("utf-8", "replace"), headers)


def _digest(source: str) -> str:
    """Return the source expression that allows one inline element (Content Security Policy 3, section 2.3.1)."""
    return f"sha256-{base64.b64encode(sha256(source.encode('utf-8')).digest()).decode('ascii')}"


def _json(data: Mapping[str, Any], status: int = 200) -> Answer:
    answer = Answer.json(data, status)
    extra = (("X-Content-Type-Options", "nosniff"), ("Cross-Origin-Resource-Policy", "same-origin"))
    return Answer(status, answer.body, (*answer.headers, *extra))


def _refusal(status: int, reason: str) -> Answer:
    return _json({"error": reason}, status)


def _not_allowed(method: str) -> Answer:
    refusal = _refusal(405, f"{method} only")
    return Answer(405, refusal.body, (*refusal.headers, ("Allow", method)))
