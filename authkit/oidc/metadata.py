"""What an issuer publishes of itself, checked (OpenID Connect Discovery 1.0, section 4; RFC 8414)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authkit.errors import ProviderProtocolError
from authkit.urls import check_url

__all__ = ["ALGORITHMS", "Metadata", "metadata_url", "read_metadata"]

ALGORITHMS = (
    "RS256",
    "PS256",
    "ES256",
    "EdDSA",
    "Ed25519",
    "RS384",
    "RS512",
    "PS384",
    "PS512",
    "ES384",
    "ES512",
)
"""What may sign an ID token: nothing that needs a shared secret, and not ``none`` (RFC 8725, section 3.1)."""
REQUIRED = {"authorize_url": "authorization_endpoint", "token_url": "token_endpoint", "keys_url": "jwks_uri"}
OPTIONAL = {
    "userinfo_url": "userinfo_endpoint",
    "revoke_url": "revocation_endpoint",
    "push_url": "pushed_authorization_request_endpoint",
    "logout_url": "end_session_endpoint",
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """An issuer's metadata, as far as they are used.

    Attributes:
        issuer: the issuer identifier.
        authorize_url: the authorization endpoint.
        token_url: the token endpoint.
        keys_url: the address of its JSON Web Key set.
        userinfo_url: the user info endpoint, "" for none.
        revoke_url: the revocation endpoint (RFC 7009), "" for none.
        push_url: the endpoint for pushed authorization requests (RFC 9126), "" for none.
        logout_url: the endpoint that ends a session there, "" for none.
        algorithms: what it signs ID tokens with, of what may be used.
        auth_methods: how clients may prove who they are at the token endpoint.
        assertion_algorithms: what an assertion of a client may be signed with, empty where it does not say.
        sends_issuer: whether its authorization responses have ``iss`` (RFC 9207).
    """

    issuer: str
    authorize_url: str
    token_url: str
    keys_url: str
    userinfo_url: str
    revoke_url: str
    push_url: str
    logout_url: str
    algorithms: tuple[str, ...]
    auth_methods: tuple[str, ...]
    assertion_algorithms: tuple[str, ...]
    sends_issuer: bool


def metadata_url(issuer: str) -> str:
    """Return where an issuer's metadata are (Discovery 1.0, section 4)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def read_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Return the metadata in `document`, which was found where those of `issuer` are.

    Raises:
        ProviderProtocolError: it is another issuer's (section 4.3; RFC 8414, section 3.3), lacks an endpoint, or has
            one without TLS; or the issuer signs with nothing that may be used.
    """
    if document.get("issuer") != issuer:
        raise ProviderProtocolError(f"the metadata of {issuer} name another issuer; write it exactly as they do")
    endpoints = {field: _endpoint(document, name, issuer) for field, name in {**REQUIRED, **OPTIONAL}.items()}
    if missing := [name for field, name in REQUIRED.items() if not endpoints[field]]:
        raise ProviderProtocolError(f"the metadata of {issuer} lack {', '.join(missing)}")
    announced = _texts(document, "id_token_signing_alg_values_supported", ("RS256",))
    algorithms = tuple(name for name in ALGORITHMS if name in announced)
    if not algorithms:
        raise ProviderProtocolError(f"{issuer} signs ID tokens with nothing that is safe to accept")
    return Metadata(
        issuer=issuer,
        **endpoints,
        algorithms=algorithms,
        auth_methods=_texts(document, "token_endpoint_auth_methods_supported", ("client_secret_basic",)),
        assertion_algorithms=_texts(document, "token_endpoint_auth_signing_alg_values_supported", ()),
        sends_issuer=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(document: Mapping[str, Any], name: str, issuer: str) -> str:
    url = document.get(name) or ""
    problem = "is no text"
    try:
        if not url or (isinstance(url, str) and _has_tls(check_url(url).scheme, issuer)):
            return url
        problem = "is without TLS" if isinstance(url, str) else problem
    except ValueError as exc:
        problem = str(exc)
    raise ProviderProtocolError(f"in the metadata of {issuer}, {name} {problem}")


def _has_tls(scheme: str, issuer: str) -> bool:
    """Whether `scheme` is as safe as the issuer's own, which has no TLS only on this machine."""
    return scheme == "https" or issuer.startswith("http:")


def _texts(document: Mapping[str, Any], name: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = document.get(name)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else default
