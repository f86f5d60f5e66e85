"""A login from end to end, and what the app gets of it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from authkit.models import Profile, Token
from authkit.testing.provider.authorization import AuthorizationTests
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.challenge import ChallengeTests
from authkit.testing.provider.exchange import ExchangeTests
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["LoginTests"]

ON_THE_WIRE = tuple(
    name
    for tests in (AuthorizationTests, ChallengeTests, ExchangeTests)
    for name in vars(tests)
    if name.startswith("test_")
)
"""What a server refuses a login for: each of these looks at a login whether it succeeds or not."""

LEEWAY = timedelta(seconds=60)


class LoginTests:
    """What `AuthKit.complete` returns."""

    @explained_by(
        *ON_THE_WIRE,
        "test_a_good_answer_is_not_taken_for_an_error",
        "test_the_profile_function_changes_nothing",
        "test_the_access_token_travels_in_the_bearer_header",
        "test_nothing_goes_past_the_transport",
        "test_an_expiry_that_is_missing_or_odd_costs_nothing",
    )
    def test_a_login_succeeds(self, bench: Bench) -> None:
        """The user says yes, and the app gets a login."""
        outcome = bench.attempt()
        if outcome.login is None:
            broken = [sent.broken for sent in bench.wire.to() if sent.broken]
            rule = f" The server says: {broken[0].text} ({broken[0].source})" if broken else ""
            wrong(
                f"The login fails: {outcome.text}.{rule}",
                why="nobody can sign in",
                fix="read the error above: it is what the operator finds in the log",
            )

    def test_a_token_ends_when_the_provider_says(self, bench: Bench) -> None:
        """`Token.expires_at` is the time of the answer plus its expires_in, in UTC."""
        token = bench.sign_in().token
        seconds = (bench.sent("token").answer or {}).get("expires_in")
        if not isinstance(seconds, int):
            pointless("the emulator does not say when the token ends")
        wanted = datetime.fromtimestamp(bench.emulator.workbench.clock(), timezone.utc) + timedelta(seconds=seconds)
        found: object = token.expires_at
        is_near = isinstance(found, datetime) and found.tzinfo is not None and abs(found - wanted) < LEEWAY
        if not is_near:
            wrong(
                f"The token ends at {found!r}; the provider said in {seconds} seconds, in UTC that is {wanted!r}.",
                why="what keeps tokens fresh compares the two, and a time without a zone raises",
                fix="datetime.now(timezone.utc) + timedelta(seconds=expires_in)",
            )

    @explained_by("test_each_scope_is_one_word", "test_the_scopes_stand_apart")
    def test_what_was_granted_is_read_word_by_word(self, bench: Bench) -> None:
        """Where everything was granted, nothing is missing, with comma or blank between the words."""
        login = bench.sign_in(scope=_more_scopes(bench))
        if login.missing_scopes:
            wrong(
                f"Everything was granted, and {login.missing_scopes} is missing; granted: {login.granted_scopes}.",
                why="the app asks the user for the same scope again and again",
                fix="split the answer's scope at blanks and commas",
            )

    def test_a_token_is_what_the_provider_issued(self, bench: Bench) -> None:
        """`Login.token` holds the access token and the refresh token of the answer."""
        token = bench.sign_in().token
        answer = bench.sent("token").answer or {}
        wanted = answer.get("access_token"), answer.get("refresh_token")
        found = token.access_token.reveal(), token.refresh_token.reveal() if token.refresh_token else None
        if found != wanted or type(token) is not Token:
            wrong(
                "The login's token does not hold what the token answer says.",
                why="the app cannot call the provider, or never refreshes and asks the user to sign in again",
                fix="Token(access_token=Secret(…), refresh_token=Secret(…) if there is one)",
            )

    def test_the_profile_is_typed_and_cannot_be_changed(self, bench: Bench) -> None:
        """It is a `Profile` itself, read-only all the way down."""
        profile: object = bench.sign_in().profile
        if type(profile) is not Profile or hasattr(profile, "__dict__"):
            wrong(
                f"The profile is a {type(profile).__name__}, a class of the plugin's own.",
                why="apps store and compare profiles; what a subclass adds is neither frozen nor known to them",
                fix="return authkit.Profile, and put what else there is into `raw`",
            )


def _more_scopes(bench: Bench) -> list[str]:
    """Return scopes that make at least two, if the emulator has them."""
    return [scope for scope in bench.emulator.scopes if scope not in bench.provider.default_scope]
