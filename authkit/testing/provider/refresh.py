"""A token is refreshed (RFC 6749, section 6)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from authkit.errors import AuthkitError, ProviderUnavailable, ReauthRequired
from authkit.models import Secret, Token
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import MISSING, named, replacing, setting
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["RefreshTests"]

ON_THE_WIRE = (
    "test_a_refresh_is_a_grant_of_its_own",
    "test_a_refresh_says_which_app_asks",
    "test_a_refresh_sends_the_refresh_token_in_the_form",
)


class RefreshTests:
    """`ProviderClient.refresh`."""

    def test_a_refresh_is_a_grant_of_its_own(self, bench: Bench) -> None:
        """grant_type=refresh_token."""
        found = _request(bench).form.get("grant_type")
        if found != "refresh_token":
            wrong(
                f"The grant_type of a refresh is {found!r}.",
                why="the server does not know what is asked of it (RFC 6749, section 6)",
                fix="send grant_type=refresh_token",
            )

    def test_a_refresh_says_which_app_asks(self, bench: Bench) -> None:
        """Client id and secret are there as in a token request."""
        secret, sent = bench.client_secret, _request(bench)
        if sent.basic != (bench.client_id, secret) and not {secret, bench.client_id} <= set(sent.form.values()):
            wrong(
                "A refresh lacks the client id or the client secret.",
                why="the server answers invalid_client, and every user has to sign in again (RFC 6749, section 6)",
                fix="authenticate the client as in the token request",
            )

    def test_a_refresh_sends_the_refresh_token_in_the_form(self, bench: Bench) -> None:
        """The refresh token is in the form of a POST, and not in the address."""
        token = bench.refreshable()
        bench.refresh(token)
        sent = _request(bench, token)
        text = token.refresh_token.reveal() if token.refresh_token else ""
        if sent.form.get("refresh_token") != text or text in sent.url:
            wrong(
                "A refresh does not send the refresh token in its form, or sends it in the address as well.",
                why="the server refuses it, or it ends in the logs on the way (RFC 6749, section 6)",
                fix="send token.refresh_token.reveal() as `refresh_token` in the form, and nowhere else",
            )

    @explained_by(*ON_THE_WIRE)
    def test_a_token_can_be_refreshed(self, bench: Bench) -> None:
        """A refresh gives a new access token, which works."""
        token = bench.refreshable()
        fresh = bench.refresh(token)
        if not isinstance(fresh, Token) or fresh.access_token == token.access_token:
            wrong(
                f"A refresh gives no new access token: {_shown(fresh)}.",
                why="users are signed out from the app's work with the provider as soon as the first token ends",
                fix="return a Token with the access_token of the answer",
            )

    @explained_by("test_a_token_can_be_refreshed")
    def test_a_new_refresh_token_replaces_the_old_one(self, bench: Bench) -> None:
        """Where the answer has another refresh token, the old one is dead (RFC 9700, section 4.14.2)."""
        bench.turn("rotation", "on")
        token = bench.refreshable()
        fresh = _fresh(bench, token)
        wanted = (bench.wire.to("token")[-1].answer or {}).get("refresh_token")
        if wanted and fresh.refresh_token != wanted:
            wrong(
                "The provider gave a new refresh token, and the old one is kept.",
                why="the next refresh uses a dead token; the server takes that for theft and ends the login "
                "(RFC 9700, section 4.14.2)",
                fix="take refresh_token of the answer, and the old one only where there is none",
            )

    def test_without_a_new_refresh_token_the_old_one_stays(self, bench: Bench) -> None:
        """Where the answer has none, the old one is still good (RFC 6749, section 6)."""
        _must_keep(bench, MISSING, "no")

    @explained_by("test_without_a_new_refresh_token_the_old_one_stays")
    def test_an_empty_refresh_token_is_none(self, bench: Bench) -> None:
        """Where the answer has an empty one, or null, the old one is still good."""
        for value in ("", None):
            _must_keep(bench, value, "an empty")

    @explained_by(*ON_THE_WIRE, "test_a_token_can_be_refreshed")
    def test_a_refused_refresh_asks_for_a_new_login(self, bench: Bench) -> None:
        """invalid_grant is ReauthRequired, and is not tried again."""
        token = bench.refreshable()
        bench.wire.forget()
        dead = replace(token, refresh_token=Secret("a-refresh-token-that-nobody-issued"))
        found = bench.refresh(dead)
        if not isinstance(found, ReauthRequired) or len(bench.wire.to("token")) > 1:
            wrong(
                f"A refresh token that is dead gives: {_shown(found)}.",
                why="the app tries again for ever instead of asking the user to sign in (RFC 6749, section 5.2)",
                fix="raise ReauthRequired for invalid_grant on a refresh, and try once",
            )

    @explained_by("test_a_token_can_be_refreshed", "test_a_server_error_is_unavailable")
    def test_a_refresh_that_fails_for_now_keeps_the_login(self, bench: Bench) -> None:
        """HTTP 503 and a dead connection are ProviderUnavailable."""
        for fault in ("token:503:once", "token:reset:once"):
            token = bench.refreshable()
            with bench.disturbed(fault):
                found = bench.refresh(token)
            if not isinstance(found, ProviderUnavailable):
                wrong(
                    f"With the fault {fault}, a refresh gives: {_shown(found)}.",
                    why="for anything but ProviderUnavailable the app throws the login away, which may be good",
                    fix="raise ReauthRequired only where the provider said invalid_grant",
                )

    def test_without_a_refresh_token_nothing_is_refreshed(self, bench: Bench) -> None:
        """A token that has none is ReauthRequired, and nothing is sent."""
        token = replace(bench.sign_in().token, refresh_token=None)
        bench.wire.forget()
        found = bench.refresh(token)
        if not isinstance(found, ReauthRequired) or bench.wire.to():
            wrong(
                f"Refreshing a token without a refresh token gives: {_shown(found)}.",
                why="the app learns from ReauthRequired alone that the user has to sign in again",
                fix="raise ReauthRequired where token.refresh_token is None",
            )

    def test_a_refresh_keeps_the_scope(self, bench: Bench) -> None:
        """Where the answer names no scope, it is that of the old token (RFC 6749, section 6)."""
        token = bench.refreshable()
        with bench.tampered("token", setting("scope", MISSING)):
            fresh = _fresh(bench, token)
        if fresh.scope != token.scope:
            wrong(
                f"The token had the scope {token.scope}, and after a refresh that says nothing of it {fresh.scope}.",
                why="the app believes that the user took it back (RFC 6749, section 6)",
                fix="take token.scope where the answer has no `scope`",
            )

    def test_a_refresh_that_names_somebody_else_is_refused(self, bench: Bench) -> None:
        """Where token answers name the user, a refresh has to name the same one."""
        token = bench.refreshable()
        if not token.subject:
            pointless("token answers do not name the user")
        names = {name for name, value in bench.sent("token").answer.items() if value == token.subject}
        if not names:
            pointless("token answers name the user in a signed ID token only")
        with bench.tampered("token", replacing(named(names), "somebody-else")):
            found = bench.refresh(token)
        if not isinstance(found, AuthkitError):
            wrong(
                "A refresh answers with the token of another user, and it is taken.",
                why="the app would act for somebody else",
                fix="compare the id in the answer with token.subject, and raise ReauthRequired",
            )


def _request(bench: Bench, token: Token | None = None) -> Any:
    """Refresh, and return the request."""
    if token is None:
        token = bench.refreshable()
        bench.refresh(token)
    sent = bench.wire.to("token")
    return sent[-1] if len(sent) > 1 else pointless("a refresh sends nothing: see test_a_token_can_be_refreshed")


def _fresh(bench: Bench, token: Token) -> Token:
    found = bench.refresh(token)
    return found if isinstance(found, Token) else pointless("waits for a refresh: see test_a_token_can_be_refreshed")


def _must_keep(bench: Bench, value: Any, what: str) -> None:
    token = bench.refreshable()
    with bench.tampered("token", setting("refresh_token", value)):
        fresh = _fresh(bench, token)
    if fresh.refresh_token != token.refresh_token:
        wrong(
            f"The answer to a refresh has {what} refresh token, and the old one is gone: {fresh.refresh_token!r}.",
            why="the next refresh is not possible, and the user has to sign in again (RFC 6749, section 6)",
            fix="keep the old one: data.get('refresh_token') or token.refresh_token",
        )


def _shown(found: object) -> str:
    return f"{type(found).__name__}: {found}" if isinstance(found, Exception) else f"a {type(found).__name__}"
