"""A token is ended at the provider (RFC 7009)."""

from __future__ import annotations

from authkit.errors import AuthkitError, ProviderUnavailable
from authkit.models import Token
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, wrong
from authkit.testing.provider.wire import Sent

__all__ = ["RevocationTests"]


class RevocationTests:
    """`ProviderClient.revoke`."""

    def test_revoking_says_whether_it_was_done(self, bench: Bench) -> None:
        """`revoke` returns True or False: False where the provider has no way to."""
        token = bench.sign_in().token
        found = bench.told(lambda: bench.client.revoke(token))
        if not isinstance(found, (bool, AuthkitError)):
            wrong(
                f"revoke returns a {type(found).__name__}.",
                why="the app tells the user whether the access has ended",
                fix="return True when the provider has ended the token, False if it has no way to",
            )

    @explained_by(
        "test_a_revocation_says_which_app_asks",
        "test_a_revocation_sends_the_token_in_the_form",
        "test_revoking_says_whether_it_was_done",
        "test_a_token_can_be_refreshed",
    )
    def test_a_revoked_token_is_dead(self, bench: Bench) -> None:
        """After True, the provider takes the token no more."""
        token = bench.sign_in().token
        found = bench.revoke(token)
        if found is False:
            bench.lacks("revoke", f"{bench.name} has no way to end a token")
        alive = isinstance(bench.refresh(token), Token)
        alive = alive or (not token.refresh_token and not _is_refused(bench, token))
        if found is not True or alive:
            wrong(
                f"revoke says {found!r}, and the token {'still works' if alive else 'is dead'}.",
                why="the user disconnected the app, and it still has access",
                fix="send the token to the provider's revocation endpoint; revoke_with says which one it wants",
            )

    def test_a_revocation_says_which_app_asks(self, bench: Bench) -> None:
        """Client id and secret are there as in a token request (RFC 7009, section 2.1)."""
        secret, sent = bench.client_secret, _request(bench)[1]
        if sent.basic != (bench.client_id, secret) and not {secret, bench.client_id} <= set(sent.form.values()):
            wrong(
                "A revocation lacks the client id or the client secret.",
                why="the server refuses it, and the token lives on (RFC 7009, section 2.1)",
                fix="authenticate the client as in the token request",
            )

    def test_a_revocation_sends_the_token_in_the_form(self, bench: Bench) -> None:
        """The token is in the form of a POST, and not in the address (RFC 7009, section 2.1)."""
        token, sent = _request(bench)
        texts = {secret.reveal() for secret in (token.access_token, token.refresh_token) if secret}
        if not texts & set(sent.form.values()) or any(text in sent.url for text in texts):
            wrong(
                "A revocation does not send the token in its form, or sends it in the address as well.",
                why="the server refuses it, or the token ends in the logs on the way (RFC 7009, section 2.1)",
                fix="POST it as `token` in a form",
            )

    @explained_by("test_revoking_says_whether_it_was_done", "test_an_error_with_status_200_is_an_error")
    def test_a_refused_revocation_is_an_error(self, bench: Bench) -> None:
        """An error of the provider comes out, with status 200 too."""
        for fault in ('revoke:json={"error":"invalid_request"}:always', "revoke:error-in-200"):
            _must_raise(bench, fault, AuthkitError, "raise what the answer's error means, and look at its status")

    @explained_by(
        "test_a_refused_revocation_is_an_error",
        "test_revoking_says_whether_it_was_done",
        "test_a_server_error_is_unavailable",
    )
    def test_a_revocation_that_fails_for_now_is_unavailable(self, bench: Bench) -> None:
        """HTTP 503 means that the token is alive, and to be tried again (RFC 7009, section 2.2.1)."""
        for fault in ("revoke:503", "revoke:reset"):
            _must_raise(bench, fault, ProviderUnavailable, "raise ProviderUnavailable from HTTP 500 on")


def _request(bench: Bench) -> tuple[Token, Sent]:
    """Log in, revoke, and return the token and the request."""
    token = bench.sign_in().token
    bench.revoke(token)
    sent = bench.wire.to("revoke")
    return token, sent[0] if sent else bench.lacks("revoke", f"{bench.name} sends no revocation")


def _must_raise(bench: Bench, fault: str, wanted: type[AuthkitError], fix: str) -> None:
    token, _ = _request(bench)
    with bench.disturbed(fault):
        found = bench.revoke(token)
    if not isinstance(found, wanted):
        wrong(
            f"With the fault {fault}, revoke gives {found!r}, not {wanted.__name__}.",
            why="the app believes that the access has ended, or never tries again",
            fix=fix,
        )


def _is_refused(bench: Bench, token: Token) -> bool:
    return isinstance(bench.told(lambda: bench.client.fetch_profile(token)), AuthkitError)
