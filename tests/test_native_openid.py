"""An app that begins a login at an OpenID Connect issuer by itself, and hands in the code."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import pytest
from fakes import acme, make_kit, plugins_with
from native_world import SDK_REDIRECT_URI, NativeWorld, query_of
from openid_world import ISSUER, World, idp

from authkit import errors
from authkit.accounts import Accounts, Database
from authkit.emulator import WsgiTransport
from authkit.native import Native, NativeConfiguration

VERIFIER = "an-app-s-own-verifier-of-43-characters-or-so-"


@pytest.fixture
def database(servers: Any, tmp_path_factory: Any) -> Iterator[Database]:
    database = Database.open(servers.shared_url("sqlite", tmp_path_factory.getbasetemp()))
    yield database
    database.close()


def hashed(text: str) -> str:
    """Return the SHA-256 of `text`, as the docs for app developers say it."""
    return urlsafe_b64encode(sha256(text.encode()).digest()).rstrip(b"=").decode()


class App:
    """An app, its server, and an issuer that announces ``iss`` or does not."""

    def __init__(self, database: Database, *, iss: str = "on", **settings: str) -> None:
        self.emulator = World(switches={"iss": iss, "par": "offered"}).emulator
        own = {f"authkit.idp.{name}": value for name, value in self.emulator.settings(ISSUER).items()}
        more = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
        kit = make_kit(
            WsgiTransport(self.emulator),
            {**NativeWorld.usual(), **own, **more},
            plugins=plugins_with(acme, idp),
        )
        self.native = Native(kit, Accounts(kit, database), database, NativeConfiguration.of(kit))

    def authorize(self, nonce: str = hashed(f"authkit/nonce/v1:{VERIFIER}")) -> dict[str, str]:
        """Return what comes to the app's own redirect URI, once Ada has agreed."""
        request = {
            "client_id": "emulated-client",
            "response_type": "code",
            "scope": "openid profile",
            "redirect_uri": SDK_REDIRECT_URI,
            "state": "the-app-s-own",
            "code_challenge": hashed(VERIFIER),
            "code_challenge_method": "S256",
            "nonce": nonce,
        }
        return query_of(self.emulator.approve(f"{ISSUER}/authorize?{urlencode(request)}"))

    def connect(self, **sent: str) -> Any:
        given = {"code_verifier": VERIFIER, "redirect_uri": SDK_REDIRECT_URI, **sent}
        return self.native.connect("idp", given)


def test_the_code_is_good_where_the_nonce_is_the_verifiers(database: Database) -> None:
    app = App(database, iss="off")

    connected = app.connect(code=app.authorize()["code"])

    assert connected.answer["user"]["provider"] == ISSUER
    assert connected.login.identity.subject == "1000001"


@pytest.mark.parametrize("nonce", ["", "the-kit-s-own", hashed(VERIFIER)])
def test_a_nonce_of_the_kits_own_is_refused(database: Database, nonce: str) -> None:
    app = App(database, iss="off")

    with pytest.raises(errors.ProviderProtocolError, match="nonce is missing, or another login's"):
        app.connect(code=app.authorize(nonce)["code"])


def test_the_iss_of_the_answer_goes_along_with_the_code(database: Database) -> None:
    app = App(database)
    answer = app.authorize()

    assert answer["iss"] == ISSUER
    assert app.connect(code=answer["code"], iss=answer["iss"]).login.identity.subject == "1000001"


@pytest.mark.parametrize("iss", ["on", "off"])
@pytest.mark.parametrize("sent", [{"iss": "https://evil.example"}, {"iss": ""}, {"iss": f"{ISSUER}/"}])
def test_mix01_another_iss_is_refused_and_the_code_is_not_used(
    database: Database, iss: str, sent: dict[str, str]
) -> None:
    app = App(database, iss=iss)

    with pytest.raises(errors.IssuerMismatch):
        app.connect(code=app.authorize()["code"], **sent)

    assert not [request for request in app.emulator.requests if request.endpoint == "token"]


def test_mix02_an_iss_that_was_announced_is_missed(database: Database) -> None:
    app = App(database)

    with pytest.raises(errors.IssuerMismatch):
        app.connect(code=app.authorize()["code"])


def test_an_access_token_says_whose_it_is_where_it_is_accepted(database: Database) -> None:
    app = App(database, iss="off", native__accept_access_tokens="yes")
    access_token = app.connect(code=app.authorize()["code"]).login.token.access_token.reveal()

    connected = app.native.connect("idp", {"access_token": access_token})

    assert connected.login.identity.key == "v1:https%3A%2F%2Fidp.example:emulated-client:1000001"
    with pytest.raises(errors.ProviderRejected):
        app.native.connect("idp", {"access_token": f"{access_token}x"})
