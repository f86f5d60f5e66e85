"""Names, as settings and plugins give them: of registrations and providers, of keys, of entry points."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from itertools import islice

from fakes import CLIENT_SECRET, SECRET, SETTINGS, acme, plugins_with

from authkit import OAuth2Provider, Profile, hookimpl
from authkit.errors import ConfigError
from authkit.names import RESERVED_NAMES, check_name, is_free, is_name
from authkit.plugins import load_plugins
from authkit.settings import Configuration, allowed_plugins, read_settings
from fuzz.verdict import read_or_refused

SEEDS = (
    b"authkit.acme-2.provider=acme\nauthkit.acme-2.client_id=x\nAUTHKIT_ACME_2_CLIENT_SECRET=y",
    b"authkit.native.phone.link=https://app.example/in\nauthkit.prefix=/sign-in\nauthkit.plugins=acme oidc",
    b"authkit.login_url=/login?x=1\nauthkit.acme.scope=profile,e-mail\nAUTHKIT_NATIVE_MY_APP_LINK_CARRIES=ticket",
    b"acme",
    b"authkit.Acme.provider=acme\nauthkit.Acme.client_id=x\nauthkit.Acme.client_secret=y",
    b"authkit.b.provider=acme\nauthkit.b.client_id=x\nauthkit.b.client_secret=y"
    b"\nauthkit.b.redirect_uri=https://app.example/auth/acme/callback",
    b"session",
    b"acm\xc3\xa9\n",
)
NAME = re.compile("[a-z][a-z0-9-]{0,31}")
FILES = re.compile(r".*(_file|ca_bundle|templates|database)", re.IGNORECASE | re.DOTALL)
"""Settings that name a file: what they name is not this target's business."""
PROVIDER = {
    "title": "Acme",
    "authorize_url": "https://acme.example/authorize",
    "token_url": "https://acme.example/token",
    "userinfo_url": "https://acme.example/me",
    "profile": Profile,
}
SECRETS = (SECRET, CLIENT_SECRET)
plugins = plugins_with(acme)


def read(data: bytes) -> Configuration | None:
    """Return what is read in settings, a line each; those in capitals are of the environment."""
    mapping, environ = _settings(data)
    read_or_refused(lambda: allowed_plugins(mapping, environ), ConfigError, secrets=SECRETS)
    return read_or_refused(
        lambda: read_settings({**SETTINGS, **mapping}, environ, plugins), ConfigError, secrets=SECRETS
    )


def target(data: bytes) -> None:
    """Check the names in what is read, and those that a plugin brings."""
    text = data.decode("utf-8", "surrogateescape")
    _check_name(text)
    if "=" not in text:
        _check_plugin(text)
    found = read(data)
    if found is None:
        return
    assert {*found.registrations} >= {"acme"}
    assert all(NAME.fullmatch(name) and name not in RESERVED_NAMES for name in found.registrations)
    assert all(NAME.fullmatch(name) for name in found.parts["native"]["members"])
    assert len({known.redirect_uri for known in found.registrations.values()}) == len(found.registrations)
    assert found.site.base_url.startswith(("https://", "http://"))
    assert re.fullmatch(r"(/[\w.~-]+)+", found.site.prefix, re.ASCII)
    assert not any(secret.reveal() in repr(found) for secret in found.secrets)


def _settings(data: bytes) -> tuple[Mapping[str, object], Mapping[str, str]]:
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    pairs = [(key, value) for key, equals, value in (line.partition("=") for line in lines) if equals]
    pairs = [(key, value) for key, value in islice(pairs, 20) if not FILES.fullmatch(key)]
    environ = {key: value for key, value in pairs if key.startswith("AUTHKIT_")}
    return {key: value for key, value in pairs if key not in environ}, environ


def _check_name(text: str) -> None:
    is_one = NAME.fullmatch(text) is not None
    assert is_name(text) == is_one
    assert is_free(text) == (is_one and text not in RESERVED_NAMES)
    assert (read_or_refused(lambda: check_name(text, "provider"), ConfigError) == text) == is_free(text)


def _check_plugin(text: str) -> None:
    """Load a plugin of a name, installed and by hand, whose provider has that name too."""

    class Plugin:
        @hookimpl
        def authkit_providers(self) -> list[OAuth2Provider]:
            return [OAuth2Provider(name=text, **PROVIDER)]

    installed = EntryPoint(text, "fuzz.no_such_module", "authkit")
    loaded = load_plugins(found=[installed], extra=[Plugin()])
    assert set(loaded.providers) == ({text} if is_free(text) else set())
    for info in loaded.infos:
        assert info.name.isascii()
        assert info.name.isprintable()
        assert info.problem.isprintable()
