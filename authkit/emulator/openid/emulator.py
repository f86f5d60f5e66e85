"""`OpenIDEmulator`: an OpenID Connect server for tests and development."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.control import Action
from authkit.emulator.openid.claims import SCOPES, claims_of, people, profile_of
from authkit.emulator.openid.client import EXAMPLE_CLIENT, OpenIDClient
from authkit.emulator.openid.extra import require_extra
from authkit.emulator.openid.site import EXAMPLE, Site
from authkit.emulator.openid.switches import OpenIDSwitches
from authkit.emulator.records import read_records
from authkit.emulator.stock.ledger import Ledger
from authkit.emulator.stock.tables import make_tables
from authkit.emulator.stock.users import StockUser, read_users
from authkit.emulator.stock.visitor import Visitor
from authkit.emulator.switches import Switchboard
from authkit.emulator.workbench import Workbench
from authkit.models import Profile
from authkit.provider import OAuth2Provider

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["OpenIDEmulator"]


class OpenIDEmulator:
    """An OpenID Connect server: discovery, keys, login, user info, logout, and pushed authorization requests.

    It enforces OpenID Connect Core 1.0 and RP-Initiated Logout 1.0, RFC 7523 and 9126, and what the stock emulator
    enforces, and says in its request log which rule a request broke. Its switch ``module`` makes it misbehave as the
    modules of the conformance plans for relying parties do. It needs the extra ``[oidc]``.

    Args:
        issuer: the issuer; or a path, or "", for the issuer at that path of whatever origin a request comes to.
        provider: the name of the provider that is emulated.
        title: its title, for people.
        clock: the time, in seconds since 1970.
        random: that many random bytes.
        users: the claims of each account; left out, three people are made up. Claims that no scope is known for are
            told to everybody.
        clients: the clients that are registered; `settings` gives the first one's id and secret.
        switches: what the server does at first; None for what is usual.
        faults: what goes wrong from the start, such as ``jwks:500:once``.
        seed: what decides about faults that have a probability.

    Attributes:
        provider: the name of the provider that is emulated.
        clients: the clients.
        requests: what was sent, oldest first, the last thousand.
        workbench: the shared part: clock, switches, faults and control page.

    Raises:
        ConfigError: joserfc is not installed, or what `users` says are no claims of a person.
        ValueError: the issuer is none; there is no client, two have one id, or the keys of one are none; or a fault
            is not understood.

    Example:
        >>> from authkit.emulator import OpenIDEmulator
        >>> OpenIDEmulator().settings("http://127.0.0.1:8787")["issuer"]
        'http://127.0.0.1:8787'
        >>> OpenIDEmulator("https://idp.example/realms/one").settings("http://127.0.0.1:8787")["issuer"]
        'https://idp.example/realms/one'
    """

    def __init__(  # noqa: PLR0913 - all but one are named in the call, and each can be left out
        self,
        issuer: str = "",
        *,
        provider: str = "oidc",
        title: str = "OpenID Connect",
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        users: Sequence[Mapping[str, Any]] = (),
        clients: Sequence[OpenIDClient] = (EXAMPLE_CLIENT,),
        switches: OpenIDSwitches | None = None,
        faults: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        require_extra()
        # From here on joserfc is needed.
        from authkit.emulator.openid.keyring import Keyring
        from authkit.emulator.openid.realm import Realm
        from authkit.emulator.openid.server import Server

        if not clients or len({client.client_id for client in clients}) < len(clients):
            raise ValueError("the emulator needs at least one client, and each has an id of its own")
        self.provider = provider
        self.clients = tuple(clients)
        self._site = Site(issuer)
        data = _as_stock(provider, title, self._site)
        self._users = list(read_users(data, users or people()))
        adjustable, self._board = AdjustableClock(clock), Switchboard(switches or OpenIDSwitches())
        self._keyring = Keyring()
        by_id = {client.client_id: client for client in clients}
        self._realm = Realm(self._site, by_id, self._board, adjustable, self._keyring)
        server = Server.of(self._realm, data, self._users, Ledger(adjustable, random, self._board))
        self.workbench = Workbench(
            data.title,
            server.endpoints,
            clock=adjustable,
            switches=self._board,
            faults=faults,
            seed=seed,
            tables=partial(make_tables, server.world),
            actions=(Action("rotate-keys", "Rotate the signing keys", (), self._rotate_keys),),
            identity_fields=frozenset({"sub"}),
        )
        self.requests = self.workbench.requests
        self._visitor = Visitor(self.workbench, server.world)

    @classmethod
    def configured(cls, apps: Sequence[Mapping[str, Any]], users: Sequence[Mapping[str, Any]]) -> OpenIDEmulator:
        """Return an emulator with these clients and users, each as JSON has it; empty for the usual ones.

        Raises:
            ValueError: they cannot be; the message says why.
        """
        return cls(clients=read_records(OpenIDClient, apps) or (EXAMPLE_CLIENT,), users=users)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.workbench(environ, start_response)

    @property
    def users(self) -> Sequence[StockUser]:
        """The accounts, each with its claims and the profile that a provider makes of them."""
        return tuple(self._users)

    @property
    def scopes(self) -> Sequence[str]:
        """What the first client may ask for; if it may ask for anything, the scopes that mean something."""
        return self.clients[0].scopes or SCOPES

    def settings(self, origin: str) -> Mapping[str, str]:
        """Return the settings of a registration that uses the emulator at `origin`, without their prefix.

        An issuer that was given stays what it is.
        """
        client = self.clients[0]
        is_secret_used = client.client_secret and self._realm.methods != ("none",)
        secret = {"client_secret": client.client_secret} if is_secret_used else {}
        return {"issuer": self._site.at(origin.rstrip("/")), "client_id": client.client_id, **secret}

    def approve(self, authorize_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> str:
        """Go to `authorize_url` as a browser would, continue as `user`, and return the callback's address.

        Args:
            authorize_url: an authorization request, at whatever host.
            user: the place of an account in `users`, a subject or a username; a subject goes first.
            scopes: the boxes that stay ticked; None for all of them. ``openid`` has none, and is always granted.

        Raises:
            ValueError: the server would show an error page, and the message says why; or there is no such user or
                box. An error that the client is told about stands in the callback's address.
        """
        return self._visitor.approve(authorize_url, self._place_of(user), scopes)

    def deny(self, authorize_url: str) -> str:
        """Go to `authorize_url` as a browser would, cancel, and return the callback's address.

        Raises:
            ValueError: the server would show an error page; the message says why.
        """
        return self._visitor.deny(authorize_url)

    def enrol(self, profile: Profile) -> str:
        """Add an account with this profile, or put it in the place of the one that has the subject already.

        It has the claims of which a provider would make the profile, and no others. ``raw`` is not read.

        Returns:
            the subject, for `approve`.

        Raises:
            ValueError: no claim says what it says; the message names the field.
        """
        user = StockUser(claims_of(profile), profile)
        with self.workbench.exclusively():
            known = [one.profile.subject for one in self._users]
            place = known.index(profile.subject) if profile.subject in known else len(known)
            self._users[place : place + 1] = [user]
        return profile.subject

    def rotate_keys(self) -> None:
        """Sign with a new key from now on; the one before stays in the key set."""
        with self.workbench.exclusively():
            self._keyring.rotate()

    def _rotate_keys(self, fields: Mapping[str, str]) -> str:  # noqa: ARG002 - an action has fields
        self.rotate_keys()
        return "there is a new signing key"

    def _place_of(self, user: int | str) -> int:
        profiles = [one.profile for one in self._users]
        names = [*(profile.subject for profile in profiles), *(profile.username for profile in profiles)]
        if user in names:
            return names.index(str(user)) % len(profiles)
        if isinstance(user, int) and 0 <= user < len(profiles):
            return user
        raise ValueError(f"the emulator has no user {user!r}")


def _as_stock(name: str, title: str, site: Site) -> OAuth2Provider:
    """Return the server as data for the stock emulator's endpoints."""
    below = site.at(EXAMPLE).rstrip("/")
    return OAuth2Provider(
        name=name,
        title=title,
        authorize_url=f"{below}/authorize",
        token_url=f"{below}/token",
        userinfo_url=f"{below}/userinfo",
        revoke_url=f"{below}/revoke",
        default_scope=("openid", "profile", "email"),
        basic_scope=("openid",),
        profile=profile_of,
    )
