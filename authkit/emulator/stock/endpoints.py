"""What the stock emulator answers, and where."""

from __future__ import annotations

from collections.abc import Sequence

from authkit.emulator.stock.authorize import AuthorizeEndpoint
from authkit.emulator.stock.places import Places
from authkit.emulator.stock.resources import NO_RESOURCES, Resources
from authkit.emulator.stock.revocation import RevocationEndpoint
from authkit.emulator.stock.tokens import TokenEndpoint
from authkit.emulator.stock.userinfo import UserInfoEndpoint
from authkit.emulator.stock.world import World
from authkit.emulator.workbench import Endpoint

__all__ = ["make_endpoints"]


def make_endpoints(world: World, places: Places, resources: Resources = NO_RESOURCES) -> Sequence[Endpoint]:
    """Return the endpoints that the provider has, and those of its further resources."""
    authorize, token = AuthorizeEndpoint(world), TokenEndpoint(world)
    revocation, userinfo = RevocationEndpoint(world), UserInfoEndpoint(world)
    known = {
        "authorize_url": (("authorize", "GET", authorize.show), ("consent", "POST", authorize.decide)),
        "token_url": (("token", "POST", token.exchange), ("token", "GET", token.refuse)),
        "userinfo_url": (("userinfo", "GET", userinfo.show), ("userinfo", "POST", userinfo.show)),
        "revoke_url": (("revoke", "POST", revocation.revoke), ("revoke", "GET", revocation.refuse)),
    }
    shown = {url: UserInfoEndpoint(world, resource).show for url, resource in resources.items()}
    others = {url: (("resource", "GET", show), ("resource", "POST", show)) for url, show in shown.items()}
    return [
        Endpoint(name, method, (places.path(url),), answer)
        for url in places.targets
        for name, method, answer in {**known, **others}[url]
    ]
