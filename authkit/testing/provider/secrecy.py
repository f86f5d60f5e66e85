"""Secrets are in no log, no repr, no error and no address."""

from __future__ import annotations

import io
import traceback
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from authkit.models import Token
from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.verdicts import explained_by, wrong

__all__ = ["SecrecyTests"]


class SecrecyTests:
    """What the provider lets out."""

    def test_nothing_secret_is_logged(self, bench: Bench) -> None:
        """No logger has a secret at DEBUG, in a login, a refresh and a revocation."""
        secrets = _all_done(bench)
        found = _found_in(bench.listening.logged, secrets)
        if found:
            wrong(
                f"The log has {', '.join(found)}.",
                why="logs are kept for long and read by many; a token in one is a key under the mat",
                fix="log neither requests nor answers; a `Secret` shows nothing of itself until .reveal()",
            )

    def test_nothing_secret_is_printed(self, bench: Bench) -> None:
        """Nothing secret goes to standard output or standard error."""
        printed = io.StringIO()
        with redirect_stdout(printed), redirect_stderr(printed):
            secrets = _all_done(bench)
        found = _found_in(printed.getvalue(), secrets)
        if found:
            wrong(
                f"What is printed has {', '.join(found)}.",
                why="servers write it to a log",
                fix="take the print() out",
            )

    def test_nothing_secret_is_in_a_repr(self, bench: Bench) -> None:
        """Neither the provider nor its client shows a secret."""
        bench.sign_in()
        shown = f"{bench.provider!r} {bench.client!r} {bench.client!s}"
        found = _found_in(shown, _secrets(bench))
        if found:
            wrong(
                f"The repr of the provider or of its client shows {', '.join(found)}.",
                why="a repr ends in logs and error reports",
                fix="keep the client secret as the `Secret` that it is, or field(repr=False)",
            )

    @explained_by("test_no_refusal_quotes_a_secret")
    def test_nothing_secret_is_in_an_error(self, bench: Bench) -> None:
        """An error quotes neither what was sent nor what came, its traceback included."""
        bench.sign_in()
        for fault in ("token:json={}", "token:500", "userinfo:mixed", "token:mixed"):
            with bench.disturbed(fault):
                found = _found_in(_shown(bench.attempt()), _secrets(bench))
            if found:
                wrong(
                    f"The error of a failed login ({fault}) shows {', '.join(found)}.",
                    why="its reason goes to the operator's log",
                    fix="say in an error what went wrong, and quote no request and no answer",
                )

    def test_the_access_token_travels_in_the_bearer_header(self, bench: Bench) -> None:
        """It is in the Authorization header of requests, and not in their addresses (RFC 9700, section 4.3.2)."""
        bench.attempt()
        for sent in bench.wire.to():
            tokens = [name for name in _tokens(bench) if name in sent.url]
            if tokens:
                wrong(
                    f"The address of a request to the {sent.endpoint} endpoint has a token in it.",
                    why="addresses are written to logs on the way (RFC 6750, section 5.3)",
                    fix="`api` sends the token in the header already; add none to `params`",
                )


def _all_done(bench: Bench) -> Mapping[str, str]:
    """Log in, refresh and revoke, whatever comes of the last two; return the secrets."""
    token = bench.sign_in().token
    fresh = bench.refresh(token)
    bench.revoke(fresh if isinstance(fresh, Token) else token)
    return _secrets(bench)


def _secrets(bench: Bench) -> Mapping[str, str]:
    """Return all that is secret of what was sent and answered, by a name for people."""
    secrets = {"the client secret": bench.settings.get("client_secret", "")}
    for sent in bench.wire.to():
        secrets |= {f"the {name}": sent.form[name] for name in ("code", "code_verifier") if name in sent.form}
    return secrets | {f"a token ({number})": text for number, text in enumerate(_tokens(bench))}


def _tokens(bench: Bench) -> list[str]:
    """Return every token that was answered."""
    answers = [sent.answer for sent in bench.wire.to() if isinstance(sent.answer, dict)]
    return [text for answer in answers for name, text in answer.items() if name.endswith("_token") and _is_long(text)]


def _is_long(text: Any) -> bool:
    return isinstance(text, str) and len(text) > 7


def _found_in(text: str, secrets: Mapping[str, str]) -> list[str]:
    return [name.partition(" (")[0] for name, secret in secrets.items() if secret and secret in text]


def _shown(outcome: Outcome) -> str:
    error = outcome.error
    return (
        ""
        if error is None
        else f"{error!r} {getattr(error, 'reason', '')} {''.join(traceback.format_exception(error))}"
    )
