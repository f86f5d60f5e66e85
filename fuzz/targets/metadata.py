"""An issuer's metadata: its own, complete, with TLS everywhere, or refused."""

from __future__ import annotations

import json

from openid_world import ISSUER

from authkit.errors import ProviderProtocolError
from authkit.jsontext import read_json
from authkit.oidc.metadata import ALGORITHMS, Metadata, read_metadata
from authkit.urls import check_url
from fuzz.verdict import read_or_refused

ENDPOINTS = {
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "jwks_uri": f"{ISSUER}/keys",
}
MORE = {
    "userinfo_endpoint": "https://api.example/me",
    "end_session_endpoint": None,
    "id_token_signing_alg_values_supported": ["none", "HS256", "ES256", "RS256"],
    "token_endpoint_auth_methods_supported": ["client_secret_post"],
    "authorization_response_iss_parameter_supported": True,
}
SEEDS = (
    json.dumps({"issuer": ISSUER, **ENDPOINTS}).encode(),
    json.dumps({"issuer": ISSUER, **ENDPOINTS, **MORE}).encode(),
    json.dumps({"issuer": ISSUER, **ENDPOINTS, "token_endpoint": "http://localhost:8080/token"}).encode(),
    json.dumps({"issuer": ISSUER, **ENDPOINTS, "token_endpoint_auth_methods_supported": [None, "none", 1]}).encode(),
    json.dumps({"issuer": f"{ISSUER}/", **ENDPOINTS}).encode(),
)


def read(data: bytes) -> Metadata | None:
    """Return the metadata in a document, for an issuer with TLS and for one on this machine."""
    document = read_or_refused(lambda: read_json(data), ProviderProtocolError)
    if not isinstance(document, dict):
        return None
    on_this_machine = {**document, "issuer": "http://localhost:8080"}
    read_or_refused(lambda: read_metadata(on_this_machine, "http://localhost:8080"), ProviderProtocolError)
    return read_or_refused(lambda: read_metadata(document, ISSUER), ProviderProtocolError)


def target(data: bytes) -> None:
    """Check that every address may be gone to, and that nothing weak may sign."""
    found = read(data)
    if found is None:
        return
    assert found.issuer == json.loads(data)["issuer"] == ISSUER
    required = (found.authorize_url, found.token_url, found.keys_url)
    optional = (found.userinfo_url, found.revoke_url, found.push_url, found.logout_url)
    for url in (*required, *filter(None, optional)):
        assert check_url(url).scheme == "https"
    assert found.algorithms
    assert set(found.algorithms) <= set(ALGORITHMS) - {"none", "HS256", "HS384", "HS512"}
    assert all(isinstance(name, str) for name in (*found.auth_methods, *found.assertion_algorithms))
    assert isinstance(found.sends_issuer, bool)
    hash(found)
