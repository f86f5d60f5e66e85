"""Logins at oidc-provider, the certified OpenID Connect server for node, which others wrote, over real sockets."""

from __future__ import annotations

import json
import time
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from fakes import plugins_with
from joserfc import jwt
from openid_apps import KEY, OFFLINE, OTHER_KEY, RSA_KEY, SECRET, SIGNED, NewApp, app_maker, jwk
from openid_server import ADA, BEN, OpenIDServer, Person, client, run_openid_server

from authkit.models import Identity, Token
from authkit.oidc import OpenIDProvider

pytestmark = [pytest.mark.interop, pytest.mark.slow]


def without(url: str, *names: str, **others: str) -> str:
    """Return `url` without these parameters, and with others instead."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in (*names, *others)]
    return parts._replace(query=urlencode([*kept, *others.items()])).geturl()


# Logins


def test_a_person_signs_in_at_a_server_of_which_only_the_issuer_is_known(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app()
    login = app.login(return_to="/inbox")

    assert login.identity == Identity(openid_server.origin, "basic", "ada")
    profile = login.profile
    assert (profile.subject, profile.display_name, profile.username) == ("ada", ADA["name"], "ada")
    assert (profile.email, profile.email_verified, profile.avatar_url) == (ADA["email"], True, ADA["picture"])
    assert login.granted_scopes == ("openid", "profile", "email")
    assert (login.missing_scopes, login.return_to) == ((), "/inbox")
    assert login.token.refresh_token is None
    assert login.token.subject == "ada"
    assert claims_of(login.token) == {
        "iss": openid_server.origin,
        "aud": "basic",
        "sub": "ada",
        **{name: claims_of(login.token)[name] for name in ("exp", "iat", "nonce")},
    }


def claims_of(token: Token) -> Mapping[str, Any]:
    """Return what an ID token says, unverified."""
    assert token.id_token
    _, payload, _ = token.id_token.reveal().split(".")
    return json.loads(urlsafe_b64decode(payload + "=="))


def test_an_unverified_address_is_not_said_to_be_verified(new_openid_app: NewApp) -> None:
    profile = new_openid_app().login("ben").profile

    assert (profile.display_name, profile.username, profile.avatar_url) == ("Ben", None, None)
    assert (profile.email, profile.email_verified) == ("ben@people.example", False)


def test_a_login_without_the_scopes_for_a_profile_has_the_subject_and_nothing_else(new_openid_app: NewApp) -> None:
    login = new_openid_app(scope="openid").login()

    assert login.granted_scopes == ("openid",)
    assert (login.profile.subject, login.profile.display_name, login.profile.email) == ("ada", None, None)


@pytest.mark.parametrize("client_id", SIGNED)
def test_id_tokens_are_verified_in_each_algorithm_that_the_server_signs_with(
    client_id: str, new_openid_app: NewApp
) -> None:
    login = new_openid_app(client_id).login()

    assert login.token.id_token
    header = json.loads(urlsafe_b64decode(login.token.id_token.reveal().split(".")[0] + "=="))
    assert (header["alg"], login.identity.subject) == (SIGNED[client_id], "ada")


def test_a_provider_that_wants_a_recent_sign_in_has_the_person_asked_again(new_openid_app: NewApp) -> None:
    strict = OpenIDProvider(name="strict", title="Strict", max_age=0)
    app = new_openid_app(plugins=plugins_with(strict), provider="strict")
    login = app.login()

    assert app.person.is_asked(app.begin())
    assert abs(claims_of(login.token)["auth_time"] - time.time()) < 60


def test_the_same_subject_at_another_issuer_is_somebody_else(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    with (
        run_openid_server(client("basic", "client_secret_basic", SECRET), ada=BEN) as other,
        app_maker(other) as make,
    ):
        theirs = make().login()
    ours = new_openid_app().login()

    assert (ours.identity.subject, theirs.identity.subject) == ("ada", "ada")
    assert (ours.identity.client, theirs.identity.client) == ("basic", "basic")
    assert (ours.identity.authority, theirs.identity.authority) == (openid_server.origin, other.origin)
    assert ours.identity.key != theirs.identity.key


# How the client proves who it is


def test_a_client_with_a_secret_sends_it_form_encoded_in_the_header(new_openid_app: NewApp) -> None:
    app = new_openid_app("basic")
    app.login()

    (sent,) = app.wire.to("/token")
    scheme, _, proof = sent.headers["Authorization"].partition(" ")
    client_id, _, secret = b64decode(proof).decode().partition(":")
    assert (scheme, client_id, unquote(secret)) == ("Basic", "basic", SECRET)
    assert set(sent.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


def test_a_client_with_a_secret_sends_it_in_the_form_if_it_is_told_to(new_openid_app: NewApp) -> None:
    app = new_openid_app("post")
    app.login()

    (sent,) = app.wire.to("/token")
    assert "Authorization" not in sent.headers
    assert (sent.form["client_id"], sent.form["client_secret"]) == ("post", SECRET)


def test_a_client_with_a_key_sends_an_assertion_of_its_own_with_every_request(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app("jwt", **OFFLINE)
    app.kit.revoke("op", app.kit.refresh("op", app.login().token))

    asked = [*app.wire.to("/request"), *app.wire.to("/token"), *app.wire.to("/token/revocation")]
    assert [sent.path for sent in asked] == ["/request", "/token", "/token", "/token/revocation"]
    assert all("Authorization" not in sent.headers and "client_secret" not in sent.form for sent in asked)
    assertions = [jwt.decode(sent.form["client_assertion"], KEY) for sent in asked]
    assert {assertion.header["kid"] for assertion in assertions} == {"app-1"}
    assert {(its.claims["iss"], its.claims["sub"], its.claims["aud"]) for its in assertions} == {
        ("jwt", "jwt", openid_server.origin)
    }
    assert len({its.claims["jti"] for its in assertions}) == 4


def test_a_key_may_be_a_pem_file_and_the_server_need_not_know_a_name_for_it(
    new_openid_app: NewApp, tmp_path: Path
) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(RSA_KEY.as_pem(private=True))
    app = new_openid_app("jwt-rsa", private_key_file=str(file))
    app.login()

    assertion = jwt.decode(app.wire.to("/token")[0].form["client_assertion"], RSA_KEY)
    assert assertion.header == {"alg": "RS256", "typ": "JWT"}


@pytest.mark.parametrize(
    ("client_id", "wrong"),
    [
        ("basic", {"client_secret": "another-secret"}),
        ("post", {"client_secret": "another-secret"}),
        ("jwt", {"private_key": jwk(OTHER_KEY)}),
        ("nobody", {"client_secret": SECRET}),
    ],
)
def test_a_client_that_cannot_prove_who_it_is_is_set_up_wrongly(
    client_id: str, wrong: Mapping[str, str], new_openid_app: NewApp
) -> None:
    app = new_openid_app(client_id, **wrong)

    assert app.code_of(app.login) == "provider_misconfigured"
    assert "invalid_client" in app.error.reason
    assert "another" not in app.error.reason


# Pushed authorization requests


def test_the_authorization_request_is_pushed_and_the_browser_carries_a_reference(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app(**OFFLINE)
    url = app.begin()

    query = dict(parse_qsl(urlsplit(url).query))
    (pushed,) = app.wire.to("/request")
    assert set(query) == {"client_id", "request_uri"}
    assert query["client_id"] == "basic"
    assert pushed.headers["Authorization"].startswith("Basic ")
    assert dict(openid_server.understood(url)) == {name: pushed.form[name] for name in pushed.form}
    assert set(pushed.form) == {
        *("client_id", "code_challenge", "code_challenge_method", "nonce", "prompt"),
        *("redirect_uri", "response_type", "scope", "state"),
    }


@pytest.mark.parametrize("client_id", ["basic", "pushing"])
def test_a_client_signs_people_in_whether_it_must_push_or_may(client_id: str, new_openid_app: NewApp) -> None:
    assert new_openid_app(client_id).login().identity.subject == "ada"


def test_a_reference_that_was_used_is_refused_and_signs_nobody_in(new_openid_app: NewApp) -> None:
    app = new_openid_app()
    url = app.begin()
    app.complete(app.person.allow(url))

    assert app.code_of(app.complete, app.person.allow(url)) == "state_invalid"


# What comes back through the browser


@pytest.mark.parametrize("answer", ["allow", "deny"])
@pytest.mark.parametrize(
    "issuer", [{}, {"iss": "https://evil.example"}, {"iss": "http://127.0.0.1"}], ids=["missing", "foreign", "a part"]
)
def test_an_answer_that_is_not_of_the_issuer_is_refused_and_no_code_sent(
    issuer: dict[str, str], answer: str, new_openid_app: NewApp
) -> None:
    app = new_openid_app()
    callback = getattr(app.person, answer)(app.begin())
    assert "iss=" in callback

    assert app.code_of(app.complete, without(callback, "iss", **issuer)) == "issuer_mismatch"
    assert app.wire.to("/token") == []


def test_the_issuer_with_a_slash_behind_it_is_another_one(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app()
    callback = app.person.allow(app.begin())

    assert app.code_of(app.complete, without(callback, iss=f"{openid_server.origin}/")) == "issuer_mismatch"


def test_a_person_who_refuses_is_not_signed_in_and_may_try_again(new_openid_app: NewApp) -> None:
    app = new_openid_app()

    assert app.code_of(app.complete, app.person.deny(app.begin())) == "access_denied"
    assert app.wire.to("/token") == []
    assert app.login().identity.subject == "ada"


def test_the_code_of_another_login_is_of_no_use(new_openid_app: NewApp) -> None:
    app = new_openid_app()
    with closing(Person(app.person.origin)) as thief:
        stolen = dict(parse_qsl(urlsplit(app.person.allow(app.begin())).query))["code"]
        callback = without(thief.allow(app.begin(), "ben"), code=stolen)

    assert app.code_of(app.complete, callback) == "provider_rejected"
    assert "invalid_grant" in app.error.reason
