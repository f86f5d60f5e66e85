"""Providers of OpenID Connect pass the contract of providers, over the OpenID Connect emulator."""

from __future__ import annotations

import pytest

from authkit.oidc import OpenIDProvider
from authkit.testing import ProviderContract


class TestOneIssuer(ProviderContract):
    provider = OpenIDProvider(name="acme", title="Acme", issuer="https://id.acme.example/realms/one")
    requires = ("email", "pkce", "prompt", "refresh", "revoke", "scopes")


@pytest.mark.unmeasured
class TestAnyIssuer(ProviderContract):
    provider = OpenIDProvider(name="acme", title="Acme")
