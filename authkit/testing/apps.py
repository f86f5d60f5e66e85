"""The app behind a WebTest `TestApp`: its registry, and the address under which its browser knows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from pyramid.registry import Registry
from webtest import TestApp

from authkit.pyramid.config import KIT
from authkit.site import Site

__all__ = ["at_home", "registry_of"]

WRAPPED = ("app", "application", "wsgi_app", "__wrapped__")
"""The attributes under which middleware keeps what it is around."""


def registry_of(browser: TestApp) -> Registry:
    """Return the Pyramid registry of the app, also where middleware is around it.

    Raises:
        LookupError: there is none, or authkit is not included; the message says how to help.
    """
    if not isinstance(browser, TestApp):
        raise LookupError(  # noqa: TRY004 - as for every other app that is not found
            f"a {type(browser).__name__} is no browser: write TestApp(app), from webtest import TestApp"
        )
    found = [inner.registry for inner in _inner_apps(browser.app) if isinstance(_registry(inner), Registry)]
    for registry in found:
        if KIT in registry:
            return registry
    name = type(browser.app).__name__
    if found:
        raise LookupError(f'the app behind {name} has no authkit: config.include("authkit.pyramid") is missing')
    raise LookupError(
        f"there is no Pyramid app behind {name}: give TestApp what config.make_wsgi_app() returned, or let the "
        f"middleware around it keep it as its attribute `app` (or {', '.join(f'`{word}`' for word in WRAPPED[1:])})"
    )


def _registry(app: object) -> object:
    return getattr(app, "registry", None)


def _inner_apps(app: object) -> Iterator[Any]:
    """Yield `app` and what it is around, each once."""
    waiting, seen = [app], set[int]()
    while waiting:
        outer = waiting.pop(0)
        if id(outer) not in seen:
            seen.add(id(outer))
            yield outer
            waiting += [inner for name in WRAPPED if (inner := getattr(outer, name, None)) is not None]


def at_home(browser: TestApp, site: Site) -> TestApp:
    """Let a browser know the app by its public address from now on, and return it.

    A cookie that only goes to https, or to another host, would silently be missing otherwise.
    """
    address = urlsplit(site.base_url)
    home = {"wsgi.url_scheme": address.scheme, "HTTP_HOST": address.netloc}
    if address.path:
        home["SCRIPT_NAME"] = address.path
    browser.extra_environ = {**browser.extra_environ, **home}
    return browser
