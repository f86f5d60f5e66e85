"""GitHub passes the contract of providers, over the emulator that the plugin brings."""

from __future__ import annotations

from authkit_github import authkit_emulators, github

from authkit import Emulator
from authkit.testing import ProviderContract


class TestGitHub(ProviderContract):
    """GitHub, as the core uses it."""

    provider = github
    requires = ("email", "pkce", "prompt")

    def new_emulator(self) -> Emulator:
        """Return an emulator of GitHub's addresses."""
        (make,) = authkit_emulators()
        return make()
