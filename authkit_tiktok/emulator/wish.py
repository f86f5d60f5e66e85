"""`Wish`: an authorization request that TikTok takes, and the checks that come before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authkit.emulator import Request, Rule
from authkit_tiktok.emulator import rulebook
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.redirects import Platform
from authkit_tiktok.emulator.sdk import callback_to_sdk
from authkit_tiktok.emulator.world import World

__all__ = ["DENIED", "NOT_A_TARGET", "PageError", "Refusal", "Wish", "read_wish"]


class PageError(Exception):
    """Something is wrong with the app or a parameter: TikTok says so on a page of its own.

    Attributes:
        fields: what TikTok appends to the page's address; ``error_type`` is the name of the parameter.
        broken: the rule that the request broke.
    """

    def __init__(self, error: str, parameter: str, broken: Rule, number: str = "") -> None:
        super().__init__(f"{error}: {parameter}")
        self.fields = {"error": error, "error_type": parameter} | ({"errCode": number} if number else {})
        self.broken = broken


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of which the app is told.

    Attributes:
        fields: the parameters of the callback.
        broken: the rule that was broken, None when a user has simply said no.
        has_state: whether the state comes back with it; with an error about the app's set-up it is seen not to.
    """

    fields: Mapping[str, str]
    broken: Rule | None = None
    has_state: bool = True


DENIED = Refusal({"error": "access_denied", "error_description": "access_denied", "errCode": "-2"})
NOT_A_TARGET = Refusal({"error": "access_denied", "error_type": "non_sandbox_target"}, rulebook.SANDBOX_USERS)
NO_LOGIN_KIT = Refusal({"error": "server_error", "errCode": "10004"}, rulebook.LOGIN_KIT, has_state=False)
WRONG_CERTIFICATE = Refusal(
    {
        "error": "invalid_client",
        "errCode": "10033",
        "error_description": "App certificate does not match configurations.",
    },
    rulebook.CERTIFICATE,
    has_state=False,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """A valid authorization request.

    Attributes:
        app: the app that asks.
        platform: what it is taken for.
        redirect_uri: where it wants the answer.
        scopes: what it asks for, each scope once.
        challenge: the PKCE challenge, "" where it is ignored.
        request: the request.
    """

    app: App
    platform: Platform
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str = field(repr=False)
    request: Request

    @property
    def refusal(self) -> Refusal | None:
        """What a mobile app is told about its own set-up, None when that is right."""
        if self.platform != "mobile":
            return None
        if not self.app.has_login_kit:
            return NO_LOGIN_KIT
        sent = self.request.query.get("certificate", self.app.certificate)
        return WRONG_CERTIFICATE if self.app.certificate and sent != self.app.certificate else None

    @property
    def broken(self) -> Rule | None:
        """The rule that the request breaks although TikTok takes it."""
        query = self.request.query
        if "client_secret" in query:
            return rulebook.T33
        if "state" not in query and self.platform != "mobile":
            return rulebook.STATE
        return None if query.get("disable_auto_auth", "0") in {"0", "1"} else rulebook.DISABLE_AUTO_AUTH

    def callback(self, answer: Mapping[str, str], *, has_state: bool = True) -> str:
        """Return the address of the callback with `answer`, and with the state as it came."""
        query = self.request.query
        state = {"state": query["state"]} if has_state and "state" in query else {}
        if self.platform == "mobile":
            return callback_to_sdk(self.request, self.redirect_uri, {**answer, **state})
        return f"{self.redirect_uri}?{urlencode({**answer, **state})}"


def read_wish(request: Request, world: World) -> Wish:
    """Check an authorization request, one parameter after the other ("Login Kit for Web", "… for Desktop").

    Raises:
        PageError: the first parameter that is wrong.
    """
    query = request.query
    app = _read_app(query, world.apps)
    platform = world.platform_of(app)
    # On a mobile device the app is told that it has no Login Kit; see `Wish.refusal`.
    if not app.has_login_kit and platform != "mobile":
        raise PageError("unauthorized_client", "client_key", rulebook.LOGIN_KIT)
    redirect_uri = query.get("redirect_uri", "")
    if broken := app.broken_by(redirect_uri, platform):
        raise PageError("invalid_request", "redirect_uri", broken)
    if query.get("response_type") != "code":
        raise PageError("unsupported_response_type", "response_type", rulebook.RESPONSE_TYPE)
    return Wish(app, platform, redirect_uri, _read_scopes(query, app), _read_challenge(query, platform), request)


def _read_app(query: Mapping[str, str], apps: Mapping[str, App]) -> App:
    key = query.get("client_key", "")
    app = apps.get(key)
    if app is None:
        is_called_otherwise = not key and "client_id" in query
        broken = rulebook.T01 if is_called_otherwise else rulebook.CLIENT_KEY
        raise PageError("param_error", "client_key", rulebook.T34 if key.strip() in apps else broken, "10003")
    if app.status == "draft":
        raise PageError("unauthorized_client", "client_key", rulebook.DRAFT_APP)
    return app


def _read_scopes(query: Mapping[str, str], app: App) -> tuple[str, ...]:
    text = query.get("scope", "")
    scopes = tuple(dict.fromkeys(text.split(",")))
    if set(scopes) <= set(app.scopes):
        return scopes
    if not text:
        raise PageError("invalid_scope", "scope", rulebook.SCOPE)
    raise PageError("invalid_scope", "scope", rulebook.T02 if " " in text else rulebook.T27)


def _read_challenge(query: Mapping[str, str], platform: Platform) -> str:
    """Return the PKCE challenge. Web apps are asked for none, and one that they send means nothing."""
    if platform == "web":
        return ""
    challenge = query.get("code_challenge", "")
    if not challenge:
        raise PageError("param_error", "code_challenge", rulebook.T04, "10007")
    usual = "S256" if platform == "mobile" else None
    if query.get("code_challenge_method", usual) != "S256":
        raise PageError("param_error", "code_challenge_method", rulebook.T05, "10008")
    return challenge
