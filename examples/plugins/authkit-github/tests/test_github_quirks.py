"""What GitHub does differently, each by name: what goes over the wire, and what comes of the answer."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

import pytest
from authkit_github import github
from fake_github import EMAILS, TOKEN, USER, App, FakeGitHub

from authkit import Profile, errors

DOCUMENTATION = "https://docs.github.com/rest"


def refuse(app: App, kind: type[errors.AuthkitError], **params: str) -> errors.AuthkitError:
    """Return the error of exactly this kind in which a login ends."""
    with pytest.raises(errors.AuthkitError) as caught:
        app.sign_in(**params)
    assert type(caught.value) is kind, caught.value
    return caught.value


# On the wire


def test_the_authorization_request_says_what_github_documents_and_nothing_else() -> None:
    app = App(FakeGitHub())

    asked = app.begin(prompt="select_account")

    assert app.begun.url.partition("?")[0] == "https://github.com/login/oauth/authorize"
    assert asked == {
        "client_id": "Iv1.canary",
        "response_type": "code",
        "scope": "user:email",
        "redirect_uri": "https://app.example/auth/github/callback",
        "state": asked["state"],
        "code_challenge": asked["code_challenge"],
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }


def test_scopes_are_asked_for_with_blanks() -> None:
    app = App(FakeGitHub(), scope="read:user, user:email")

    assert app.begin()["scope"] == "read:user user:email"


def test_the_code_is_exchanged_with_the_secret_in_the_form_and_json_asked_for() -> None:
    app = App(FakeGitHub())

    app.sign_in()
    sent = app.github.requests[0]

    assert (sent.method, sent.path) == ("POST", "/login/oauth/access_token")
    assert sent.form == {
        "grant_type": "authorization_code",
        "client_id": "Iv1.canary",
        "client_secret": "canary-secret",
        "code": "canary-code",
        "code_verifier": sent.form["code_verifier"],
        "redirect_uri": "https://app.example/auth/github/callback",
    }
    assert sent.headers["Accept"] == "application/json"
    assert "Authorization" not in sent.headers


def test_the_challenge_is_the_verifier_hashed_as_in_rfc_7636() -> None:
    app = App(FakeGitHub())

    app.sign_in()
    challenge = app.begun.url.partition("code_challenge=")[2].partition("&")[0]
    verifier = app.github.requests[0].form["code_verifier"]

    assert challenge == base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def test_the_user_is_asked_for_first_and_the_addresses_second() -> None:
    app = App(FakeGitHub())

    app.sign_in()

    assert [(sent.method, sent.path, sent.query_string) for sent in app.github.requests[1:]] == [
        ("GET", "/user", ""),
        ("GET", "/user/emails", "per_page=100"),
    ]
    for sent in app.github.requests[1:]:
        assert sent.headers["Authorization"] == "Bearer gho_canary"
        assert sent.headers["User-Agent"] == "authkit"  # without one, GitHub answers 403


# The profile


def test_a_login_has_the_number_as_its_subject_and_the_primary_address() -> None:
    login = App(FakeGitHub()).sign_in()

    assert login.identity.key == "v1:github:Iv1.canary:583231"
    assert login.profile == Profile(
        subject="583231",
        display_name="Octavia Example",
        username="octo",
        avatar_url="https://avatars.example/u/583231",
        email="octavia@octo.example",
        email_verified=True,
        raw={**USER, "emails": EMAILS},
    )


@pytest.mark.parametrize("number", ["583231", "octo", "", None, True, 1.5, [1]])
def test_an_id_that_is_no_number_is_nobody(number: Any) -> None:
    app = App(FakeGitHub(user={**USER, "id": number}))

    error = refuse(app, errors.ProviderProtocolError)

    assert error.reason == (
        "the profile: GitHub's id of the user is no number; in the plugin's function authkit_github.map_profile"
    )


@pytest.mark.parametrize("name", [{"name": None}, {"name": ""}, {}])
def test_without_a_name_the_login_is_shown(name: dict[str, Any]) -> None:
    user = {key: value for key, value in USER.items() if key != "name"}

    assert App(FakeGitHub(user={**user, **name})).sign_in().profile.display_name == "octo"


@pytest.mark.parametrize(
    "emails",
    [
        [],
        [{**EMAILS[1], "verified": False}],
        [{**EMAILS[1], "primary": False}],
        [EMAILS[0], {**EMAILS[1], "verified": False}],
        [{**EMAILS[1], "verified": "true"}],
        [{**EMAILS[1], "primary": 1}],
    ],
)
def test_only_an_address_that_is_primary_and_verified_counts(emails: list[Any]) -> None:
    profile = App(FakeGitHub(emails=emails)).sign_in().profile

    assert (profile.email, profile.email_verified) == (None, False)


def test_the_address_of_the_public_profile_does_not_count() -> None:
    profile = App(FakeGitHub(emails=[], user={**USER, "email": "anybody@octo.example"})).sign_in().profile

    assert (profile.email, profile.email_verified) == (None, False)


@pytest.mark.parametrize("emails", [{"email": "a@octo.example"}, ["a@octo.example"], [{"email": "a@octo.example"}]])
def test_addresses_in_another_form_are_an_answer_that_makes_no_sense(emails: Any) -> None:
    refuse(App(FakeGitHub(emails=emails)), errors.ProviderProtocolError)


# Scopes


def test_scopes_are_granted_with_commas() -> None:
    app = App(FakeGitHub(access_token={**TOKEN, "scope": "read:user,user:email"}), scope="read:user user:email")

    login = app.sign_in()

    assert (login.granted_scopes, login.missing_scopes) == (("read:user", "user:email"), ())


def test_addresses_that_were_not_granted_are_not_asked_for() -> None:
    app = App(FakeGitHub(access_token={**TOKEN, "scope": ""}))

    login = app.sign_in()

    assert [sent.path for sent in app.github.requests] == ["/login/oauth/access_token", "/user"]
    assert (login.missing_scopes, login.profile.email, login.profile.email_verified) == (("user:email",), None, False)


def test_the_scope_user_includes_the_addresses() -> None:
    app = App(FakeGitHub(access_token={**TOKEN, "scope": "user"}), scope="user")

    assert app.sign_in().profile.email == "octavia@octo.example"


# Refusals


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("bad_verification_code", errors.ProviderRejected),
        ("incorrect_client_credentials", errors.ProviderMisconfigured),
        ("redirect_uri_mismatch", errors.ProviderMisconfigured),
        ("unverified_user_email", errors.ProviderRejected),
        ("invalid_grant", errors.ProviderRejected),
    ],
)
def test_the_token_endpoint_refuses_with_http_200(error: str, kind: type[errors.AuthkitError]) -> None:
    said = {"error": error, "error_description": "The code is incorrect.", "error_uri": "https://docs.github.com/"}
    app = App(FakeGitHub(access_token=said))

    assert refuse(app, kind).reason == f"{error}: The code is incorrect."
    assert len(app.github.requests) == 1


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("access_denied", errors.AccessDenied),
        ("application_suspended", errors.ProviderMisconfigured),
        ("redirect_uri_mismatch", errors.ProviderMisconfigured),
    ],
)
def test_the_callback_refuses_in_the_form_of_the_rfc(error: str, kind: type[errors.AuthkitError]) -> None:
    app = App(FakeGitHub())

    refuse(app, kind, error=error, error_description="…")

    assert app.github.requests == []


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "Bad credentials", errors.ProviderRejected),
        (403, "API rate limit exceeded for user ID 583231.", errors.ProviderRateLimited),
        (403, "You have exceeded a secondary rate limit.", errors.ProviderRateLimited),
        (503, "Service unavailable", errors.ProviderUnavailable),
    ],
)
def test_the_rest_api_refuses_in_a_form_of_its_own(
    status: int, message: str, kind: type[errors.AuthkitError]
) -> None:
    app = App(FakeGitHub(user={"message": message, "documentation_url": DOCUMENTATION, "status": str(status)}))
    app.github.status = status

    assert refuse(app, kind).reason == f"the profile: {message}"


def test_a_user_may_have_a_member_named_message() -> None:
    assert App(FakeGitHub(user={**USER, "message": "hi"})).sign_in().profile.subject == "583231"


# What GitHub has not


def test_there_is_no_refresh_and_the_token_does_not_end() -> None:
    app = App(FakeGitHub())

    token = app.sign_in().token

    assert (token.refresh_token, token.expires_at) == (None, None)
    with pytest.raises(errors.ReauthRequired):
        app.kit.refresh("github", token)


def test_revocation_is_not_that_of_rfc_7009_so_nothing_is_sent() -> None:
    app = App(FakeGitHub())
    token = app.sign_in().token
    sent = len(app.github.requests)

    assert app.kit.revoke("github", token) is False
    assert len(app.github.requests) == sent
    assert github.revoke_url == ""


def test_the_readme_names_every_quirk() -> None:
    readme = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")

    assert [
        word
        for word in ("`id`", "`name`", "`/user/emails`", "HTTP 200", "commas", "DELETE", "select_account", "S256")
        if word not in readme
    ] == []
