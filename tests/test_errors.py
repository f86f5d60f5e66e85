"""The error tree: stable codes and statuses, one printable line for the log, and no secret in it."""

from __future__ import annotations

import re
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit import errors
from authkit.errors import (
    AccountConflict,
    AccountDenied,
    AccountDisabled,
    AuthkitError,
    IdentityTaken,
    MethodNotAllowed,
    ProviderRejected,
    RegistrationClosed,
    brief,
    printable,
    redacted,
)

CODES = {
    "AccessDenied": ("access_denied", 403),
    "AccountConflict": ("account_conflict", 409),
    "AccountDenied": ("account_denied", 403),
    "AccountDisabled": ("account_denied", 403),
    "AuthkitError": ("error", 400),
    "ConfigError": ("config_error", 500),
    "CrossSite": ("cross_site", 403),
    "IdentityTaken": ("account_conflict", 409),
    "InvalidRequest": ("invalid_request", 400),
    "IssuerMismatch": ("issuer_mismatch", 400),
    "LastIdentity": ("last_identity", 409),
    "LinkRequired": ("link_required", 409),
    "MethodNotAllowed": ("invalid_request", 405),
    "NothingSent": ("invalid_request", 400),
    "ProviderMisconfigured": ("provider_misconfigured", 503),
    "ProviderProtocolError": ("provider_protocol", 502),
    "ProviderRateLimited": ("provider_rate_limited", 503),
    "ProviderRejected": ("provider_rejected", 400),
    "ProviderUnavailable": ("provider_unavailable", 503),
    "RateLimited": ("rate_limited", 429),
    "ReauthRequired": ("reauth_required", 401),
    "RegistrationClosed": ("account_denied", 403),
    "RequestTooLarge": ("invalid_request", 413),
    "ScopeMissing": ("scope_missing", 403),
    "StateInvalid": ("state_invalid", 400),
    "StoreUnavailable": ("store_unavailable", 503),
    "TicketInvalid": ("ticket_invalid", 401),
    "TokenInvalid": ("token_invalid", 401),
    "UnknownProvider": ("unknown_provider", 404),
    "UnsupportedMediaType": ("invalid_request", 415),
    "WebhookRejected": ("webhook_rejected", 401),
}

CLASSES: dict[str, type[AuthkitError]] = {name: getattr(errors, name) for name in errors.__all__ if name[0].isupper()}


def test_every_error_has_its_code_and_status() -> None:
    assert {name: (kind.code, kind.status) for name, kind in CLASSES.items()} == CODES


def _tree(kind: type[AuthkitError]) -> set[type[AuthkitError]]:
    return {kind}.union(*(_tree(each) for each in kind.__subclasses__()))


def test_every_error_is_exported() -> None:
    assert {kind for kind in _tree(AuthkitError) if kind.__module__ == "authkit.errors"} == set(CLASSES.values())
    assert errors.__all__ == [*sorted(CLASSES), "brief", "printable", "redacted"]


@pytest.mark.parametrize("name", sorted(CODES))
def test_every_error_has_a_sentence_for_the_visitor(name: str) -> None:
    assert CLASSES[name].message.endswith(".")


def test_an_error_knows_what_it_is_told_and_nothing_else() -> None:
    error = ProviderRejected("no", registration="acme", log_id="log-1", retry_after=30)

    assert (error.reason, error.registration, error.log_id, error.retry_after) == ("no", "acme", "log-1", 30)
    assert (error.cookies, str(error), error.args) == ((), "provider_rejected: no", ("no",))


def test_an_error_without_a_reason_is_its_code() -> None:
    error = ProviderRejected()

    assert (error.reason, error.registration, error.log_id, error.retry_after) == ("", "", "", None)
    assert (str(error), repr(error)) == ("provider_rejected", "ProviderRejected('')")


def test_every_error_has_a_correlation_id_of_its_own() -> None:
    ids = {ProviderRejected().correlation_id for _ in range(100)}

    assert len(ids) == 100
    assert {len(bytes.fromhex(text)) for text in ids} == {8}


def test_an_account_conflict_remembers_where_the_login_was_going() -> None:
    assert AccountConflict("somebody else").return_to is None
    assert AccountConflict("somebody else", return_to="/inbox").return_to == "/inbox"
    assert AccountConflict("somebody else", return_to="/inbox").reason == "somebody else"


def test_an_identity_that_is_taken_is_an_account_conflict_with_a_sentence_of_its_own() -> None:
    error = IdentityTaken("it belongs to another account")

    assert isinstance(error, AccountConflict)
    assert (error.code, error.return_to) == (AccountConflict.code, None)
    assert error.message != AccountConflict.message


def test_closed_registration_and_a_blocked_account_are_denials_with_sentences_of_their_own() -> None:
    for kind in (RegistrationClosed, AccountDisabled):
        assert issubclass(kind, AccountDenied)
    assert len({kind.message for kind in (AccountDenied, RegistrationClosed, AccountDisabled)}) == 3


def test_an_error_of_ours_is_none_of_the_provider_s_words() -> None:
    assert ProviderRejected("no").said == ""


def test_a_method_that_is_not_allowed_names_the_one_that_is() -> None:
    error = MethodNotAllowed("POST")

    assert (error.allowed, error.reason) == ("POST", "only POST is allowed here")


def test_inp_02_the_reason_stays_on_one_line() -> None:
    error = ProviderRejected("x\nINFO login ok \x1b[2J")

    assert error.reason == r"x\nINFO login ok \x1b[2J"
    assert str(error) == r"provider_rejected: x\nINFO login ok \x1b[2J"


@pytest.mark.parametrize("log_id", ["1\r\n2", "1 cause=all-good", "1" * 101, "é", "[redacted]"])
def test_inp_02_a_log_id_that_could_forge_a_field_of_the_log_is_dropped(log_id: str) -> None:
    assert ProviderRejected(log_id=log_id).log_id == ""


def test_a_log_id_is_kept() -> None:
    log_id = "202611211000000123456789ABCDEF0123"
    assert ProviderRejected(log_id=log_id).log_id == log_id


SPELLED = "a+b/c!d*e=f secret"


@pytest.mark.parametrize(
    "echo",
    [
        SPELLED,
        quote(SPELLED, safe=""),
        quote(SPELLED),
        quote(SPELLED, safe="!*'()"),
        quote_plus(SPELLED),
        quote(quote(SPELLED, safe=""), safe=""),
        quote(SPELLED, safe="").lower(),
        SPELLED.replace("/", "\\/"),
        SPELLED.upper(),
        b64encode(SPELLED.encode()).decode(),
        urlsafe_b64encode(SPELLED.encode()).decode().rstrip("="),
        SPELLED.encode().hex(),
    ],
)
def test_g_4_a_secret_is_taken_out_in_whatever_spelling(echo: str) -> None:
    assert redacted(f"bad: {echo}", [SPELLED]) == "bad: [redacted]"


@given(st.text(), st.integers(min_value=3, max_value=600))
def test_printable_gives_one_short_line_of_printable_ascii(text: str, length: int) -> None:
    line = printable(text, length)

    assert line.isascii()
    assert not line or line.isprintable()
    assert len(line) <= length


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), max_size=500))
def test_printable_leaves_a_plain_line_alone(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "line"),
    [("a" * 500, "a" * 500), ("a" * 501, "a" * 497 + "..."), ("é" * 200, (r"\xe9" * 125)[:497] + "...")],
)
def test_printable_shows_where_it_cut(text: str, line: str) -> None:
    assert printable(text) == line


@pytest.mark.parametrize(
    ("text", "secrets", "left"),
    [
        ("code abc/d+e is bad", ["abc/d+e"], "code [redacted] is bad"),
        ("code abc%2Fd%2Be is bad", ["abc/d+e"], "code [redacted] is bad"),
        ("code a+b is bad", ["a b"], "code [redacted] is bad"),
        ("code a%20b is bad", ["a b"], "code [redacted] is bad"),
        ("abcdef and abc", ["abc", "abcdef"], "[redacted] and [redacted]"),
        ("read", ["a", "e", "d"], "r[redacted][redacted][redacted]"),
        ("nothing to hide", ["", "abc"], "nothing to hide"),
        ("a lone \ud800", ["\ud800"], "a lone [redacted]"),
        ("code %C3%A9t%C3%A9 is bad", ["été"], "code [redacted] is bad"),
        ("code ÉTÉ is bad", ["été"], "code [redacted] is bad"),
        ("code ab\\ is bad", ["ab\\"], "code [redacted] is bad"),
        ('{"code": "ab\\\\cd"}', ["ab\\cd"], '{"code": "[redacted]"}'),
        ("code ab%41 is bad", ["ab%41"], "code [redacted] is bad"),
        ("abcdef", ["abcd", "cdef"], "[redacted]"),
        ("code a\nb is bad", ["a\nb"], "code [redacted] is bad"),
        ("616263 YWJj 61626364 YWJjZA==", ["abc", "abcd"], "616263 YWJj [redacted] [redacted]"),
        ("fn5+Pz8/ fn5-Pz8_ YWJjZA.", ["~~~???", "abcd"], "[redacted] [redacted] [redacted]."),
        ("abcabc, %c3%a9abc%20", ["abc"], "[redacted][redacted], %c3%a9[redacted]%20"),
        ("code abcdefg... is bad", ["abcdefghijk"], "code [redacted]... is bad"),
        ("code abcdefghiX is bad", ["abcdefghijk"], "code [redacted]X is bad"),
        ("code abcdef... is bad", ["abcdefghijk"], "code abcdef... is bad"),
        ("code a%62cdefg", ["abcdefghijk"], "code [redacted]"),
        ("Basic YWJjZGVmZ2h", ["abcdefghijk"], "Basic [redacted]"),
        ("abcdefgabcdefgh", ["abcdefghijk"], "[redacted][redacted]"),
    ],
    ids=[
        "plain",
        "percent",
        "plus",
        "blank",
        "longest-first",
        "once",
        "empty",
        "surrogate",
        "letters-of-two-bytes",
        "their-capitals",
        "backslash-at-the-end",
        "backslash-in-json",
        "percent-of-its-own",
        "overlapping",
        "lines",
        "too-short-for-base64",
        "both-alphabets-of-base64",
        "twice",
        "cut-off",
        "changed",
        "too-short-to-tell",
        "cut-off-and-percent",
        "cut-off-and-base64",
        "cut-off-twice",
    ],
)
def test_redacted_takes_secrets_out(text: str, secrets: list[str], left: str) -> None:
    assert redacted(text, secrets) == left


@pytest.mark.parametrize(("length", "shown"), [(1000, "x" * 1000), (1001, "(1001 characters)")])
def test_a_text_that_is_too_long_to_be_searched_is_counted(length: int, shown: str) -> None:
    assert brief("x" * length) == shown


def test_looking_for_secrets_leaves_the_patterns_of_the_app_where_python_keeps_them() -> None:
    own = re.compile("a pattern of the app's own, of which Python keeps some hundred")
    for number in range(1000):
        redacted("code abc is bad", [f"a secret that nothing is to remember: {number}"])

    assert re.compile(own.pattern) is own
