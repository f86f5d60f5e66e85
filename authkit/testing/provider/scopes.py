"""Which scopes the user granted (RFC 6749, section 3.3)."""

from __future__ import annotations

from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import MISSING, setting
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["ScopeTests"]


class ScopeTests:
    """`Login.granted_scopes` and `missing_scopes`."""

    @explained_by("test_a_login_with_fewer_scopes_still_succeeds")
    def test_what_the_user_unticked_is_missing(self, bench: Bench) -> None:
        """The login says which scopes were granted and which were not."""
        outcome, ticked, asked = _partly(bench)
        login = outcome.login
        if login is None or set(login.granted_scopes) != set(ticked):
            granted = login.granted_scopes if login else outcome.text
            wrong(
                f"The user granted {ticked} of {asked}, and the login says: {granted}.",
                why="the app calls what it may not, and never asks for what is missing (RFC 6749, section 3.3)",
                fix="read `scope` of the token answer; what was asked for counts only where it is missing",
            )

    @explained_by("test_a_login_succeeds", "test_the_scopes_stand_apart")
    def test_a_login_with_fewer_scopes_still_succeeds(self, bench: Bench) -> None:
        """The profile is fetched with what was granted."""
        outcome, ticked, asked = _partly(bench)
        if outcome.login is None:
            wrong(
                f"The user granted {ticked} of {asked}, and the login fails: {outcome.text}.",
                why="people untick boxes; what they granted is enough to know who they are",
                fix="let the userinfo function look at token.scope, and ask only for what was granted",
            )

    @explained_by("test_what_was_granted_is_read_word_by_word")
    def test_a_scope_that_is_not_named_counts_as_granted(self, bench: Bench) -> None:
        """A token answer without `scope` means: what was asked for (RFC 6749, section 5.1)."""
        asked = bench.sign_in().granted_scopes
        with bench.tampered("token", setting("scope", MISSING)):
            outcome = bench.attempt()
        found = outcome.login.granted_scopes if outcome.login else outcome.text
        if asked and found != asked:
            wrong(
                f"The token answer names no scope, and the login says: {found}; asked for was {asked}.",
                why="a server may leave it out where it granted what was asked for (RFC 6749, section 5.1)",
                fix="take response.scope where the answer has no `scope`",
            )


def _partly(bench: Bench) -> tuple[Outcome, tuple[str, ...], tuple[str, ...]]:
    """Log in with all but one of the scopes; skip if there is none that could be left out."""
    bench.sign_in()
    default = tuple(dict.fromkeys(bench.provider.default_scope))
    asked = tuple(dict.fromkeys((*default, *bench.emulator.scopes)))
    basic = bench.registration.basic_scope or default[:1]
    if not set(asked) - set(basic):
        bench.lacks("scopes", f"{bench.name} asks for nothing that a user could leave out")
    ticked = tuple(scope for scope in asked if scope in basic) or asked[:1]
    return bench.attempt(scopes=ticked, scope=asked), ticked, asked
