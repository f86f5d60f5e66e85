"""What is secret in a login at an issuer shows itself nowhere (security.md's rows lek01 to lek03)."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Iterator
from pprint import pformat

import pytest
from joserfc.jwk import ECKey
from openid_world import CLIENT_ID, World, query_of
from test_oidc_client import verifier_of

from authkit import Login, Token
from authkit.emulator.openid.client import OpenIDClient as EmulatedClient
from authkit.errors import AuthkitError
from authkit.oidc.idtoken import nonce_of

MINE = ECKey.generate_key("P-256")
FIELDS = ("client_secret", "client_assertion", "refresh_token", "token")
FAULTS = ["token:500", "token:html", "jwks:503", "userinfo:500", "userinfo:html", "revoke:503", "revoke:html"]


def new_world(method: str) -> World:
    if method != "private_key_jwt":
        return World(settings={"token_auth": method})
    settings: dict[str, object] = {"private_key": json.dumps(MINE.as_dict(private=True)), "client_secret": None}
    jwks = json.dumps({"keys": [MINE.as_dict(private=False)]})
    return World(settings=settings, clients=(EmulatedClient(CLIENT_ID, "", jwks=jwks),))


def of_the_login(world: World, callback: str) -> Iterator[str]:
    """Yield what nobody may see of a login that is under way."""
    verifier = verifier_of(world, callback)
    yield from (verifier.reveal(), nonce_of(verifier), query_of(callback)["code"], query_of(callback)["state"])


def of_the_client(world: World) -> Iterator[str]:
    """Yield what nobody may see of the client, and of what it has sent."""
    yield str(MINE.as_dict(private=True)["d"])
    yield world.kit.registrations["idp"].client_secret.reveal()
    for request in world.emulator.requests:
        yield request.headers.get("Authorization", "").partition(" ")[2]
        yield from (request.form.get(name, "") for name in FIELDS)


def shown(world: World) -> str:
    """Return what a kit shows of itself."""
    registration, client = world.kit.registrations["idp"], world.kit.clients["idp"]
    objects = (world.kit, registration, registration.provider, registration.options, client, vars(client))
    return "".join(f"{one} {one!r} {pformat(one)}" for one in objects)


def tokens_in(token: Token) -> list[str]:
    return [secret.reveal() for secret in (token.access_token, token.refresh_token, token.id_token) if secret]


def told(login: Login) -> str:
    return f"{login} {login!r} {login.token!r} {pformat(login)}"


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_nothing_secret_is_in_a_log_an_error_or_an_object(
    method: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    world = new_world(method)
    callback = world.emulator.approve(world.start())
    secrets, seen = [*of_the_login(world, callback)], ""
    if fault:
        world.emulator.workbench.faults.add(fault)
    try:
        login = world.back(callback)
        world.kit.succeeded(login)
        fresh = world.kit.refresh("idp", login.token)
        secrets += tokens_in(login.token) + tokens_in(fresh)
        seen = told(login)
        world.kit.revoke("idp", fresh)
    except AuthkitError as error:
        world.kit.failed(error)
        seen += "".join([repr(error), repr(error.args), error.said, *traceback.format_exception(error)])

    seen += shown(world) + caplog.text
    secrets += filter(None, of_the_client(world))
    assert [secret for secret in secrets if secret in seen] == []
    assert len(secrets) > 6
