"""The kit of a program on a desktop, which has neither an address nor a secret of its own."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping

from requests.adapters import BaseAdapter

from authkit.flow import AuthKit
from authkit.keys import REGISTRATION_KEYS
from authkit.plugins import load_plugins
from authkit.provider import Option
from authkit.settings import allowed_plugins

__all__ = ["desktop_kit"]

SITE_KEYS = ("ca_bundle", "plugins", "proxy", "proxy_file", "templates")
"""The settings of a site that are of use on a desktop."""
OWN_KEYS = ("client_secret_file", *(key for key in REGISTRATION_KEYS if key != "redirect_uri"))
"""Those of a registration. It needs no redirect URI: each login has one of its own."""
NOBODY = "http://127.0.0.1:1"
"""Where nobody listens, and nobody is sent."""


def desktop_kit(
    name: str,
    settings: Mapping[str, object] | None = None,
    *,
    transport: BaseAdapter | None = None,
    environ: Mapping[str, str] | None = None,
) -> AuthKit:
    """Return a kit for one registration of a program on a desktop.

    What a desktop program does not have is made up: `authkit.secret`, which seals what lives as long as one login,
    and `authkit.base_url`. Where the provider asks for the platform, it is ``desktop`` unless it is set. So the
    settings and the environment need no more than the registration's key and secret; the rest of a web app's is
    left alone.

    Args:
        name: the registration.
        settings: flat settings with keys such as ``authkit.tiktok.client_key``.
        transport: an adapter of requests that reaches the provider, such as an emulator's; None for the network.
        environ: the environment, ``os.environ`` if None; the settings win over it.

    Raises:
        ConfigError: a setting is missing, unknown or malformed; the reason names the key and the fix.
    """
    environ = os.environ if environ is None else environ
    given = {key: value for key, value in (settings or {}).items() if _is_of_use(key, name)}
    plugins = load_plugins(allowed_plugins(given, environ))
    variables = f"AUTHKIT_{name.upper().replace('-', '_')}_"
    wanted = str(given.get(f"authkit.{name}.provider") or environ.get(f"{variables}PROVIDER") or name).strip()
    provider = plugins.providers.get(wanted)
    options: tuple[Option, ...] = getattr(provider, "options", ())
    words = [
        *OWN_KEYS,
        getattr(provider, "client_id_param", "client_id"),
        *(option.name for option in options),
        *(f"{option.name}_file" for option in options if option.is_secret),
    ]
    kept = [variables + word.upper() for word in words] + [f"AUTHKIT_{key.upper()}" for key in SITE_KEYS]
    made_up = {
        "authkit.secret": secrets.token_urlsafe(32),
        "authkit.base_url": NOBODY,
        f"authkit.{name}.provider": wanted,
    }
    return AuthKit.from_settings(
        {**given, **made_up},
        transport,
        plugins=plugins,
        environ={
            **{variables + option.name.upper(): "desktop" for option in options if "desktop" in option.choices},
            **{variable: environ[variable] for variable in kept if environ.get(variable)},
        },
    )


def _is_of_use(key: str, name: str) -> bool:
    owner, _, last = key.removeprefix("authkit.").rpartition(".")
    return (owner == name and last != "redirect_uri") or key in [f"authkit.{word}" for word in SITE_KEYS]
