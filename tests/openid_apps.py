"""Apps that are registered at oidc-provider, a client for each way to be, and the browser of a visitor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import pytest
from joserfc.jwk import ECKey, RSAKey
from openid_server import ADA, BEN, OpenIDServer, Person, Wire, client, run_openid_server

from authkit import AuthKit, Login
from authkit.cookies import Cookie
from authkit.errors import AuthkitError
from authkit.plugins import Plugins

__all__ = [
    "KEY",
    "OFFLINE",
    "OTHER_KEY",
    "RSA_KEY",
    "SECRET",
    "SIGNED",
    "App",
    "NewApp",
    "app_maker",
    "jwk",
    "served",
]

# The odd characters are those that a form-encoded client secret gets wrong most easily.
SECRET = "a-secret/with+odd:characters%7E&=~"
KEY = ECKey.generate_key("P-256", {"kid": "app-1"})
OTHER_KEY = ECKey.generate_key("P-256", {"kid": "app-1"})
RSA_KEY = RSAKey.generate_key(2048)
SIGNED = {"signed-rs256": "RS256", "signed-ps256": "PS256", "signed-es256": "ES256", "signed-eddsa": "EdDSA"}
OFFLINE = {"scope": "openid profile email offline_access", "prompt": "consent"}


def jwk(key: ECKey) -> str:
    """Return a private key as a setting has it."""
    return json.dumps(key.as_dict(private=True))


SETTINGS: Mapping[str, Mapping[str, str]] = {
    "post": {"client_secret": SECRET, "token_auth": "client_secret_post"},
    "jwt": {"private_key": jwk(KEY)},
    "jwt-rsa": {},  # its key is in a file
}
WITH_A_SECRET = {"client_secret": SECRET}


@dataclass
class App:
    """An app that is registered at the server, and the browser of its visitor.

    Attributes:
        wire: what the app asked the server.
        error: how the last call ended that `code_of` was about.
    """

    kit: AuthKit
    person: Person
    wire: Wire
    error: AuthkitError = field(default_factory=AuthkitError)
    cookies: tuple[Cookie, ...] = ()

    def begin(self, **options: Any) -> str:
        """Begin a login and return the authorization URL."""
        redirect = self.kit.begin("op", **options)
        self.cookies = redirect.cookies
        return redirect.url

    def complete(self, callback: str) -> Login:
        """Complete the login that was begun last."""
        return self.kit.complete("op", urlsplit(callback).query, self.cookies).login

    def login(self, account: str = "ada", **options: Any) -> Login:
        """Sign a person in."""
        return self.complete(self.person.allow(self.begin(**options), account))

    def code_of(self, call: Callable[..., object], *arguments: object) -> str:
        """Return the code of the error that a call ends in."""
        with pytest.raises(AuthkitError) as caught:
            call(*arguments)
        self.error = caught.value
        return caught.value.code


NewApp: TypeAlias = Callable[..., App]


@contextmanager
def served() -> Iterator[OpenIDServer]:
    """Run the server while the block lasts; it knows Ada, Ben, and each client."""
    signed = [("client_secret_basic", {"id_token_signed_response_alg": alg}) for alg in SIGNED.values()]
    clients = {
        "basic": ("client_secret_basic", {}),
        "post": ("client_secret_post", {}),
        "jwt": ("private_key_jwt", {"jwks": {"keys": [KEY.as_dict(private=False)]}}),
        "jwt-rsa": ("private_key_jwt", {"jwks": {"keys": [RSA_KEY.as_dict(private=False)]}}),
        "pushing": ("client_secret_basic", {"require_pushed_authorization_requests": True}),
        **dict(zip(SIGNED, signed, strict=True)),
    }
    registered = [client(name, method, SECRET, **metadata) for name, (method, metadata) in clients.items()]
    with run_openid_server(*registered, ada=ADA, ben=BEN) as server:
        yield server


@contextmanager
def app_maker(server: OpenIDServer) -> Iterator[NewApp]:
    """Give what makes an app with the settings of a client, and with others beside."""
    with ExitStack() as stack:

        def make(
            client_id: str = "basic",
            clock: Callable[[], float] | None = None,
            plugins: Plugins | None = None,
            **settings: str,
        ) -> App:
            wire = stack.enter_context(closing(Wire()))
            person = stack.enter_context(closing(Person(server.origin)))
            own = {**SETTINGS.get(client_id, WITH_A_SECRET), **settings}
            return App(server.kit(wire, clock, plugins, client_id=client_id, **own), person, wire)

        yield make
