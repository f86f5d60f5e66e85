"""Settings for tests: an app with every provider whose login can be emulated."""

from __future__ import annotations

from pathlib import Path

from authkit.names import is_free
from authkit.oidc import OpenIDProvider
from authkit.plugins import Plugins, load_plugins
from authkit.provider import AnyProvider, OAuth2Provider

__all__ = ["settings_for_tests"]


def settings_for_tests(folder: Path, plugins: Plugins | None = None) -> dict[str, str]:
    """Return the settings.

    Args:
        folder: where the database of accounts will be.
        plugins: the plugins; None for what is installed.
    """
    plugins = plugins or load_plugins()
    settings = {
        "authkit.secret": "a-secret-of-the-tests-that-protects-nothing",
        "authkit.base_url": "https://app.example",
        "authkit.accounts.database": f"sqlite:///{folder / 'authkit.sqlite'}",
    }
    emulated = plugins.emulators()
    for name, provider in plugins.providers.items():
        if is_free(name) and (name in emulated or isinstance(provider, OAuth2Provider) or _issuer_of(provider)):
            settings[f"authkit.{name}.{getattr(provider, 'client_id_param', 'client_id')}"] = f"{name}-client"
            if getattr(provider, "token_auth", "") != "none":
                settings[f"authkit.{name}.client_secret"] = f"{name}-secret-worth-nothing"
    return settings


def _issuer_of(provider: AnyProvider) -> str:
    return provider.issuer if isinstance(provider, OpenIDProvider) else ""
