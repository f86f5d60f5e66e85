"""Token answers that are odd (RFC 6749, section 5.1)."""

from __future__ import annotations

from typing import Any

from authkit.errors import AuthkitError
from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import MISSING, setting
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["AnswerTests"]

ODD_EXPIRIES: tuple[Any, ...] = (MISSING, None, 0, -1, "abc", 10**18, True)
NO_TOKENS: tuple[Any, ...] = ("", None, 1, True, [], "a\r\nX-Admin: 1", "two words")


class AnswerTests:
    """How `ProviderClient.exchange` reads a token answer."""

    def test_an_answer_without_access_token_is_refused(self, bench: Bench) -> None:
        """Without an access token nobody is logged in, and user info is not asked."""
        _must_be_refused(bench, "access_token", MISSING)

    @explained_by("test_an_answer_without_access_token_is_refused")
    def test_an_access_token_is_text(self, bench: Bench) -> None:
        """An access token is a text of visible characters, and not empty (RFC 6749, appendix A.12)."""
        for value in NO_TOKENS:
            _must_be_refused(bench, "access_token", value)

    @explained_by("test_an_answer_without_access_token_is_refused")
    def test_a_token_of_another_type_is_refused(self, bench: Bench) -> None:
        """A token type other than Bearer is not used (RFC 6749, section 7.1)."""
        for value in ("mac", "DPoP", 1):
            _must_be_refused(bench, "token_type", value)

    @explained_by("test_an_answer_without_access_token_is_refused", "test_an_access_token_is_text")
    def test_members_of_wrong_types_are_not_used(self, bench: Bench) -> None:
        """A refresh token that is no text is none, and no answer with numbers for texts is taken."""
        bench.sign_in()
        outcomes = [_with(bench, "refresh_token", value) for value in (7, True, ["a"])]
        with bench.disturbed("token:wrong-types"):
            outcomes.append(bench.attempt())
        kept = [outcome.login.token.refresh_token for outcome in outcomes if outcome.login]
        odd = [secret.reveal() for secret in kept if secret is not None and type(secret.reveal()) is not str]
        if odd:
            wrong(
                f"The refresh token of a login is {odd[0]!r}, a {type(odd[0]).__name__}.",
                why="it is stored, and breaks the app weeks later, when it is to be used",
                fix="check the types of what you read: Secret(text) only for a text",
            )

    def test_an_expiry_that_is_missing_or_odd_costs_nothing(self, bench: Bench) -> None:
        """`expires_in` may be missing, and nothing that it can be raises (RFC 6749, section 5.1)."""
        bench.sign_in()
        for value in ODD_EXPIRIES:
            outcome = _with(bench, "expires_in", value)
            if outcome.login is None and "reading the provider's answer" in outcome.text:
                wrong(
                    f"With expires_in {_shown(value)}, the login fails: {outcome.text}.",
                    why="it is optional (RFC 6749, section 5.1), and a slip of the provider's would lock users out",
                    fix="expires_at=None where expires_in is missing or no sane number of seconds",
                )


def _must_be_refused(bench: Bench, name: str, value: Any) -> None:
    bench.sign_in()
    bench.wire.forget()
    outcome = _with(bench, name, value)
    if not isinstance(outcome.error, AuthkitError) or bench.wire.to("userinfo"):
        wrong(
            f"A token answer with the {name} {_shown(value)} is taken for good: {outcome.text}.",
            why="such an answer is no proof of anything; what is in it goes into a header (RFC 6749, section 5.1)",
            fix=f"raise ProviderProtocolError unless {name} is what it has to be",
        )


def _with(bench: Bench, name: str, value: Any) -> Outcome:
    """Log in with a token answer in which one member is another."""
    with bench.tampered("token", setting(name, value)):
        return bench.attempt()


def _shown(value: Any) -> str:
    return "missing" if value is MISSING else repr(value)
