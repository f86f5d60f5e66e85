"""The plugins under examples/ pass the contract of providers."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

from authkit.testing import ProviderContract

PLUGINS = Path(__file__).parent.parent / "examples" / "plugins"
EMAILS = {
    "https://api.github.com/user/emails": lambda user: [
        {"email": f"{user['login']}@people.example", "primary": True, "verified": True}
    ]
}


def provider_of(name: str) -> Any:
    return runpy.run_path(str(PLUGINS / f"authkit-{name}" / f"authkit_{name}.py"))[name]


class TestAcme(ProviderContract):
    provider = provider_of("acme")


class TestGitHub(ProviderContract):
    provider = provider_of("github")
    resources = EMAILS
    requires = ("email", "pkce", "prompt")


class TestGoogle(ProviderContract):
    provider = provider_of("google")
    requires = ("email", "pkce", "prompt", "refresh", "scopes")
