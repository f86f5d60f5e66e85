"""Google passes the contract of providers, over an emulator of its issuer."""

from __future__ import annotations

from authkit_google import google

from authkit.testing import ProviderContract


class TestGoogle(ProviderContract):
    """Google, as the core uses it."""

    provider = google
