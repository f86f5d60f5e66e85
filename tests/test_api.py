"""A provider's API, as a plugin's user info function calls it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from fakes import ACCESS_TOKEN, USER, Browser, Network, Sent, acme, answer, make_kit
from requests import Request, Response

from authkit import Api, Login, Token
from authkit.api import BearerApi
from authkit.errors import AuthkitError, ProviderProtocolError, ProviderRejected

UserInfo = Callable[[Api], Mapping[str, Any]]


def sign_in(userinfo: UserInfo, network: Network, settings: Mapping[str, str] | None = None, **changes: Any) -> Login:
    def ask(api: Api, token: Token) -> Mapping[str, Any]:
        return userinfo(api)

    return Browser().sign_in(make_kit(network, settings, provider=replace(acme, userinfo=ask, **changes)))


def api_calls(network: Network) -> list[Sent]:
    return [sent for sent in network.sent if sent.path != "/oauth/token"]


def test_a_get_carries_the_token_in_its_header_alone(network: Network) -> None:
    login = sign_in(lambda api: api.get_json(api.userinfo_url, {"fields": "id,name"}), network)

    (sent,) = api_calls(network)
    assert login.profile.subject == "user-1"
    assert (sent.method, sent.url, sent.body) == ("GET", "https://acme.example/api/me?fields=id%2Cname", "")
    assert (sent.headers["Authorization"], sent.headers["Accept"]) == (f"Bearer {ACCESS_TOKEN}", "application/json")
    assert sent.headers["User-Agent"] == "authkit"
    assert "Cookie" not in sent.headers


def test_a_post_carries_json(network: Network) -> None:
    login = sign_in(lambda api: api.post_json(api.userinfo_url, {"q": "me"}, {"v": "2"}), network)

    (sent,) = api_calls(network)
    assert login.profile.subject == "user-1"
    assert (sent.method, sent.url) == ("POST", "https://acme.example/api/me?v=2")
    assert json.loads(sent.body) == {"q": "me"}
    assert (sent.headers["Authorization"], sent.headers["Content-Type"]) == (
        f"Bearer {ACCESS_TOKEN}",
        "application/json",
    )


def test_a_list_is_asked_for_like_an_object(network: Network) -> None:
    network.replies["emails"] = (200, ["ada@example.org"])
    lists = []

    def ask(api: Api) -> Mapping[str, Any]:
        lists.append(api.get_list("https://acme.example/emails", {"v": "2"}))
        return USER

    sign_in(ask, network)

    (sent,) = api_calls(network)
    assert lists == [["ada@example.org"]]
    assert (sent.method, sent.url, sent.body) == ("GET", "https://acme.example/emails?v=2", "")
    assert sent.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_an_object_is_no_list(network: Network) -> None:
    with pytest.raises(ProviderProtocolError, match=r"the answer is JSON, but no array; in the plugin's function"):
        sign_in(lambda api: {"all": api.get_list(api.userinfo_url)}, network)


@pytest.mark.parametrize("url", ["https://acme.example/other/me", "https://ACME.example:443/other/me"])
def test_any_path_of_the_endpoints_origins_may_be_asked(network: Network, url: str) -> None:
    sign_in(lambda api: api.get_json(url), network)

    assert [sent.path for sent in api_calls(network)] == ["/other/me"]


@pytest.mark.parametrize("endpoint", ["token_url", "userinfo_url", "revoke_url"])
def test_the_origin_of_each_endpoint_may_be_asked(network: Network, endpoint: str) -> None:
    network.replies["x"] = USER
    changes: dict[str, Any] = {"revoke_url": "", "userinfo_url": "", endpoint: "https://other.example/oauth/token"}

    sign_in(lambda api: api.get_json("https://other.example/x"), network, **changes)

    assert [sent.url for sent in api_calls(network)] == ["https://other.example/x"]


def test_a_registration_s_own_user_info_endpoint_is_asked(network: Network) -> None:
    setting = {"authkit.acme.userinfo_url": "http://127.0.0.1:8787/me"}

    sign_in(lambda api: api.get_json(api.userinfo_url), network, setting)

    assert [sent.url for sent in api_calls(network)] == ["http://127.0.0.1:8787/me"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/me",
        "https://api.acme.example/me",
        "https://acme.example.evil.example/me",
        "https://acme.example:8443/me",
        "http://acme.example/me",
        "https://acme.example@evil.example/me",
        "https://evil.example\\@acme.example/me",
        "https://acme.example\\@evil.example/me",
        "https://evil.example#@acme.example/me",
        "https://user:pass@acme.example/me",
        "//acme.example/me",
        "/api/me",
        "",
        "https://acme.example:x/me",
        "https://[acme.example/me",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_token_is_never_sent_to_a_foreign_origin(network: Network, url: str, method: str) -> None:
    with pytest.raises(ProviderProtocolError, match="the plugin wanted to send the token to a foreign origin"):
        sign_in(lambda api: api.get_json(url) if method == "GET" else api.post_json(url, {}), network)

    assert api_calls(network) == []


def test_an_endpoint_that_a_provider_does_not_have_is_not_asked(network: Network) -> None:
    with pytest.raises(ProviderProtocolError, match="to a foreign origin"):
        sign_in(lambda api: api.get_json(""), network, revoke_url="")

    assert api_calls(network) == []


CALLS: Mapping[str, Callable[[Api], object]] = {
    "get_json": lambda api: api.get_json(api.userinfo_url),
    "get_list": lambda api: api.get_list(api.userinfo_url),
    "post_json": lambda api: api.post_json(api.userinfo_url, {}),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=list(CALLS))
@pytest.mark.parametrize(
    "reply", [(400, {"error": "invalid_token", "error_description": f"{ACCESS_TOKEN} ended"}), (401, {"error": "no"})]
)
def test_a_refusal_is_raised_in_the_plugin_and_does_not_echo_the_token(
    network: Network, reply: Any, call: Callable[[Api], object]
) -> None:
    seen: list[AuthkitError] = []
    network.replies["me"] = reply

    def ask(api: Api) -> Mapping[str, Any]:
        try:
            return {"all": call(api)}
        except ProviderRejected as error:
            seen.append(error)
            return USER

    assert sign_in(ask, network).profile.subject == "user-1"
    assert len(seen) == 1
    assert ACCESS_TOKEN not in str(seen[0])


def test_a_call_may_be_made_while_another_is_under_way(network: Network) -> None:
    apis: list[Api] = []
    network.replies["slow"] = lambda request: answer(request, 200, apis[0].get_json("https://acme.example/quick"))
    network.replies["quick"] = USER

    def ask(api: Api) -> Mapping[str, Any]:
        apis.append(api)
        return api.get_json("https://acme.example/slow")

    assert sign_in(ask, network).profile.subject == "user-1"
    assert [sent.path for sent in api_calls(network)] == ["/slow", "/quick"]


def test_con_05_the_headers_of_a_call_are_its_own() -> None:
    """oauthlib writes the token into the headers that it is given: shared ones would carry one user's for another."""
    seen: list[dict[str, str]] = []

    class Session:
        def request(self, method: str, url: str, *, headers: dict[str, str], **_: Any) -> Response:
            seen.append(dict(headers))
            headers["Authorization"] = "Bearer somebody's"
            return answer(Request(method, url).prepare(), 200, USER)

    session: Any = Session()
    for _ in range(2):
        BearerApi(acme, session, ()).get_json(acme.userinfo_url)

    assert seen == [{"Accept": "application/json"}] * 2
