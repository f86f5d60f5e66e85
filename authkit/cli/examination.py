"""What `authkit doctor` looks at: all that a login needs and that can be tried without one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from functools import partial
from urllib.parse import urlsplit

import requests
from requests import Request, Response

from authkit.errors import AuthkitError, ConfigError, ProviderUnavailable, printable
from authkit.flow import AuthKit
from authkit.keys import PART_KEYS
from authkit.oidc import OpenIDProvider
from authkit.oidc.metadata import metadata_url, read_metadata
from authkit.plugins import Plugins, load_plugins
from authkit.provider import OAuth2Provider
from authkit.refusal import read_refusal
from authkit.registration import Registration
from authkit.registrations import plain_origins
from authkit.replies import read_reply
from authkit.settings import allowed_plugins, read_settings
from authkit.transport import Transport
from authkit.urls import as_https, origin_of

__all__ = ["Finding", "examine"]

UNNAMED = PART_KEYS["accounts"]["database"].default
"""The database of an app whose settings name none: whether it has accounts cannot be told from them."""
SECONDS = 10
"""How long the site may take to answer."""
LARGEST_SKEW = 60
"""How many seconds a clock may be off: as many as are to spare for an ID token."""
JSON: Mapping[str, str] = {"Accept": "application/json", "User-Agent": "authkit"}
FORM: Mapping[str, str] = {**JSON, "Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing that a login needs.

    Attributes:
        is_good: whether it is as it has to be.
        text: what was found, and what to do about it if it is not good; one line.
    """

    is_good: bool
    text: str


def examine(
    settings: Mapping[str, str], environ: Mapping[str, str] = os.environ, plugins: Plugins | None = None
) -> Iterator[Finding]:
    """Try what a login needs, and yield what is found, each as soon as it is known.

    The callback of the site is asked without a state, which it refuses, and the token endpoint of each provider
    without a code: no login begins, and nothing is stored.

    Args:
        settings: the app's settings, such as those of an ini file.
        environ: the environment, whose settings count as well.
        plugins: what is installed; None looks for it.
    """
    plugins = plugins or load_plugins(allowed_plugins(settings, environ))
    try:
        configuration = read_settings(settings, environ, plugins)
        kit = AuthKit.from_settings(settings, plugins=plugins, environ=environ)
    except ConfigError as error:
        yield Finding(False, f"settings: {error.reason}")
        return
    yield Finding(True, f"settings: {', '.join(kit.registrations)}")
    transport = Transport(
        plain_origins=plain_origins(kit.registrations),
        ca_bundle=configuration.ca_bundle,
        proxy=configuration.proxy.reveal() if configuration.proxy else None,
    )
    for registration in kit.registrations.values():
        yield _ask_site(registration)
        yield from _ask_provider(registration, transport)
    if kit.parts["accounts"]["database"] != UNNAMED:
        yield _look_at_tables(kit)


def _ask_site(registration: Registration) -> Finding:
    """Ask for the callback as a browser would, from here, and see whether that comes to authkit."""
    url = registration.redirect_uri
    try:
        with requests.get(url, headers=dict(JSON), timeout=SECONDS, allow_redirects=False, stream=True) as answer:
            pass  # its body may be anything, of any length
    except (requests.RequestException, ValueError) as error:  # the one for an address, where it leads, that is none
        return Finding(False, f"{url} cannot be reached from here ({type(error).__name__})")
    if place := _elsewhere(answer):
        return Finding(False, f"{url} leads to {place}: authkit.base_url has to be the address that people use")
    if answer.status_code == requests.codes.not_found or answer.status_code >= requests.codes.server_error:
        return Finding(
            False,
            f"{url} answers {answer.status_code}: no callback is there; compare authkit.base_url, authkit.prefix and "
            f"authkit.{registration.name}.redirect_uri with where the app is mounted",
        )
    return Finding(True, f"{url} answers; register it at {registration.provider.title} exactly so")


def _elsewhere(answer: Response) -> str:
    """Return which other origin an answer leads to, "" if to none."""
    target = answer.headers.get("Location", "")
    try:
        is_ours = urlsplit(target).netloc == "" or origin_of(target) == origin_of(str(answer.url))
    except ValueError:
        return "what is no address"
    return "" if is_ours else printable(origin_of(target))


def _ask_provider(registration: Registration, transport: Transport) -> Iterator[Finding]:
    """Ask the provider over the way that a login takes, and compare the clocks."""
    provider = registration.provider
    if isinstance(provider, OAuth2Provider):
        url, ask = provider.token_url, partial(_ask_for_a_token, provider)
    elif isinstance(provider, OpenIDProvider):
        url, ask = metadata_url(provider.issuer), partial(_ask_for_metadata, provider)
    else:
        return  # one that brings a client of its own: what that asks is not known here
    try:
        answer = ask(transport)
    except AuthkitError as error:
        yield Finding(False, f"{url}: {error.reason}")
        return
    yield Finding(True, f"{url} answers")
    yield from _compare_clocks(answer, provider.title)


def _ask_for_a_token(provider: OAuth2Provider, transport: Transport) -> Response:
    """Return the refusal of a token request that has nothing in it, whatever its form."""
    answer = transport.send(Request("POST", as_https(provider.token_url), headers=dict(FORM)).prepare())
    if answer.status_code >= requests.codes.server_error:
        raise ProviderUnavailable(f"HTTP {answer.status_code}")
    return answer


def _ask_for_metadata(provider: OpenIDProvider, transport: Transport) -> Response:
    """Return an answer that holds the metadata of the issuer."""
    request = Request("GET", as_https(metadata_url(provider.issuer)), headers=dict(JSON))
    answer = transport.send(request.prepare())
    read_metadata(read_reply(answer, read_refusal), provider.issuer)
    return answer


def _compare_clocks(answer: Response, title: str) -> Iterator[Finding]:
    """Say so if this machine's clock is not that of the answer (RFC 9110, section 6.6.1)."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("Date", "")).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return
    skew = round(time.time() - theirs)
    if abs(skew) > LARGEST_SKEW:
        way = "ahead of" if skew > 0 else "behind"
        yield Finding(False, f"this machine's clock is {abs(skew)} s {way} that of {title}: let NTP set it")


def _look_at_tables(kit: AuthKit) -> Finding:
    """Look whether the tables are as this authkit needs them."""
    from authkit.accounts import Database, migrate  # late: who has no accounts does without SQLAlchemy

    try:
        database = Database.open(kit.parts["accounts"]["database"])
        try:
            condition = migrate.check(database)
        finally:
            database.close()
    except AuthkitError as error:
        return Finding(False, f"database: {error.reason}")
    return Finding(condition.is_fine, f"database: {condition}")
