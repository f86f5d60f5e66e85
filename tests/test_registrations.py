"""From settings to registrations: what each of them makes of its provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes import CLIENT_SECRET, Clock, acme, make_kit, plugins_with
from requests.adapters import HTTPAdapter

from authkit import OAuth2Provider
from authkit.errors import ConfigError
from authkit.models import Secret
from authkit.registration import Registration
from authkit.registrations import make_client, plain_origins
from authkit.transport import Transport

HERE = "http://127.0.0.1:8787"


class Own:
    """A provider that is no data."""

    name = title = "own"
    default_scope: tuple[str, ...] = ()
    options: tuple[Any, ...] = ()
    issuer = f"{HERE}/realm"

    def __init__(self, problem: Exception) -> None:
        self.problem = problem

    def client(self, *_: object) -> Any:
        raise self.problem

    def configured(self, options: Mapping[str, Any]) -> Own:
        raise self.problem


def registered(provider: Any) -> Registration:
    return Registration("acme", provider, "id", Secret(CLIENT_SECRET), ("profile",), "https://app.example/callback")


@pytest.mark.parametrize("endpoint", ["token_url", "userinfo_url", "revoke_url"])
def test_each_endpoint_that_is_asked_may_be_one_of_this_machine(endpoint: str) -> None:
    provider: OAuth2Provider = replace(acme, **{endpoint: f"{HERE}/x"})

    assert plain_origins({"a": registered(acme), "b": registered(provider)}) == {HERE}


def test_an_issuer_may_be_of_this_machine() -> None:
    assert plain_origins({"own": registered(Own(LookupError()))}) == {HERE}


def test_nobody_speaks_plain_http_to_where_only_the_browser_goes() -> None:
    assert plain_origins({"acme": registered(replace(acme, authorize_url=f"{HERE}/x"))}) == set()


@pytest.mark.parametrize(
    ("problem", "kind", "reason"),
    [
        (ConfigError("its own words"), ConfigError, "its own words"),
        (ImportError("pip install it"), ImportError, "pip install it"),
        (ValueError("key: no key"), ConfigError, "authkit.acme.key: no key"),
    ],
)
def test_what_a_provider_says_of_a_client_that_it_cannot_speak_for_reaches_the_operator(
    problem: Exception, kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind) as caught:
        make_client(registered(Own(problem)), Transport(HTTPAdapter()), Clock())

    assert str(getattr(caught.value, "reason", caught.value)) == reason


def test_anything_else_that_a_provider_raises_is_named_and_not_quoted() -> None:
    with pytest.raises(ConfigError) as caught:
        make_client(registered(Own(LookupError(CLIENT_SECRET))), Transport(HTTPAdapter()), Clock())

    said = r"authkit\.acme: the plugin's client function raised LookupError \(test_registrations\.py:\d+\)"
    assert re.fullmatch(said, caught.value.reason)


def test_an_option_that_a_provider_cannot_use_is_named_with_its_registration() -> None:
    settings = {"authkit.own.client_id": "id", "authkit.own.client_secret": CLIENT_SECRET}

    with pytest.raises(ConfigError, match=r" authkit\.own\.realm: there is none$"):
        make_kit(settings=settings, plugins=plugins_with(acme, Own(ValueError("realm: there is none"))))
