"""`Realm`: what the endpoints of the OpenID Connect emulator have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from authkit.emulator.messages import Request
from authkit.emulator.openid.client import OpenIDClient
from authkit.emulator.openid.keyring import Keyring
from authkit.emulator.openid.modules import MODULES, Module
from authkit.emulator.openid.site import Site
from authkit.emulator.openid.switches import METHODS, OpenIDSwitches
from authkit.emulator.switches import Switchboard

__all__ = ["Realm"]


@dataclass(frozen=True, slots=True)
class Realm:
    """Beside the stock emulator's `World`.

    Attributes:
        site: the issuer and the addresses.
        clients: the clients, by client id.
        switches: how the server behaves.
        clock: the time, in seconds since 1970.
        keyring: the keys.
    """

    site: Site
    clients: Mapping[str, OpenIDClient]
    switches: Switchboard[OpenIDSwitches]
    clock: Callable[[], float]
    keyring: Keyring

    @property
    def module(self) -> Module:
        """What relying parties are tested with now."""
        return MODULES[self.switches.now.module]

    @property
    def alg(self) -> str:
        """What signs ID tokens."""
        return self.module.alg or self.switches.now.alg

    @property
    def methods(self) -> tuple[str, ...]:
        """The ways of client authentication that are announced and taken."""
        wanted = self.module.client_auth or self.switches.now.client_auth
        if wanted != "any":
            return (wanted,)
        has_public = any(client.is_public for client in self.clients.values())
        return tuple(method for method in METHODS if method != "none" or has_public)

    def takes_for_public(self, client_id: str) -> bool:
        """Whether a client need not authenticate: it cannot, or nobody does."""
        return self.methods == ("none",) or self.clients[client_id].is_public

    @property
    def sends_iss(self) -> bool:
        """Whether the metadata say that authorization responses have ``iss``."""
        return self.switches.now.iss or self.module.iss is not None

    def constants(self, request: Request) -> Mapping[str, str]:
        """Return what every authorization response has beside the state (RFC 9207, section 2)."""
        issuer = self.site.issuer_of(request) if self.sends_iss else ""
        sent = self.module.iss(issuer) if self.module.iss else issuer
        return {"iss": sent} if sent else {}
