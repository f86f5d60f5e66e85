"""How the provider's errors are read, whatever status they come with (RFC 6749, section 5.2)."""

from __future__ import annotations

from functools import partial
from typing import Any

from authkit.errors import AuthkitError, ProviderProtocolError
from authkit.models import Secret, Token
from authkit.refusal import Refusal
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import setting
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["RefusalTests"]

CANARY = "canary-of-the-contract"
ODD_ERRORS: tuple[Any, ...] = (42, True, ["invalid_grant"], {"a": 1}, 1.5)


class RefusalTests:
    """`read_error`, and what a client of the plugin's own does instead."""

    def test_an_error_with_status_200_is_an_error(self, bench: Bench) -> None:
        """An error in the body counts, although the status says that all is well."""
        bench.sign_in()
        with bench.disturbed("token:error-in-200"):
            outcome = bench.attempt()
        if not isinstance(outcome.error, AuthkitError) or isinstance(outcome.error, ProviderProtocolError):
            wrong(
                f"The token endpoint answered 200 with an error in it, and what comes of it is: {outcome.text}.",
                why="the provider's own word for what is wrong is lost, and the operator has to guess",
                fix="read the body's error before anything else: a read_error that returns a Refusal for it",
            )

    @explained_by("test_an_error_with_status_200_is_an_error")
    def test_a_good_answer_with_an_error_in_it_is_refused(self, bench: Bench) -> None:
        """A token, or a user, beside an error is not used."""
        bench.sign_in()
        for endpoint in [name for name in ("token", "userinfo") if bench.wire.to(name)]:
            with bench.disturbed(f"{endpoint}:mixed"):
                outcome = bench.attempt()
            if outcome.login:
                wrong(
                    f"An answer of the {endpoint} endpoint has an error in it, and somebody is logged in.",
                    why="the provider said no; what else is in the answer may be stale or somebody else's",
                    fix="look for the error first, and at a token or a user only where there is none",
                )

    def test_a_good_answer_is_not_taken_for_an_error(self, bench: Bench) -> None:
        """`read_error` finds nothing in what the provider answers when all is well."""
        read_error = bench.function("read_error")
        bench.attempt()
        for sent in bench.wire.to():
            is_good = sent.status == 200 and sent.broken is None and isinstance(sent.answer, dict)
            found = bench.told(partial(read_error, sent.answer)) if is_good else None
            if found is not None:
                wrong(
                    f"read_error finds {found!r} in a good answer of the {sent.endpoint} endpoint.",
                    why="nobody can log in",
                    fix="return None where the provider's error says that all is well, such as code 'ok'",
                )

    def test_an_error_of_an_odd_type_makes_nothing_raise(self, bench: Bench) -> None:
        """An `error` that is a number, a list or an object makes no function of the plugin raise."""
        bench.sign_in()
        for value in ODD_ERRORS:
            with bench.tampered("token", setting("error", value)):
                outcome = bench.attempt()
            if "reading the provider's answer" in outcome.text:
                wrong(
                    f"With the error {value!r} in the token answer, a function of the plugin raises: {outcome.text}.",
                    why="the log shows a bug in the plugin instead of what the provider said",
                    fix="check with isinstance before you treat the error as a text or as an object",
                )

    def test_no_refusal_quotes_a_secret(self, bench: Bench) -> None:
        """`read_error` puts neither a token nor the whole answer into what it returns."""
        read_error = bench.function("read_error")
        answer = {
            "error": "invalid_grant",
            "error_description": "It has ended.",
            "access_token": CANARY,
            "refresh_token": CANARY,
        }
        found = bench.told(lambda: read_error(answer))
        if isinstance(found, Refusal) and CANARY in f"{found.error} {found.description} {found.log_id}":
            wrong(
                "read_error quotes the token that stands beside an error.",
                why="a refusal goes to the operator's log",
                fix="Refusal(error=…, description=…) with the provider's own two texts, not with the answer",
            )

    def test_user_info_that_is_refused_is_no_login(self, bench: Bench) -> None:
        """An access token that the provider does not know gives no profile."""
        bench.sign_in()
        if not bench.wire.to("userinfo"):
            pointless("there is no user info endpoint")
        token = Token(Secret("a-token-that-nobody-issued"), scope=tuple(bench.provider.default_scope))
        bench.wire.forget()
        found = bench.told(lambda: bench.client.fetch_profile(token))
        if not isinstance(found, AuthkitError):
            wrong(
                f"An access token that nobody issued gives: {found!r}.",
                why="whoever makes up a token is logged in",
                fix="let the error of api.get_json through, or look at the status of the answer",
            )
