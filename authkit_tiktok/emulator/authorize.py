"""The authorization endpoint: the request's checks, the consent page, and the way back to the app."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from authkit.emulator import Answer, Choice, Consent, Problem, Request, render_consent, render_problem
from authkit_tiktok.emulator.app import App
from authkit_tiktok.emulator.ledger import Code, Grant
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.world import World

__all__ = ["AuthorizeEndpoint"]

SESSION_COOKIE = "tiktok_emulator_session"
SCOPE_TEXTS = {
    "user.info.basic": "Read your profile info (avatar, display name)",
    "user.info.profile": "Read additional profile information (bio, links, handle, verified mark)",
    "user.info.stats": "Read your profile engagement statistics (likes, followers, videos)",
    "video.list": "Read your public videos on TikTok",
    "video.upload": "Share content as a draft on TikTok",
    "video.publish": "Post content to TikTok",
}
"""The consent texts, shortened ("Scopes reference")."""


class AuthorizeError(Exception):
    """A parameter of the authorization request is wrong: TikTok says so on a page of its own.

    Attributes:
        fields: what TikTok appends to the page's address; ``error_type`` is the name of the parameter.
    """

    def __init__(self, error: str, parameter: str, number: str = "") -> None:
        super().__init__(f"{error}: {parameter}")
        self.fields = {"error": error, "error_type": parameter} | ({"errCode": number} if number else {})


@dataclass(frozen=True, slots=True)
class Wish:
    """A valid authorization request."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    state: Mapping[str, str] = field(repr=False)

    def answered(self, parameters: Mapping[str, str]) -> str:
        """Return the address of the callback, with the state as it came."""
        return f"{self.redirect_uri}?{urlencode({**parameters, **self.state})}"


def read_wish(query: Mapping[str, str], apps: Mapping[str, App]) -> Wish:
    """Check an authorization request, one parameter after the other ("Login Kit for Web", "… for Desktop").

    Raises:
        AuthorizeError: the first parameter that is wrong.
    """
    app = apps.get(query.get("client_key", ""))
    if app is None:
        raise AuthorizeError("param_error", "client_key", "10003")
    redirect_uri = query.get("redirect_uri", "")
    if not app.accepts(redirect_uri):
        raise AuthorizeError("invalid_request", "redirect_uri")
    if query.get("response_type") != "code":
        raise AuthorizeError("unsupported_response_type", "response_type")
    scopes = tuple(dict.fromkeys(query.get("scope", "").split(",")))
    if not set(scopes) <= set(app.scopes):
        raise AuthorizeError("invalid_scope", "scope")
    challenge = query.get("code_challenge", "") if app.has_pkce else ""
    if app.has_pkce and not challenge:
        raise AuthorizeError("param_error", "code_challenge", "10007")
    if app.has_pkce and query.get("code_challenge_method") != "S256":
        raise AuthorizeError("param_error", "code_challenge_method", "10008")
    state = {"state": query["state"]} if "state" in query else {}
    return Wish(app, redirect_uri, scopes, challenge, state)


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """``/v2/auth/authorize/``."""

    world: World

    def show(self, request: Request) -> Answer:
        """Show the consent page, or go straight back where this browser's user has allowed it all before."""
        try:
            wish = read_wish(request.query, self.world.apps)
        except AuthorizeError as error:
            return self._refuse(request, error)
        known = self.world.ledger.remembered(request.cookies.get(SESSION_COOKIE, ""), wish.app)
        may_skip = request.query.get("disable_auto_auth") != "1"
        if known and may_skip and set(wish.scopes) <= set(known.scopes):
            return Answer.redirect(self._allow(wish, Grant(wish.app, known.user, wish.scopes)))
        return self._ask(wish, known.user if known else self.world.users[0])

    def decide(self, request: Request) -> Answer:
        """Take the consent form: Continue, or Cancel."""
        try:
            wish = read_wish(request.query, self.world.apps)
        except AuthorizeError as error:
            return self._refuse(request, error)
        if request.form.get("decision") == "deny":
            denied = {"error": "access_denied", "error_description": "access_denied", "errCode": "-2"}
            return Answer.redirect(wish.answered(denied))
        user = next((user for user in self.world.users if user.open_id == request.form.get("user")), None)
        if user is None or request.form.get("decision") != "allow":
            return self._ask(wish, self.world.users[0], status=400)
        ticked = request.form.get("scope", "").split(",")
        grant = Grant(wish.app, user, tuple(scope for scope in wish.scopes if scope in ticked))
        session = self.world.ledger.remember(request.cookies.get(SESSION_COOKIE, ""), grant)
        cookie = f"{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax"
        return Answer.redirect(self._allow(wish, grant), ("Set-Cookie", cookie))

    def _ask(self, wish: Wish, user: User, status: int = 200) -> Answer:
        users = tuple(Choice(user.open_id, user.display_name, f"@{user.username}") for user in self.world.users)
        scopes = tuple(Choice(scope, SCOPE_TEXTS.get(scope, scope), scope) for scope in wish.scopes)
        return Answer.page(render_consent(Consent("TikTok", wish.app.name, users, scopes, user.open_id)), status)

    def _allow(self, wish: Wish, grant: Grant) -> str:
        code = self.world.ledger.new_code(Code(grant, wish.redirect_uri, wish.challenge))
        return wish.answered({"code": code, "scopes": ",".join(grant.scopes)})

    def _refuse(self, request: Request, error: AuthorizeError) -> Answer:
        """Show TikTok's error page, at the same address with the error's fields appended; never tell the app."""
        if request.method != "GET" or not error.fields.items() <= request.query.items():
            return Answer.redirect("?" + urlencode({**request.query, **error.fields}))
        problem = Problem(
            provider="TikTok",
            title="Something went wrong",
            message="We couldn't log in with TikTok. This may be due to specific app settings.",
            advice="If you're a developer, correct the following and try again:",
            parameter=error.fields["error_type"],
            log_id=self.world.ledger.log_id(),
        )
        return Answer.page(render_problem(problem))
