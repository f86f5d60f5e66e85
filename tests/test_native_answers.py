"""The JSON of the native endpoints, to the letter: apps written for Strapi read it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone
from hashlib import sha256
from typing import Any

import pytest

from authkit import Identity, errors
from authkit.accounts import Account, LinkedIdentity
from authkit.errors import AuthkitError
from authkit.native.answers import NAMES, failure_json, session_json, user_json
from authkit.native.sessions import NativeSession

CREATED = datetime(2027, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
USED = datetime(2027, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
UNION_ID = "3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10"

ACCOUNT = Account("ada", "Ada", CREATED, USED, None)
IDENTITY = LinkedIdentity(
    identity=Identity("tiktok", "client", "open-id"),
    account_id="ada",
    registration="tiktok",
    display_name="Ada Tok",
    username="ada.tok",
    avatar_url=None,
    email=None,
    email_verified=False,
    union_id=UNION_ID,
    created_at=CREATED,
    last_login_at=USED,
    needs_reauth=False,
)


def email(*, pseudo_email: bool = False, **changes: Any) -> object:
    return user_json(ACCOUNT, replace(IDENTITY, **changes), pseudo_email=pseudo_email)["email"]


# Users


def test_a_user_has_what_a_user_of_strapi_has() -> None:
    assert user_json(ACCOUNT, IDENTITY, pseudo_email=False) == {
        "id": "ada",
        "username": "Ada Tok",
        "email": None,
        "provider": "tiktok",
        "confirmed": True,
        "blocked": False,
        "createdAt": "2027-01-02T03:04:05.000Z",
        "updatedAt": "2027-02-03T04:05:06.000Z",
    }


@pytest.mark.parametrize(
    ("display_name", "username", "expected"),
    [("Ada", "ada", "Ada"), (None, "ada", "ada"), ("", "ada", "ada"), (None, None, None)],
)
def test_a_user_s_name_is_what_there_is(display_name: Any, username: Any, expected: Any) -> None:
    known = replace(IDENTITY, display_name=display_name, username=username)

    assert user_json(ACCOUNT, known, pseudo_email=False)["username"] == expected


def test_a_blocked_user_is_shown_as_such() -> None:
    assert user_json(replace(ACCOUNT, disabled_at=USED), IDENTITY, pseudo_email=False)["blocked"] is True


def test_acc_01_an_address_that_the_provider_has_not_verified_is_not_given_out() -> None:
    assert email(email="v@x.example", email_verified=False) is None
    assert email(email="v@x.example", email_verified=True) == "v@x.example"


def test_acc_09_the_made_up_addresses_of_two_issuers_on_one_host_differ() -> None:
    issuers = ("https://id.example", "https://id.example/", "https://id.example/staff", "https://id.example:8443")
    addresses = [
        email(pseudo_email=True, identity=Identity(issuer, "client", "sub"), union_id="ada") for issuer in issuers
    ]

    assert len(set(addresses)) == 4
    assert {str(address).partition("@")[2] for address in addresses} == {"id.example.invalid"}


def test_acc_09_a_made_up_address_at_an_issuer_stays_what_it_is() -> None:
    """It is the key by which an app knows its user."""
    issuer = Identity("https://id.example", "client", "sub")
    local = sha256(b"https://id.example ada").hexdigest()[:32]

    assert email(pseudo_email=True, identity=issuer, union_id="ada") == f"{local}@id.example.invalid"


def test_acc_09_a_made_up_address_takes_a_setting_and_gets_no_mail() -> None:
    assert email() is None
    assert email(pseudo_email=True) == f"{UNION_ID}@tiktok.invalid"
    assert email(pseudo_email=True, email="v@x.example", email_verified=True) == "v@x.example"
    assert email(pseudo_email=True, email="v@x.example") == f"{UNION_ID}@tiktok.invalid"


@pytest.mark.parametrize("union_id", [None, ""])
def test_nothing_is_made_up_of_nothing(union_id: str | None) -> None:
    assert email(pseudo_email=True, union_id=union_id) is None


@pytest.mark.parametrize(
    "union_id",
    [
        "AbC",
        "abC",
        "victim@x.com@",
        '"a b"',
        "a\r\nb",
        "a\x00",
        "é",
        "\ud800",
        "-a",
        "a" * 65,
        "\uff41",
        "a_b",
        "K",
        "ada\n",
    ],
)
def test_acc_11_a_made_up_address_is_plain_lower_case_and_one_person_s(union_id: str) -> None:
    """Lower case makes one of what may be two: such an id goes in as its digest."""
    made_up = email(pseudo_email=True, union_id=union_id)

    assert isinstance(made_up, str)
    local, _, domain = made_up.partition("@")
    assert (domain, len(local), set(local) <= set("0123456789abcdef")) == ("tiktok.invalid", 32, True)
    assert made_up != email(pseudo_email=True, union_id=union_id.lower() + "x")


def test_acc_04_two_ids_that_differ_in_case_have_two_addresses() -> None:
    addresses = {email(pseudo_email=True, union_id=union_id) for union_id in ("abc", "Abc", "ABC")}

    assert len(addresses) == 3
    assert "abc@tiktok.invalid" in addresses
    assert all(str(address) == str(address).lower() for address in addresses)


# Sessions


def test_a_line_of_the_list_of_sessions() -> None:
    session = NativeSession("s1", "ada", "phone", "tiktok", CREATED, USED, USED)

    expected = {
        "id": "s1",
        "app": "phone",
        "provider": "tiktok",
        "createdAt": "2027-01-02T03:04:05.000Z",
        "usedAt": "2027-02-03T04:05:06.000Z",
        "endsAt": "2027-02-03T04:05:06.000Z",
        "current": True,
    }
    assert session_json(session, current_id="s1") == expected
    assert session_json(session, current_id="s2") == {**expected, "current": False}


# Failures


def failure(error: AuthkitError, token_of: str = "") -> tuple[int, str, str]:
    """Return status, name and message, once the rest is as it should be."""
    status, answer = failure_json(error, token_of=token_of)
    inner: Any = answer["error"]
    assert answer == {
        "data": None,
        "error": {
            "status": status,
            "name": inner["name"],
            "message": inner["message"],
            "details": {"code": error.code, "correlation_id": error.correlation_id},
        },
    }
    return status, inner["name"], inner["message"]


def said(kind: type[AuthkitError], sentence: str) -> AuthkitError:
    error = kind("canary-reason")
    error.said = sentence
    return error


@pytest.mark.parametrize(
    ("error", "status", "name"),
    [
        (errors.InvalidRequest("canary"), 400, "ApplicationError"),
        (errors.TicketInvalid("canary"), 401, "UnauthorizedError"),
        (errors.AccountDenied("canary"), 403, "ForbiddenError"),
        (errors.UnknownProvider("canary"), 404, "NotFoundError"),
        (errors.MethodNotAllowed("POST"), 405, "MethodNotAllowedError"),
        (errors.LinkRequired("canary"), 409, "ConflictError"),
        (errors.RequestTooLarge("canary"), 413, "PayloadTooLargeError"),
        (errors.UnsupportedMediaType("canary"), 415, "UnsupportedMediaTypeError"),
        (errors.RateLimited("canary"), 429, "RateLimitError"),
        (errors.ConfigError("canary"), 500, "InternalServerError"),
        (errors.ProviderProtocolError("canary"), 502, "BadGatewayError"),
        (errors.StoreUnavailable("canary"), 503, "ServiceUnavailableError"),
    ],
)
def test_a_failure_has_the_shape_that_strapi_gives_it(error: AuthkitError, status: int, name: str) -> None:
    assert failure(error) == (status, name, error.message)


def test_every_status_of_an_error_has_a_name() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name[0].isupper()]

    assert {kind.status for kind in kinds} <= {*NAMES, 500}


def test_the_provider_s_own_words_are_not_shown() -> None:
    for kind in (errors.ProviderRejected, errors.ProviderProtocolError, errors.AccessDenied):
        assert failure(said(kind, "canary")) == (kind.status, NAMES[kind.status], kind.message)


def test_unless_it_is_said_no_token_was_handed_in() -> None:
    error = errors.ProviderRejected("x")

    assert failure_json(error) == failure_json(error, token_of="")


def test_a_rejected_token_is_told_in_the_words_of_the_seed() -> None:
    expected = (400, "ApplicationError", "Failed to fetch TikTok user: Request failed with status code 401")

    assert failure(errors.ProviderRejected("x"), "TikTok") == expected
    assert failure(said(errors.ProviderRejected, "The token is invalid"), "TikTok") == expected


@pytest.mark.parametrize("kind", [errors.ScopeMissing, errors.ProviderProtocolError, errors.AccessDenied])
def test_where_the_app_handed_in_a_token_the_provider_s_message_is_the_message(kind: type[AuthkitError]) -> None:
    assert failure(said(kind, "User does not exist."), "TikTok") == (400, "ApplicationError", "User does not exist.")
    assert failure(kind("x"), "TikTok") == (kind.status, NAMES[kind.status], kind.message)


@pytest.mark.parametrize("kind", [errors.ProviderRateLimited, errors.ProviderUnavailable])
def test_what_may_pass_keeps_its_status(kind: type[AuthkitError]) -> None:
    assert failure(said(kind, "Too many requests"), "TikTok") == (503, "ServiceUnavailableError", "Too many requests")


def test_our_own_refusals_keep_their_words_in_any_case() -> None:
    for error in (errors.RegistrationClosed("x"), errors.AccountDisabled("x"), errors.NothingSent("x")):
        assert failure(error, "TikTok") == failure(error) == (error.status, NAMES[error.status], error.message)
