"""Apps as developers write them, for what signs in to them in tests."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fakes import CLIENT_SECRET, SETTINGS, acme, plugins_with
from pyramid_apps import Part, make_app
from webtest import TestApp

from authkit import AuthKit
from authkit.oidc import OpenIDProvider

EXAMPLES = Path(__file__).parents[1] / "examples"
SITE = {"authkit.secret": SETTINGS["authkit.secret"], "authkit.base_url": "https://app.example"}
IDP = {**SITE, "authkit.idp.client_id": "idp-client", "authkit.idp.client_secret": "idp-secret"}
TIKTOK = {**SITE, "authkit.tiktok.client_key": "the-app's-key", "authkit.tiktok.client_secret": CLIENT_SECRET}

issuer = OpenIDProvider(name="idp", title="IdP", issuer="https://idp.example/realms/one")


def example(name: str, monkeypatch: Any) -> Any:
    """Import an example as if its folder were on the path."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, name, raising=False)  # a benchmark may have the same name
    return importlib.import_module(name)


def new_app(
    *parts: Part, settings: Mapping[str, object] | None = None, providers: Any = (acme,), **hooks: Any
) -> Any:
    """Return an app of these providers, which would go out to the network if nothing stood in the way."""
    mapping = {**(SETTINGS if providers == (acme,) else SITE), **(settings or {})}
    return make_app(AuthKit.from_settings(mapping, plugins=plugins_with(*providers, **hooks), environ={}), *parts)


def new_browser(*parts: Part, **options: Any) -> TestApp:
    """Return a browser for such an app, as `webtest` makes it."""
    return TestApp(new_app(*parts, **options))


def me(browser: TestApp) -> str:
    """Return who is signed in."""
    return browser.get("/me").text
