"""Logins at oidc-provider, the certified OpenID Connect server for node, which others wrote, over real sockets."""

from __future__ import annotations

import json
import re
import time
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from openid_server import ADA, BEN, OpenIDServer, Person, Wire, client, openid_server

from authkit import AuthKit, Login
from authkit.errors import AuthkitError
from authkit.models import Identity, Token

pytestmark = [pytest.mark.interop, pytest.mark.slow]

# The odd characters are those that a form-encoded client secret gets wrong most easily.
SECRET = "a secret/with+odd:characters %7E&=~"
KEY = ECKey.generate_key("P-256", {"kid": "app-1"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "app-1"})
SIGNED = {"signed-rs256": "RS256", "signed-ps256": "PS256", "signed-es256": "ES256", "signed-eddsa": "EdDSA"}
OFFLINE = {"scope": "openid profile email offline_access", "prompt": "consent"}


def pem(key: ECKey | RSAKey) -> str:
    return key.as_pem(private=True).decode()


# How each client of the server is set up in the app.
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "basic": {"client_secret": SECRET},
    "post": {"client_secret": SECRET, "client_auth": "client_secret_post"},
    "jwt": {"client_key": pem(KEY), "client_auth": "private_key_jwt"},
    "pushing": {"client_secret": SECRET},
    **dict.fromkeys(SIGNED, {"client_secret": SECRET}),
}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenIDServer]:
    """Give the server, which knows Ada, Ben and the clients."""
    clients = (
        client("basic", "client_secret_basic", client_secret=SECRET),
        client("post", "client_secret_post", client_secret=SECRET),
        client("jwt", "private_key_jwt", jwks={"keys": [KEY.as_dict(private=False)]}),
        client("pushing", "client_secret_basic", client_secret=SECRET, require_pushed_authorization_requests=True),
        *(
            client(name, "client_secret_basic", client_secret=SECRET, id_token_signed_response_alg=alg)
            for name, alg in SIGNED.items()
        ),
    )
    with openid_server(*clients, ada=ADA, ben=BEN) as running:
        yield running


@dataclass
class App:
    """An app that is registered at the server, and the browser of its visitor."""

    kit: AuthKit
    person: Person
    wire: Wire

    def begin(self, **options: Any) -> str:
        """Begin a login, remember its cookies, and return the authorization URL."""
        self.redirect = self.kit.begin("op", **options)
        return self.redirect.url

    def complete(self, callback: str) -> Login:
        """Complete the login that was begun last."""
        return self.kit.complete("op", urlsplit(callback).query, self.redirect.cookies).login

    def login(self, account: str = "ada", **options: Any) -> Login:
        """Sign a person in."""
        return self.complete(self.person.allow(self.begin(**options), account))

    def code_of(self, call: Any, *arguments: Any) -> str:
        """Return the code of the error that a call ends in."""
        with pytest.raises(AuthkitError) as caught:
            call(*arguments)
        self.error = caught.value
        return caught.value.code


@pytest.fixture
def new_app(server: OpenIDServer) -> Iterator[Any]:
    """Give what makes an app with the settings of a client, and with others beside."""
    people: list[Person] = []

    def make(client_id: str = "basic", clock: Any = None, **settings: str) -> App:
        wire = Wire()
        people.append(Person(server.origin))
        kit = server.kit(wire, clock, client_id=client_id, **{**SETTINGS.get(client_id, {}), **settings})
        return App(kit, people[-1], wire)

    yield make
    for person in people:
        person.close()


def without(url: str, *names: str, **others: str) -> str:
    """Return `url` without these parameters, and with others instead."""
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in (*names, *others)]
    return parts._replace(query=urlencode([*kept, *others.items()])).geturl()


# Logins


def test_a_person_signs_in_at_a_server_of_which_only_the_issuer_is_known(server: OpenIDServer, new_app: Any) -> None:
    app = new_app()
    login = app.login(return_to="/inbox")

    assert login.identity == Identity(server.origin, "basic", "ada")
    profile = login.profile
    assert (profile.subject, profile.display_name, profile.username) == ("ada", ADA["name"], "ada")
    assert (profile.email, profile.email_verified, profile.avatar_url) == (ADA["email"], True, ADA["picture"])
    assert login.granted_scopes == ("openid", "profile", "email")
    assert (login.missing_scopes, login.return_to) == ((), "/inbox")
    assert login.token.refresh_token is None
    assert login.token.subject == "ada"
    assert claims_of(login.token) == {
        "iss": server.origin,
        "aud": "basic",
        "sub": "ada",
        **{name: claims_of(login.token)[name] for name in ("exp", "iat", "nonce")},
    }


def claims_of(token: Token) -> Mapping[str, Any]:
    """Return what an ID token says, unverified."""
    assert token.id_token
    _, payload, _ = token.id_token.reveal().split(".")
    return json.loads(urlsafe_b64decode(payload + "=="))


def test_an_unverified_address_is_not_said_to_be_verified(new_app: Any) -> None:
    profile = new_app().login("ben").profile

    assert (profile.display_name, profile.username, profile.avatar_url) == ("Ben", None, None)
    assert (profile.email, profile.email_verified) == ("ben@people.example", False)


def test_a_login_without_the_scopes_for_a_profile_has_the_subject_and_nothing_else(new_app: Any) -> None:
    login = new_app(scope="openid").login()

    assert login.granted_scopes == ("openid",)
    assert (login.profile.subject, login.profile.display_name, login.profile.email) == ("ada", None, None)


@pytest.mark.parametrize("client_id", SIGNED)
def test_id_tokens_are_verified_in_each_algorithm_that_the_server_signs_with(client_id: str, new_app: Any) -> None:
    login = new_app(client_id).login()

    assert login.token.id_token
    header = json.loads(urlsafe_b64decode(login.token.id_token.reveal().split(".")[0] + "=="))
    assert (header["alg"], login.identity.subject) == (SIGNED[client_id], "ada")


def test_the_same_subject_at_another_issuer_is_somebody_else(server: OpenIDServer, new_app: Any) -> None:
    with openid_server(client("basic", "client_secret_basic", client_secret=SECRET), ada=BEN) as other:
        with closing(Person(other.origin)) as person:
            kit = other.kit(client_id="basic", client_secret=SECRET)
            theirs = App(kit, person, Wire()).login()
    ours = new_app().login()

    assert (ours.identity.subject, theirs.identity.subject) == ("ada", "ada")
    assert (ours.identity.client, theirs.identity.client) == ("basic", "basic")
    assert (ours.identity.authority, theirs.identity.authority) == (server.origin, other.origin)
    assert ours.identity.key != theirs.identity.key


# How the client proves who it is


def test_a_client_with_a_secret_sends_it_form_encoded_in_the_header(new_app: Any) -> None:
    app = new_app("basic")
    app.login()

    (sent,) = app.wire.to("/token")
    scheme, _, proof = sent.headers["Authorization"].partition(" ")
    client_id, _, secret = b64decode(proof).decode().partition(":")
    assert (scheme, client_id, unquote(secret)) == ("Basic", "basic", SECRET)
    assert set(sent.form) == {"grant_type", "code", "redirect_uri", "code_verifier"}


def test_a_client_with_a_secret_sends_it_in_the_form_if_it_is_told_to(new_app: Any) -> None:
    app = new_app("post")
    app.login()

    (sent,) = app.wire.to("/token")
    assert "Authorization" not in sent.headers
    assert (sent.form["client_id"], sent.form["client_secret"]) == ("post", SECRET)


def test_a_client_with_a_key_sends_an_assertion_of_its_own_with_every_request(
    server: OpenIDServer, new_app: Any
) -> None:
    app = new_app("jwt", **OFFLINE)
    app.kit.revoke("op", app.kit.refresh("op", app.login().token))

    asked = [*app.wire.to("/request"), *app.wire.to("/token"), *app.wire.to("/token/revocation")]
    assert [sent.path for sent in asked] == ["/request", "/token", "/token", "/token/revocation"]
    assert all("Authorization" not in sent.headers and "client_secret" not in sent.form for sent in asked)
    assertions = [jwt.decode(sent.form["client_assertion"], KEY) for sent in asked]
    assert {assertion.header["kid"] for assertion in assertions} == {"app-1"}
    assert {(its.claims["iss"], its.claims["sub"], its.claims["aud"]) for its in assertions} == {
        ("jwt", "jwt", server.origin)
    }
    assert len({its.claims["jti"] for its in assertions}) == 4


@pytest.mark.parametrize(
    ("client_id", "wrong"),
    [
        ("basic", {"client_secret": "another secret"}),
        ("post", {"client_secret": "another secret"}),
        ("jwt", {"client_key": pem(OTHER_KEY)}),
        ("nobody", {"client_secret": SECRET}),
    ],
)
def test_a_client_that_cannot_prove_who_it_is_is_set_up_wrongly(
    client_id: str, wrong: Mapping[str, str], new_app: Any
) -> None:
    app = new_app(client_id, **wrong)

    assert app.code_of(app.login) == "provider_misconfigured"
    assert "invalid_client" in app.error.reason
    assert "another" not in app.error.reason


# Pushed authorization requests


def test_the_authorization_request_is_pushed_and_the_browser_carries_a_reference(
    server: OpenIDServer, new_app: Any
) -> None:
    app = new_app(**OFFLINE)
    url = app.begin()

    query = dict(parse_qsl(urlsplit(url).query))
    (pushed,) = app.wire.to("/request")
    assert set(query) == {"client_id", "request_uri"}
    assert query["client_id"] == "basic"
    assert pushed.headers["Authorization"].startswith("Basic ")
    assert dict(server.understood(url)) == {name: pushed.form[name] for name in pushed.form}
    assert set(pushed.form) == {
        *("client_id", "code_challenge", "code_challenge_method", "nonce", "prompt"),
        *("redirect_uri", "response_type", "scope", "state"),
    }


@pytest.mark.parametrize("client_id", ["basic", "pushing"])
def test_a_client_signs_people_in_whether_it_must_push_or_may(client_id: str, new_app: Any) -> None:
    assert new_app(client_id).login().identity.subject == "ada"


def test_a_reference_that_was_used_is_refused_and_signs_nobody_in(new_app: Any) -> None:
    app = new_app()
    url = app.begin()
    app.complete(app.person.allow(url))

    assert app.code_of(app.complete, app.person.allow(url)) == "state_invalid"


# What comes back through the browser


@pytest.mark.parametrize("answer", ["allow", "deny"])
@pytest.mark.parametrize(
    "issuer", [{}, {"iss": "https://evil.example"}, {"iss": "http://127.0.0.1"}], ids=["missing", "foreign", "a part"]
)
def test_an_answer_that_is_not_of_the_issuer_is_refused_and_no_code_sent(
    issuer: dict[str, str], answer: str, new_app: Any
) -> None:
    app = new_app()
    callback = getattr(app.person, answer)(app.begin())
    assert "iss=" in callback

    assert app.code_of(app.complete, without(callback, "iss", **issuer)) == "issuer_mismatch"
    assert app.wire.to("/token") == []


def test_the_issuer_with_a_slash_behind_it_is_another_one(server: OpenIDServer, new_app: Any) -> None:
    app = new_app()
    callback = app.person.allow(app.begin())

    assert app.code_of(app.complete, without(callback, iss=f"{server.origin}/")) == "issuer_mismatch"


def test_a_person_who_refuses_is_not_signed_in_and_may_try_again(new_app: Any) -> None:
    app = new_app()

    assert app.code_of(app.complete, app.person.deny(app.begin())) == "access_denied"
    assert app.wire.to("/token") == []
    assert app.login().identity.subject == "ada"


def test_the_code_of_another_login_is_of_no_use(new_app: Any) -> None:
    app = new_app()
    with closing(Person(app.person.origin)) as thief:
        stolen = dict(parse_qsl(urlsplit(app.person.allow(app.begin())).query))["code"]
        callback = without(thief.allow(app.begin(), "ben"), code=stolen)

    assert app.code_of(app.complete, callback) == "provider_rejected"
    assert "invalid_grant" in app.error.reason


# Tokens


def test_a_refresh_gives_tokens_that_replace_the_old_ones(new_app: Any) -> None:
    app = new_app(**OFFLINE)
    first = app.login()
    second = app.kit.refresh("op", first.token)
    third = app.kit.refresh("op", second)

    tokens = (first.token, second, third)
    assert len({token.access_token for token in tokens}) == len({token.refresh_token for token in tokens}) == 3
    assert all(token.scope == ("openid", "profile", "email", "offline_access") for token in tokens)
    assert app.kit.login_with("op", third.access_token).identity == first.identity
    assert [sent.form["grant_type"] for sent in app.wire.to("/token")] == [
        *("authorization_code", "refresh_token", "refresh_token")
    ]


def test_an_old_refresh_token_is_refused_and_ends_the_new_one_too(new_app: Any) -> None:
    app = new_app(**OFFLINE)
    old = app.login().token
    new = app.kit.refresh("op", old)

    assert app.code_of(app.kit.refresh, "op", old) == "reauth_required"
    assert app.code_of(app.kit.refresh, "op", new) == "reauth_required"
    assert app.code_of(app.kit.login_with, "op", new.access_token) == "reauth_required"


def test_without_offline_access_there_is_nothing_to_refresh(new_app: Any) -> None:
    app = new_app()

    assert app.code_of(app.kit.refresh, "op", app.login().token) == "reauth_required"


def test_a_revoked_login_is_of_no_use_any_more(new_app: Any) -> None:
    app = new_app(**OFFLINE)
    token = app.login().token

    assert app.kit.revoke("op", token) is True
    assert app.kit.revoke("op", token) is True  # whatever is revoked stays so (RFC 7009, section 2.2)
    assert app.code_of(app.kit.refresh, "op", token) == "reauth_required"
    assert app.code_of(app.kit.login_with, "op", token.access_token) == "reauth_required"


# What the app knows of the server


def test_keys_that_the_server_changes_are_fetched_once_when_they_are_first_seen(
    server: OpenIDServer, new_app: Any
) -> None:
    now = [time.time()]
    app = new_app(clock=lambda: now[0])
    before = app.login()
    server.change_keys()
    now[0] += 61
    after = [app.login(), app.login()]

    assert {login.identity for login in after} == {before.identity}
    assert len(app.wire.to("/jwks")) == 2


def test_a_warm_login_asks_four_things_and_opens_no_connection(server: OpenIDServer, new_app: Any) -> None:
    app = new_app()
    app.login()
    app.wire.sent.clear()
    before = server.connections()
    app.login()

    # The person's browser keeps the connection that it has.
    assert [sent.path for sent in app.wire.sent] == ["/request", "/token", "/me"]
    assert server.connections() == before


def test_an_issuer_that_calls_itself_otherwise_is_not_believed(server: OpenIDServer, new_app: Any) -> None:
    app = new_app(issuer=server.origin.replace("127.0.0.1", "localhost"))

    app.code_of(app.begin)
    assert app.error.code in {"provider_misconfigured", "provider_protocol"}
    assert [sent.path for sent in app.wire.sent] == ["/.well-known/openid-configuration"]


# Logout


def test_whoever_signs_out_is_signed_out_at_the_server_as_well(new_app: Any) -> None:
    app = new_app()
    login = app.login()
    assert not app.person.is_asked(app.begin())

    url = app.kit.logout_url("op", login.token.id_token)

    assert app.person.sign_out(url) == "https://app.example/"
    assert app.person.is_asked(app.begin())
