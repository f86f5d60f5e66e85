"""`StockEmulator`: an authorization server for any `OAuth2Provider`."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from authkit.emulator.clock import AdjustableClock
from authkit.emulator.stock.client import EXAMPLE_CLIENT, StockClient
from authkit.emulator.stock.dialect import Dialect
from authkit.emulator.stock.endpoints import make_endpoints
from authkit.emulator.stock.ledger import Ledger
from authkit.emulator.stock.places import Places
from authkit.emulator.stock.population import Population
from authkit.emulator.stock.resources import NO_RESOURCES, Resources
from authkit.emulator.stock.scopes import usual_scopes
from authkit.emulator.stock.switches import StockSwitches, switches_for
from authkit.emulator.stock.tables import make_tables
from authkit.emulator.stock.users import StockUser
from authkit.emulator.stock.visitor import Visitor
from authkit.emulator.stock.world import World
from authkit.emulator.switches import Switchboard
from authkit.emulator.workbench import Workbench
from authkit.models import Profile
from authkit.provider import OAuth2Provider
from authkit.urls import origin_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

__all__ = ["StockEmulator"]


class StockEmulator:
    """An authorization server that has a provider's parameter names and PKCE encoding, and otherwise the RFCs' rules.

    It enforces RFC 6749, 6750, 7009 and 7636 and the advice of RFC 9700, and says in its request log which rule a
    request broke. It answers at the paths of the provider's endpoints under any origin, unless two of them are the
    same; then at ``/authorize``, ``/token``, ``/userinfo`` and ``/revoke``. What else a provider's `userinfo`
    function calls is in `resources`.

    Args:
        provider: what is emulated.
        clock: the time, in seconds since 1970.
        random: that many random bytes.
        users: what the user info endpoint answers for each account. Left out, three people are made up who have
            what the provider's own functions look for.
        resources: what further addresses of the provider's API answer to an access token: a JSON object or array, or
            a function that makes it of the user info of whoever's token it is.
        clients: the clients that are registered; `settings` gives the first one's id and secret.
        switches: what the server does otherwise; None for what the provider's data say.
        faults: what goes wrong from the start, such as ``token:reset:once``.
        seed: what decides about faults that have a probability.

    Attributes:
        provider: the name of the provider that is emulated.
        clients: the clients.
        requests: what was sent, oldest first, the last thousand.
        workbench: the shared part: clock, switches, faults and control page.

    Raises:
        ConfigError: it cannot be found out what the user info endpoint answers, or the provider cannot read what
            `users` says; the message says why.
        ValueError: there is no client, or two have one id; the address of a resource is none, or its path is taken;
            or a fault is not understood.

    Example:
        >>> from authkit import OAuth2Provider, Profile
        >>> from authkit.emulator import StockEmulator
        >>> emulator = StockEmulator(
        ...     OAuth2Provider(
        ...         name="acme",
        ...         title="Acme",
        ...         authorize_url="https://acme.example/oauth/authorize",
        ...         token_url="https://acme.example/oauth/token",
        ...         userinfo_url="https://acme.example/api/me",
        ...         profile=lambda data: Profile(subject=data["id"], display_name=data["name"]),
        ...     )
        ... )
        >>> emulator.users[0].profile.display_name
        'Ada Example'
        >>> emulator.settings("http://127.0.0.1:8787")["token_url"]
        'http://127.0.0.1:8787/oauth/token'
    """

    def __init__(  # noqa: PLR0913 - all but the provider have defaults, and are named
        self,
        provider: OAuth2Provider,
        *,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
        users: Sequence[Mapping[str, Any]] = (),
        resources: Resources = NO_RESOURCES,
        clients: Sequence[StockClient] = (EXAMPLE_CLIENT,),
        switches: StockSwitches | None = None,
        faults: Sequence[str] = (),
        seed: int = 0,
    ) -> None:
        if not clients or len({client.client_id for client in clients}) < len(clients):
            raise ValueError("the emulator needs at least one client, and each has an id of its own")
        self.provider = provider.name
        self.clients = tuple(clients)
        self._data = provider
        self._places = Places.of(provider, resources)
        self._people = Population(provider, resources, users)
        adjustable, board = AdjustableClock(clock), Switchboard(switches or switches_for(provider))
        ledger = Ledger(adjustable, random, board)
        dialect = Dialect(constants=lambda _: {"iss": _issuer(provider)} if board.now.iss else {})
        by_id = {client.client_id: client for client in clients}
        world = World(provider, by_id, self._people.users, board, ledger, dialect)
        self.workbench = Workbench(
            provider.title,
            make_endpoints(world, self._places, resources),
            clock=adjustable,
            switches=board,
            faults=faults,
            seed=seed,
            tables=partial(make_tables, world),
            identity_fields=self._people.identity_fields(),
        )
        self.requests = self.workbench.requests
        self._visitor = Visitor(self.workbench, world)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        return self.workbench(environ, start_response)

    @property
    def users(self) -> Sequence[StockUser]:
        """The accounts, each with its user info and the profile that the provider makes of it."""
        return tuple(self._people.users)

    @property
    def scopes(self) -> Sequence[str]:
        """What the first client may ask for; if it may ask for anything, what the provider usually asks for."""
        return self.clients[0].scopes or usual_scopes(self._data)

    def settings(self, origin: str) -> Mapping[str, str]:
        """Return the settings of a registration that uses the emulator at `origin`, without their prefix."""
        client = self.clients[0]
        secret = {} if self._data.token_auth == "none" else {"client_secret": client.client_secret}
        return {self._data.client_id_param: client.client_id, **secret, **self._places.urls(origin.rstrip("/"))}

    def approve(self, authorize_url: str, *, user: int | str = 0, scopes: Sequence[str] | None = None) -> str:
        """Go to `authorize_url` as a browser would, continue as `user`, and return the callback's address.

        Args:
            authorize_url: an authorization request, at whatever host.
            user: a place in `users`, a subject or a username; a subject goes first.
            scopes: the boxes that stay ticked; None for all of them.

        Raises:
            ValueError: the server would show an error page, and the message says why; or there is no such user or
                box. An error that the client is told about stands in the callback's address.
        """
        return self._visitor.approve(authorize_url, self._people.place_of(user), scopes)

    def deny(self, authorize_url: str) -> str:
        """Go to `authorize_url` as a browser would, cancel, and return the callback's address.

        Raises:
            ValueError: the server would show an error page; the message says why.
        """
        return self._visitor.deny(authorize_url)

    def enrol(self, profile: Profile) -> str:
        """Add an account with this profile, or put it in the place of the one that has the subject already.

        Its user info is that of another account, changed until the provider's own functions make the profile of it.
        What `profile` leaves out, it lacks where they can do without. ``raw`` is not read.

        Returns:
            the subject, for `approve`.

        Raises:
            ValueError: they cannot make it of any account here; the message names the fields.
        """
        with self.workbench.exclusively():
            return self._people.enrol(profile)


def _issuer(provider: OAuth2Provider) -> str:
    return provider.issuer or origin_of(provider.authorize_url)
