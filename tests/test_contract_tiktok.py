"""TikTok passes the contract of providers, over its own emulator."""

from __future__ import annotations

from authkit.testing import ProviderContract
from authkit_tiktok.emulator import TikTokEmulator
from authkit_tiktok.provider import tiktok

S256_HEX = "13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3"
"""SHA-256 of the verifier in RFC 7636, appendix B, as hex (Login Kit for Desktop)."""


class TestTikTok(ProviderContract):
    provider = tiktok
    challenge = S256_HEX
    requires = ("pkce", "prompt", "refresh", "revoke", "scopes")

    def new_emulator(self) -> TikTokEmulator:
        return TikTokEmulator()
