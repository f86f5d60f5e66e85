"""After a login at oidc-provider: tokens, the keys and the metadata of the server, connections, sessions."""

from __future__ import annotations

import time
from urllib.parse import parse_qsl, urlsplit

import pytest
from openid_apps import OFFLINE, NewApp
from openid_server import OpenIDServer

pytestmark = [pytest.mark.interop, pytest.mark.slow]


# Tokens


def test_a_refresh_gives_tokens_that_replace_the_old_ones(new_openid_app: NewApp) -> None:
    app = new_openid_app(**OFFLINE)
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


def test_an_old_refresh_token_is_refused_and_ends_the_new_one_too(new_openid_app: NewApp) -> None:
    app = new_openid_app(**OFFLINE)
    old = app.login().token
    new = app.kit.refresh("op", old)

    assert app.code_of(app.kit.refresh, "op", old) == "reauth_required"
    assert app.code_of(app.kit.refresh, "op", new) == "reauth_required"
    assert app.code_of(app.kit.login_with, "op", new.access_token) == "provider_rejected"
    assert "invalid_token" in app.error.reason


def test_without_offline_access_there_is_nothing_to_refresh(new_openid_app: NewApp) -> None:
    app = new_openid_app()

    assert app.code_of(app.kit.refresh, "op", app.login().token) == "reauth_required"


def test_a_revoked_login_is_of_no_use_any_more(new_openid_app: NewApp) -> None:
    app = new_openid_app(**OFFLINE)
    token = app.login().token

    assert app.kit.revoke("op", token) is True
    assert app.kit.revoke("op", token) is True  # whatever is revoked stays so (RFC 7009, section 2.2)
    assert app.code_of(app.kit.refresh, "op", token) == "reauth_required"
    assert app.code_of(app.kit.login_with, "op", token.access_token) == "provider_rejected"
    assert "invalid_token" in app.error.reason


# What the app knows of the server


def test_keys_that_the_server_changes_are_fetched_when_they_are_first_seen(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app()
    before = app.login()
    openid_server.change_keys()
    after = [app.login(), app.login()]

    assert {login.identity for login in after} == {before.identity}
    assert len(app.wire.to("/jwks")) == 2


def test_keys_that_change_all_the_time_are_fetched_every_ten_seconds_at_most(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    later = [0.0]
    app = new_openid_app(clock=lambda: time.time() + later[0])
    app.login()
    openid_server.change_keys()
    app.login()
    openid_server.change_keys()

    assert app.code_of(app.login) == "provider_protocol"
    assert "not signed by a key" in app.error.reason
    assert len(app.wire.to("/jwks")) == 2
    later[0] = 11.0
    app.login()
    assert len(app.wire.to("/jwks")) == 3


def test_a_warm_login_asks_three_things_and_opens_no_connection(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app()
    app.login()
    app.wire.sent.clear()
    before = openid_server.connections()
    app.login()

    assert [sent.path for sent in app.wire.sent] == ["/request", "/token", "/me"]
    assert openid_server.connections() == before


def test_an_issuer_that_calls_itself_otherwise_is_not_believed(
    openid_server: OpenIDServer, new_openid_app: NewApp
) -> None:
    app = new_openid_app(issuer=openid_server.origin.replace("127.0.0.1", "localhost"))

    app.code_of(app.begin)
    assert app.error.code in {"provider_misconfigured", "provider_protocol"}
    assert [sent.path for sent in app.wire.sent] == ["/.well-known/openid-configuration"]


# Logout


@pytest.mark.parametrize("is_token_kept", [True, False])
def test_whoever_signs_out_is_signed_out_at_the_server_as_well(is_token_kept: bool, new_openid_app: NewApp) -> None:
    app = new_openid_app()
    id_token = app.login().token.id_token
    assert id_token
    assert not app.person.is_asked(app.begin())

    url = app.kit.logout_url("op", id_token if is_token_kept else None)

    hint = {"id_token_hint": id_token.reveal()} if is_token_kept else {}
    assert dict(parse_qsl(urlsplit(url).query)) == {
        **hint,
        "client_id": "basic",
        "post_logout_redirect_uri": "https://app.example/",
    }
    assert app.person.sign_out(url) == "https://app.example/"
    assert app.person.is_asked(app.begin())
