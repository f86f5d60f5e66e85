"""`MODULES`: what relying parties are tested with, each as one misbehaviour of the server, or one lawful condition.

Those of the OpenID Foundation's conformance plans Basic RP and Config RP have their names without the prefix
``oidcc-client-test``; the others are like modules of its further plans, or ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias

__all__ = ["MODULES", "Claims", "Module"]

Claims: TypeAlias = Mapping[str, Any]
Change: TypeAlias = Callable[[Claims], Claims]

ELSEWHERE = "https://elsewhere.example"
SOMEBODY = "somebody-else"
HOUR = 3600


def _same(claims: Claims) -> Claims:
    return claims


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One way of the server; what is left out is as it should be.

    Attributes:
        name: its name.
        help: what the server does, in a sentence.
        is_sound: whether a relying party goes on; otherwise it stops.
        id_token: changes the claims of every ID token.
        refreshed: changes those of the ID tokens that a refresh gives.
        userinfo: changes the user info.
        metadata: changes the discovery document.
        seal: how an ID token is signed, a name in `authkit.emulator.openid.seals`.
        alg: what signs, whatever the switch says.
        client_auth: how clients authenticate, whatever the switch says.
        rotates: whether keys rotate ``before`` or ``after`` each ID token is signed.
        keys: what the key set has: the newest key and the one before, ``newest`` alone, or a ``spare`` one too.
        has_moved_keys: whether the key set is where only the discovery document says.
        iss: makes the ``iss`` of an authorization response of the issuer; None where the switch has a say.
    """

    name: str
    help: str
    is_sound: bool = False
    id_token: Change = _same
    refreshed: Change = _same
    userinfo: Change = _same
    metadata: Change = _same
    seal: str = "signed"
    alg: str = ""
    client_auth: str = ""
    rotates: str = ""
    keys: str = ""
    has_moved_keys: bool = False
    iss: Callable[[str], str] | None = None


def _with(**changed: Any) -> Change:
    return lambda claims: {**claims, **changed}


def _without(name: str) -> Change:
    return lambda claims: {key: value for key, value in claims.items() if key != name}


def _later(name: str, seconds: int) -> Change:
    return lambda claims: {**claims, name: claims["iat"] + seconds}


def _two_audiences(claims: Claims) -> Claims:
    return {**claims, "aud": [claims["aud"], SOMEBODY], "azp": claims["aud"]}


_ALL = (
    Module(name="plain", help="Everything is as it should be.", is_sound=True),
    Module(name="invalid-iss", help="The ID token's `iss` is another issuer.", id_token=_with(iss=ELSEWHERE)),
    Module(name="missing-sub", help="The ID token has no `sub`.", id_token=_without("sub")),
    Module(name="invalid-aud", help="The ID token's `aud` is another client.", id_token=_with(aud=SOMEBODY)),
    Module(name="missing-aud", help="The ID token has no `aud`.", id_token=_without("aud")),
    Module(
        name="multiple-aud",
        help="The ID token's `aud` has a second client that nobody knows; `azp` is the right one.",
        id_token=_two_audiences,
    ),
    Module(
        name="azp-invalid", help="The ID token has an `azp` that is another client.", id_token=_with(azp=SOMEBODY)
    ),
    Module(name="missing-iat", help="The ID token has no `iat`.", id_token=_without("iat")),
    Module(name="missing-exp", help="The ID token has no `exp`.", id_token=_without("exp")),
    Module(name="expired", help="The ID token's `exp` was an hour ago.", id_token=_later("exp", -HOUR)),
    Module(
        name="max-age-exceeded",
        help="The ID token's `auth_time` is a day old, whatever `max_age` was asked for.",
        id_token=_later("auth_time", -24 * HOUR),
    ),
    Module(
        name="nonce-invalid",
        help="The ID token's `nonce` is not that of the request.",
        id_token=_with(nonce=SOMEBODY),
    ),
    Module(name="nonce-missing", help="The ID token has no `nonce`.", id_token=_without("nonce")),
    Module(
        name="at-hash-invalid",
        help="The ID token's `at_hash` is not that of the access token.",
        id_token=_with(at_hash="A" * 22),
    ),
    Module(
        name="kid-absent-single-jwks",
        help="The ID token's header has no `kid`, and the key set one key.",
        is_sound=True,
        seal="nameless",
        keys="newest",
    ),
    Module(
        name="kid-absent-multiple-jwks",
        help="The ID token's header has no `kid`, and the key set two keys of the same kind.",
        seal="nameless",
        keys="spare",
    ),
    Module(
        name="idtoken-sig-rs256", help="The ID token is signed with RS256.", is_sound=True, alg="RS256", seal="signed"
    ),
    Module(name="idtoken-sig-none", help="The ID token is not signed: its `alg` is `none`.", seal="unsigned"),
    Module(
        name="invalid-sig-rs256",
        help="The ID token says RS256, and its signature is wrong.",
        alg="RS256",
        seal="spoiled",
    ),
    Module(
        name="invalid-sig-hs256",
        help="The ID token says HS256, and the secret is the public RSA key as PEM.",
        alg="RS256",
        seal="confused",
    ),
    Module(name="userinfo-invalid-sub", help="The user info's `sub` is somebody else.", userinfo=_with(sub=SOMEBODY)),
    Module(
        name="scope-userinfo-claims",
        help="The user info has the claims of the granted scopes, and those only.",
        is_sound=True,
    ),
    Module(
        name="client-secret-basic",
        help="Clients authenticate with client_secret_basic, and nothing else is announced or taken.",
        is_sound=True,
        client_auth="client_secret_basic",
    ),
    Module(
        name="discovery-openid-config",
        help="The discovery document has everything that a login needs.",
        is_sound=True,
    ),
    Module(
        name="discovery-jwks-uri-keys",
        help="The key set is at an address that only the discovery document has.",
        is_sound=True,
        has_moved_keys=True,
    ),
    Module(
        name="discovery-issuer-mismatch",
        help="The discovery document's `issuer` is another one.",
        metadata=_with(issuer=ELSEWHERE),
    ),
    Module(
        name="signing-key-rotation-just-before-signing",
        help="Each ID token is signed with a key that was made just before.",
        is_sound=True,
        rotates="before",
    ),
    Module(
        name="signing-key-rotation",
        help="After each ID token, there is a new key for the next.",
        is_sound=True,
        rotates="after",
    ),
    Module(
        name="refresh-invalid-issuer",
        help="The `iss` of a refreshed ID token is another issuer.",
        refreshed=_with(iss=ELSEWHERE),
    ),
    Module(
        name="refresh-invalid-sub",
        help="The `sub` of a refreshed ID token is somebody else.",
        refreshed=_with(sub=SOMEBODY),
    ),
    Module(
        name="refresh-invalid-aud",
        help="The `aud` of a refreshed ID token is another client.",
        refreshed=_with(aud=SOMEBODY),
    ),
    Module(
        name="callback-iss-invalid",
        help="The `iss` of an authorization response, errors included, is another issuer.",
        iss=lambda _: ELSEWHERE,
    ),
    Module(
        name="callback-iss-missing",
        help="An authorization response has no `iss`, although the metadata promise it.",
        iss=lambda _: "",
    ),
)

MODULES: Mapping[str, Module] = MappingProxyType({module.name: module for module in _ALL})
"""Every module by its name."""
