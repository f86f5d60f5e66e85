"""What the OpenID Connect emulator is put together from: the stock emulator's endpoints, and its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from authkit.emulator.openid.asking import check_authorization
from authkit.emulator.openid.authentication import Authentication
from authkit.emulator.openid.claims import claims_for
from authkit.emulator.openid.discovery import DiscoveryEndpoint
from authkit.emulator.openid.idtokens import add_id_token
from authkit.emulator.openid.logout import LogoutEndpoint
from authkit.emulator.openid.pushed import PushedEndpoint, PushedRequests
from authkit.emulator.openid.realm import Realm
from authkit.emulator.openid.site import PATHS, Site
from authkit.emulator.shelf import Shelf
from authkit.emulator.stock.dialect import Dialect
from authkit.emulator.stock.endpoints import make_endpoints
from authkit.emulator.stock.ledger import Access, Ledger
from authkit.emulator.stock.places import Places
from authkit.emulator.stock.users import StockUser
from authkit.emulator.stock.world import World
from authkit.emulator.workbench import Endpoint
from authkit.provider import OAuth2Provider

__all__ = ["Server"]


@dataclass(frozen=True, slots=True)
class Server:
    """The emulator without its workbench.

    Attributes:
        world: what the stock emulator's endpoints have in common.
        endpoints: what it answers.
    """

    world: World
    endpoints: Sequence[Endpoint]

    @classmethod
    def of(cls, realm: Realm, provider: OAuth2Provider, users: Sequence[StockUser], ledger: Ledger) -> Server:
        """Put it together.

        Args:
            realm: what the endpoints beside the stock emulator's have in common.
            provider: the same server as the stock emulator sees it.
            users: the accounts; the list may change.
            ledger: what the server remembers.
        """
        pushed = PushedRequests(realm, Shelf(realm.clock))
        dialect = Dialect(
            read_authorization=pushed.read,
            check_authorization=partial(check_authorization, realm),
            constants=realm.constants,
            fixed_scopes=frozenset({"openid"}),
            authenticate=Authentication.of(realm).identify,
            members=partial(add_id_token, realm),
            userinfo=partial(_userinfo, realm),
        )
        world = World(provider, realm.clients, users, realm.switches, ledger, dialect)
        own = _own_endpoints(world, realm, pushed)
        return cls(world, [*own, *make_endpoints(world, _places(realm.site))])


def _userinfo(realm: Realm, access: Access) -> Mapping[str, object]:
    return realm.module.userinfo(claims_for(access.grant.user.body, access.scopes))


def _places(site: Site) -> Places:
    names = ("authorize", "token", "userinfo", "revoke")
    return Places({f"{name}_url": site.below + PATHS[name] for name in names})


def _own_endpoints(world: World, realm: Realm, pushed: PushedRequests) -> Sequence[Endpoint]:
    """Return the endpoints that the stock emulator has not."""
    discovery, logout, par = DiscoveryEndpoint(realm), LogoutEndpoint(world, realm), PushedEndpoint(world, pushed)
    site = realm.site
    return [
        Endpoint("discovery", "GET", site.discovery_paths, discovery.show),
        Endpoint("jwks", "GET", (site.path("jwks"), site.path("moved_jwks")), discovery.show_keys),
        Endpoint("par", "POST", (site.path("par"),), par.push),
        Endpoint("par", "GET", (site.path("par"),), par.refuse),
        Endpoint("end_session", "GET", (site.path("end_session"),), logout.end),
        Endpoint("end_session", "POST", (site.path("end_session"),), logout.end),
    ]
