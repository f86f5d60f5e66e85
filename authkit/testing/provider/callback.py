"""What comes back through the browser (RFC 6749, sections 4.1.2 and 4.1.2.1)."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from authkit.errors import AccessDenied, AuthkitError, InvalidRequest, ProviderProtocolError, ProviderRejected
from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["CallbackTests"]

LATER = 590
"""Seconds after which any code has ended, and a login of the core's has not (RFC 6749, section 4.1.2)."""


class CallbackTests:
    """How `ProviderClient.exchange` reads the callback."""

    def test_a_user_who_says_no_is_told_apart(self, bench: Bench) -> None:
        """A denied login is AccessDenied, and nothing is exchanged."""
        bench.sign_in()
        attempt = bench.request()
        outcome = bench.complete(attempt, urlsplit(bench.emulator.deny(attempt.url)).query)
        if not isinstance(outcome.error, AccessDenied):
            wrong(
                f"The user said no, and what comes of it is: {outcome.text}.",
                why="the app answers an error page instead of 'you can try again' (RFC 6749, section 4.1.2.1)",
                fix="raise AccessDenied for error=access_denied; read_refusal does",
            )

    @explained_by("test_an_error_with_status_200_is_an_error")
    def test_the_provider_s_word_for_an_error_reaches_the_operator(self, bench: Bench) -> None:
        """A callback with another error than access_denied is refused with that error in the reason."""
        for word in ("invalid_scope", "server_error"):
            outcome = bench.come_back(bench.request(), error=word, error_description="It is so.")
            error = outcome.error
            if not isinstance(error, AuthkitError) or word not in error.reason:
                wrong(
                    f"The provider answered error={word}, and what comes of it is: {outcome.text}.",
                    why="the operator has to guess why nobody can log in (RFC 6749, section 4.1.2.1)",
                    fix="let read_error return a Refusal for every error, not only for those that you know",
                )

    @explained_by("test_a_user_who_says_no_is_told_apart", "test_an_error_with_status_200_is_an_error")
    def test_an_error_beside_a_code_is_an_error(self, bench: Bench) -> None:
        """A callback with a code and an error is refused, and the code is not exchanged."""
        outcome = bench.come_back(bench.request(), code="a-code", error="access_denied")
        if outcome.login or bench.wire.to("token"):
            wrong(
                "A callback with an error and a code was exchanged.",
                why="the provider said no; whoever adds a code to that must get nothing (RFC 6749, section 4.1.2.1)",
                fix="read `error` first, and `code` only where there is none",
            )

    def test_a_callback_without_a_code_is_refused(self, bench: Bench) -> None:
        """Without a code, or with an empty one, nothing is sent to the provider."""
        for params in ({}, {"code": ""}):
            outcome = bench.come_back(bench.request(), **params)
            if not isinstance(outcome.error, AuthkitError) or bench.wire.to("token"):
                wrong(
                    f"A callback without a code went on: {outcome.text}.",
                    why="anybody can call the callback's address; the client secret must not be sent for nothing",
                    fix="raise InvalidRequest where response.params has no code",
                )

    def test_a_code_that_is_far_too_long_is_refused(self, bench: Bench) -> None:
        """A code of 15,000 characters is not passed on."""
        outcome = bench.come_back(bench.request(), code="c" * 15_000)
        if not isinstance(outcome.error, InvalidRequest) or bench.wire.to("token"):
            wrong(
                f"A code of 15,000 characters was passed on to the provider: {outcome.text}.",
                why="a stranger chooses what is in a callback, and the app would carry it to the provider",
                fix="raise InvalidRequest for a code of more than 4,096 characters",
            )

    @explained_by("test_an_error_with_status_200_is_an_error")
    def test_a_code_that_was_used_is_refused(self, bench: Bench) -> None:
        """A code is exchanged once; the second time it is ProviderRejected."""
        _must_be_rejected(_with_code_of(bench, _used_code(bench)), "that was used before")

    @explained_by("test_a_code_that_was_used_is_refused", "test_an_error_with_status_200_is_an_error")
    def test_a_code_that_has_ended_is_refused(self, bench: Bench) -> None:
        """A user who comes back after nearly ten minutes has to start again."""
        bench.sign_in()
        attempt = bench.request()
        query = bench.approve(attempt)
        bench.emulator.workbench.clock.advance(LATER)
        outcome = bench.complete(attempt, query)
        if outcome.login:
            pointless(f"codes of this emulator live longer than {LATER} seconds")
        _must_be_rejected(outcome, "that has ended")

    @explained_by(
        "test_the_verifier_is_in_the_token_request",
        "test_two_interleaved_logins_do_not_mix",
        "test_each_login_has_a_challenge_of_its_own",
        "test_a_challenge_comes_with_its_method",
    )
    def test_a_code_of_somebody_else_s_login_is_refused(self, bench: Bench) -> None:
        """The verifier is this login's own, so a stolen code is of no use (RFC 9700, section 4.5)."""
        bench.sign_in()
        mine, stolen = bench.request(), bench.request()
        if not mine.query.get("code_challenge"):
            bench.lacks("pkce", f"{bench.name} sends no code_challenge")
        code = dict(parse_qsl(bench.approve(stolen, user=1)))["code"]
        outcome = bench.come_back(mine, code=code)
        if outcome.login and bench.wire.to("token")[-1].form.get("code_verifier") == mine.verifier:
            pointless("this server looks at no verifier")
        if outcome.login:
            wrong(
                "A code that was stolen from another login is exchanged.",
                why="an attacker logs in as whoever the code belongs to (RFC 9700, section 4.5)",
                fix="send the verifier of response.code_verifier, and keep none",
            )


def _used_code(bench: Bench) -> str:
    bench.sign_in()
    return bench.sent("token").form["code"]


def _with_code_of(bench: Bench, code: str) -> Outcome:
    return bench.come_back(bench.request(), code=code)


def _must_be_rejected(outcome: Outcome, which: str) -> None:
    if not isinstance(outcome.error, ProviderRejected) or isinstance(outcome.error, ProviderProtocolError):
        wrong(
            f"A code {which} gives: {outcome.text}.",
            why="it happens to people who press 'back'; the app tells them to start again only for ProviderRejected",
            fix="let invalid_grant be ProviderRejected, as RFC 6749, section 5.2, has it; read_refusal does",
        )
