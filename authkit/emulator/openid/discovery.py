"""The discovery document and the key set (OpenID Connect Discovery 1.0; RFC 8414, section 2; RFC 7517, section 5)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from authkit.emulator.messages import Answer, Request
from authkit.emulator.openid.claims import CLAIMS, SCOPES
from authkit.emulator.openid.jose import ALGORITHMS
from authkit.emulator.openid.realm import Realm

__all__ = ["DiscoveryEndpoint"]


@dataclass(frozen=True, slots=True)
class DiscoveryEndpoint:
    """What a relying party reads before its first login."""

    realm: Realm

    def show(self, request: Request) -> Answer:
        """Answer the discovery document."""
        realm, site = self.realm, self.realm.site
        keys = "moved_jwks" if realm.module.has_moved_keys else "jwks"
        document = {
            "issuer": site.issuer_of(request),
            "authorization_endpoint": site.url("authorize", request),
            "token_endpoint": site.url("token", request),
            "userinfo_endpoint": site.url("userinfo", request),
            "jwks_uri": site.url(keys, request),
            "revocation_endpoint": site.url("revoke", request),
            "end_session_endpoint": site.url("end_session", request),
            **self._pushing(request),
            "scopes_supported": list(SCOPES),
            "claims_supported": list(CLAIMS),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": self._algs(),
            **({} if realm.switches.now.pkce == "ignored" else {"code_challenge_methods_supported": ["S256"]}),
            "prompt_values_supported": ["none", "login", "consent", "select_account"],
            **self._methods("token"),
            **self._methods("revocation"),
            "authorization_response_iss_parameter_supported": realm.sends_iss,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
        return Answer.json(realm.module.metadata(document))

    def show_keys(self, request: Request) -> Answer:
        """Answer the key set; nothing where it is not."""
        is_moved = request.path == self.realm.site.path("moved_jwks")
        if is_moved != self.realm.module.has_moved_keys:
            return Answer(404)
        return Answer.json({"keys": self.realm.keyring.published(self.realm.alg, self.realm.module.keys)})

    def _algs(self) -> list[str]:
        """Return what may sign ID tokens; RS256 is always among it (OpenID Connect Discovery 1.0, section 3)."""
        return list(dict.fromkeys((self.realm.alg, "RS256")))

    def _methods(self, endpoint: str) -> Mapping[str, Any]:
        methods = self.realm.methods
        signing = [alg for algs in ALGORITHMS.values() for alg in algs]
        return {
            f"{endpoint}_endpoint_auth_methods_supported": list(methods),
            **(
                {f"{endpoint}_endpoint_auth_signing_alg_values_supported": signing}
                if "private_key_jwt" in methods
                else {}
            ),
        }

    def _pushing(self, request: Request) -> Mapping[str, Any]:
        """Return what is said of pushed authorization requests (RFC 9126, section 5)."""
        mode = self.realm.switches.now.par
        if mode == "off":
            return {}
        return {
            "pushed_authorization_request_endpoint": self.realm.site.url("par", request),
            "require_pushed_authorization_requests": mode == "required",
        }
