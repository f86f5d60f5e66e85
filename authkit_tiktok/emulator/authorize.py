"""The authorization endpoint: the consent page, and the way back to the app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from authkit.emulator import Answer, Choice, Consent, Problem, Request, render_consent, render_problem
from authkit_tiktok.emulator.headers import stamped
from authkit_tiktok.emulator.ledger import Code
from authkit_tiktok.emulator.user import User
from authkit_tiktok.emulator.wish import DENIED, NOT_A_TARGET, PageError, Refusal, Wish, read_wish
from authkit_tiktok.emulator.world import World

__all__ = ["AuthorizeEndpoint"]

BASIC = "user.info.basic"
SESSION_COOKIE = "tiktok_emulator_session"
CHALLENGE_LIMIT = 128  # a longer one fits to no verifier anyway
SCOPE_TEXTS = {
    "user.info.basic": "Read your profile info (avatar, display name)",
    "user.info.profile": "Read additional profile information (bio, links, handle, verified mark)",
    "user.info.stats": "Read your profile engagement statistics (likes, followers, videos)",
    "video.list": "Read your public videos on TikTok",
    "video.upload": "Share content as a draft on TikTok",
    "video.publish": "Post content to TikTok",
}
"""The consent texts, shortened ("Scopes reference")."""


@dataclass(frozen=True, slots=True)
class AuthorizeEndpoint:
    """``/v2/auth/authorize/``."""

    world: World

    def show(self, request: Request) -> Answer:
        """Show the consent page, or go straight back where there is nothing to ask."""
        try:
            wish = read_wish(request, self.world)
        except PageError as error:
            return self.refuse(request, error)
        return self._answer(wish, self._lead(wish))

    def decide(self, request: Request) -> Answer:
        """Take the consent form: Continue, or Cancel."""
        try:
            wish = read_wish(request, self.world)
        except PageError as error:
            return self.refuse(request, error)
        return self._answer(wish, self._take(wish))

    def refuse(self, request: Request, error: PageError) -> Answer:
        """Show TikTok's error page, at the same address with the error's fields appended; never tell the app."""
        log_id = self.world.ledger.log_id()
        if request.method != "GET" or not error.fields.items() <= request.query.items():
            answer = Answer.redirect("?" + urlencode({**request.query, **error.fields}))
        else:
            problem = Problem(
                provider="TikTok",
                title="Something went wrong",
                message="We couldn't log in with TikTok. This may be due to specific app settings.",
                advice="If you're a developer, correct the following and try again:",
                parameter=error.fields["error_type"],
                log_id=log_id,
            )
            answer = Answer.page(render_problem(problem))
        return stamped(answer, log_id).refused(str(error), error.broken)

    def _answer(self, wish: Wish, answer: Answer) -> Answer:
        """Return `answer` with TikTok's headers, and with the rule that a request broke which was taken."""
        return stamped(replace(answer, broken=answer.broken or wish.broken), self.world.ledger.log_id())

    def _lead(self, wish: Wish) -> Answer:
        """Return what a browser sees first: the page, unless a switch or an earlier consent decides."""
        known = self.world.ledger.signed_in(wish.request.cookies.get(SESSION_COOKIE, ""))
        user = known or self.world.users[0]
        if wish.refusal:
            return self._turn_away(wish, wish.refusal)
        decision = self.world.switches.now.consent
        if decision == "deny":
            return self._turn_away(wish, DENIED)
        if decision == "non-sandbox-target":
            return self._turn_away(wish, NOT_A_TARGET)
        if known and self._can_skip(wish, known):
            return self._allow(wish, user, wish.scopes)
        if decision == "page":
            return self._ask(wish, user)
        scopes = tuple(scope for scope in wish.scopes if decision == "auto-approve" or scope == BASIC)
        return self._allow(wish, user, scopes, is_asked=True)

    def _take(self, wish: Wish) -> Answer:
        """Return what the consent form leads to."""
        form = wish.request.form
        if wish.refusal:
            return self._turn_away(wish, wish.refusal)
        if form.get("decision") == "deny":
            return self._turn_away(wish, DENIED)
        users = {self.world.identities.open_id(user, wish.app): user for user in self.world.users}
        user = users.get(form.get("user", ""))
        if user is None or form.get("decision") != "allow":
            return self._ask(wish, self.world.users[0], status=400)
        ticked = form.get("scope", "").split(",")
        session = self.world.ledger.sign_in(wish.request.cookies.get(SESSION_COOKIE, ""), user)
        answer = self._allow(wish, user, tuple(scope for scope in wish.scopes if scope in ticked), is_asked=True)
        cookie = ("Set-Cookie", f"{SESSION_COOKIE}={session}; Path=/; HttpOnly; SameSite=Lax")
        return replace(answer, headers=(*answer.headers, cookie))

    def _can_skip(self, wish: Wish, user: User) -> bool:
        """Return whether a signed-in user has nothing to decide; only ``disable_auto_auth=1`` shows the page."""
        allowed = self.world.ledger.connected_scopes(user, wish.app)
        return wish.request.query.get("disable_auto_auth") != "1" and set(wish.scopes) <= set(allowed)

    def _ask(self, wish: Wish, chosen: User, status: int = 200) -> Answer:
        identities = self.world.identities
        users = tuple(
            Choice(identities.open_id(user, wish.app), user.display_name, f"@{user.username}")
            for user in self.world.users
        )
        scopes = tuple(Choice(scope, SCOPE_TEXTS.get(scope, scope), scope) for scope in wish.scopes)
        consent = Consent("TikTok", wish.app.name, users, scopes, identities.open_id(chosen, wish.app))
        return Answer.page(render_consent(consent), status)

    def _allow(self, wish: Wish, user: User, scopes: tuple[str, ...], *, is_asked: bool = False) -> Answer:
        """Send the browser back with a code; a sandbox lets in nobody but its target users."""
        if not wish.app.admits(user.username):
            return self._turn_away(wish, NOT_A_TARGET)
        ledger = self.world.ledger
        if is_asked:
            ledger.connect(user, wish.app, scopes)
        code = ledger.new_code(
            Code(ledger.grant(user, wish.app, scopes), wish.redirect_uri, wish.challenge[:CHALLENGE_LIMIT])
        )
        return Answer.redirect(wish.callback({"code": code, "scopes": ",".join(scopes)}))

    def _turn_away(self, wish: Wish, refusal: Refusal) -> Answer:
        """Send the browser back with an error."""
        verdict = ": ".join(refusal.fields[name] for name in ("error", "error_type") if name in refusal.fields)
        location = wish.callback(refusal.fields, has_state=refusal.has_state)
        return Answer.redirect(location).refused(verdict, refusal.broken)
