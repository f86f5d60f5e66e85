"""The stock emulator as a whole: where it answers, what it shows, and that nothing makes it fail."""

from __future__ import annotations

import io
import json
from urllib.parse import quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stock_world import CALLBACK, CLIENT_ID, SECRET, VERIFIER, World, acme, error_of, provider, query_of

from authkit import Emulator
from authkit.emulator import HasWorkbench, StockClient, StockEmulator

ORIGIN = "http://127.0.0.1:8787"


@pytest.fixture
def world():
    return World()


def paths(**changes):
    settings = StockEmulator(provider(**changes)).settings(f"{ORIGIN}/")
    return {name: value.removeprefix(ORIGIN) for name, value in settings.items() if name.endswith("_url")}


# Settings and places


def test_it_is_an_emulator():
    emulator: Emulator = StockEmulator(acme)

    assert (emulator.provider, emulator.scopes) == ("acme", ("profile", "email"))
    assert isinstance(emulator, HasWorkbench)
    assert emulator.workbench.title == "Acme"
    assert emulator.workbench.endpoints == ("authorize", "consent", "token", "userinfo", "revoke")


def test_the_settings_point_to_it():
    assert StockEmulator(acme).settings(ORIGIN) == {
        "client_id": "emulated-client",
        "client_secret": "emulated-secret-worth-nothing",
        "authorize_url": f"{ORIGIN}/oauth/authorize",
        "token_url": f"{ORIGIN}/oauth/token",
        "userinfo_url": f"{ORIGIN}/api/me",
        "revoke_url": f"{ORIGIN}/oauth/revoke",
    }


def test_the_settings_have_what_the_provider_has():
    settings = StockEmulator(provider(client_id_param="app_key", token_auth="none", revoke_url="")).settings(ORIGIN)

    assert sorted(settings) == ["app_key", "authorize_url", "token_url", "userinfo_url"]


def test_the_scopes_are_those_of_the_client_where_it_has_some():
    assert StockEmulator(acme, clients=[StockClient("a", "b", scopes=("admin",))]).scopes == ("admin",)
    assert StockEmulator(provider(basic_scope=("openid", "email"))).scopes == ("openid", "email", "profile")


STANDARD = {
    "authorize_url": "/authorize",
    "token_url": "/token",
    "userinfo_url": "/userinfo",
    "revoke_url": "/revoke",
}


@pytest.mark.parametrize(
    "changes",
    [
        {"token_url": "https://other.example/oauth/authorize"},
        {"token_url": "https://acme.example/oauth/authorize?x=1"},
        {"token_url": "https://acme.example/oauth/%61uthorize"},
        {"token_url": "https://acme.example/_emulator"},
        {"userinfo_url": "https://acme.example/_emulator/api/me"},
        {"token_url": "https://a.example", "userinfo_url": "https://b.example/"},
    ],
)
def test_endpoints_that_would_collide_get_paths_of_their_own(changes):
    assert paths(**changes) == STANDARD


def test_a_path_and_its_query_stay():
    found = paths(token_url="https://acme.example/t%C3%B6ken/?tenant=1", userinfo_url="https://acme.example")

    assert (found["token_url"], found["userinfo_url"]) == ("/t%C3%B6ken/?tenant=1", "/")


def test_percent_encoded_paths_are_reached():
    world = World(provider(authorize_url="https://acme.example/%C3%A9/a"))
    url = world.emulator.settings(ORIGIN)["authorize_url"] + "?" + urlsplit(world.url()).query

    assert query_of(world.emulator.approve(url))["state"] == "xyz"
    assert world.http.get(url).status_code == 200


def test_an_emulator_without_clients_or_with_two_of_one_id_is_refused():
    for clients in ([], [StockClient("a", "b"), StockClient("a", "c")]):
        with pytest.raises(ValueError, match="at least one client, and each has an id of its own"):
            StockEmulator(acme, clients=clients)


# A browser without a browser


def test_a_user_is_chosen_by_place_subject_or_username(world):
    for user in (2, "1000003", "zoe"):
        assert world.userinfo(world.tokens(user=user)["access_token"]).json()["id"] == "1000003"
    for user in (3, -1, "nobody"):
        with pytest.raises(ValueError, match=f"the emulator has no user {user!r}"):
            world.emulator.approve(world.url(), user=user)


def test_a_box_that_is_not_there_cannot_be_ticked(world):
    with pytest.raises(ValueError, match=r"the consent page has no box for admin, openid$"):
        world.emulator.approve(world.url(), scopes=["openid", "email", "admin"])


def test_an_error_page_is_an_exception_with_the_reason(world):
    url = world.url(client_id="x")
    for visit in (world.emulator.approve, world.emulator.deny):
        with pytest.raises(
            ValueError, match=r"shows an error page: invalid_request: The client_id is missing or unknown\.$"
        ):
            visit(url)


def test_an_error_that_the_client_is_told_is_in_the_callback(world):
    callback = world.emulator.approve(world.url(response_type="token"))

    assert query_of(callback)["error"] == "unsupported_response_type"


def test_another_address_is_an_exception(world):
    with pytest.raises(ValueError, match="not the address of the authorization endpoint"):
        world.emulator.approve("https://acme.example/elsewhere")


# The workbench


def test_the_request_log_has_the_request_and_the_reason(world):
    world.tokens()
    world.exchange("x")
    failed = world.emulator.requests("token")[-1]

    assert [recorded.endpoint for recorded in world.emulator.requests] == ["authorize", "consent", "token", "token"]
    assert failed.verdict == "invalid_grant: The code is unknown or has ended."
    assert (failed.broken.id, failed.form["code"]) == ("RFC 6749, 4.1.2", "x")


def test_the_control_page_has_users_clients_and_tokens():
    world = World(
        clients=[StockClient(CLIENT_ID, SECRET, (CALLBACK, "a:b"), ("profile", "email")), StockClient("other", "x")]
    )
    tokens = world.tokens(user=1, scopes=["email"])
    state = world.http.get(f"{ORIGIN}/_emulator/api/state?secrets=on").json()
    users, clients, issued = state["tables"]

    assert users["rows"][0] == ["Ada Example", "1000001", ""]
    assert clients["rows"] == [
        ["Example app", CLIENT_ID, SECRET, f"{CALLBACK} a:b", "profile email"],
        ["Example app", "other", "x", "any https or loopback address", "any"],
    ]
    assert issued["rows"] == [
        ["access", tokens["access_token"], "Ben Example", CLIENT_ID, "email", "2027-01-15 09:00:00 UTC"],
        ["refresh", tokens["refresh_token"], "Ben Example", CLIENT_ID, "email", "2027-02-14 08:00:00 UTC"],
    ]


def test_secrets_are_marked_as_such(world):
    tables = {table["title"]: table for table in world.http.get(f"{ORIGIN}/_emulator/api/state").json()["tables"]}

    assert SECRET not in json.dumps(tables, ensure_ascii=False)


def test_a_fault_strikes_where_it_is_told_to():
    world = World(faults=["token:500:once"])

    assert world.exchange(world.code()).status_code == 500
    assert world.exchange(world.code()).status_code == 200


def test_a_fault_takes_away_what_says_who_somebody_is():
    world = World(provider(subject_param="account"), faults=["userinfo:no-id", "token:no-id"])
    tokens = world.tokens()
    body = world.userinfo(tokens["access_token"]).json()

    assert "account" not in tokens
    assert {"id", "sub", "user_id", "uid"}.isdisjoint(body)
    assert body["name"] == "Ada Example"


def test_the_members_that_hold_the_subject_are_known_at_any_depth():
    user = World(users=[{"id": "7", "name": "7", "login": "x", "a": [{"b": 7}], "c": {"d": "8"}}]).emulator.users[0]

    assert sorted(user.identity_fields()) == ["b", "id", "name"]


# Hostile requests


def test_a_huge_body_is_refused(world):
    assert world.http.post(acme.token_url, data=b"x" * 65537).status_code == 413


def call(emulator, **environ):
    """Call the application with an environ of a server that lets anything pass."""
    sent = []
    base = {"REQUEST_METHOD": "POST", "PATH_INFO": "/oauth/token", "wsgi.input": io.BytesIO(b"a=b")}
    body = b"".join(emulator({**base, **environ}, lambda status, headers: sent.append((status, dict(headers)))))
    return sent[0][0], sent[0][1], body


HOSTILE = World()
QUERY = urlsplit(HOSTILE.url()).query
FORM = {"client_id": CLIENT_ID, "client_secret": SECRET, "grant_type": "authorization_code", "code": "x"}
BODIES = [
    urlencode({**FORM, "code_verifier": VERIFIER}).encode(),
    urlencode({**FORM, "grant_type": "refresh_token", "refresh_token": "\x00"}).encode(),
    b"decision=allow&user=0&scope=profile",
]


@given(
    method=st.sampled_from(["GET", "POST"]),
    path=st.sampled_from(["/oauth/authorize", "/oauth/token", "/oauth/revoke", "/api/me", "/x"]) | st.text(),
    query=st.text() | st.just(QUERY) | st.text().map(lambda text: f"{QUERY}&x={quote(text)}{text}"),
    body=st.binary() | st.sampled_from(BODIES),
    headers=st.fixed_dictionaries({}, optional={"HTTP_AUTHORIZATION": st.text() | st.text().map("Basic {}".format)}),
)
def test_nothing_that_is_sent_makes_it_fail(method, path, query, body, headers):
    status, sent, _ = call(
        HOSTILE.emulator,
        REQUEST_METHOD=method,
        PATH_INFO=path,
        QUERY_STRING=query,
        CONTENT_TYPE="application/x-www-form-urlencoded",
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
        **headers,
    )

    assert status[:3] in {"200", "302", "400", "401", "403", "404", "405"}
    assert all(value.isascii() and value.isprintable() for value in sent.values())


def test_a_broken_state_comes_back_as_a_clean_address(world):
    response = world.http.post(
        world.url("&z=1", state="\r\nX: y ü"), data={"decision": "deny"}, allow_redirects=False
    )

    assert response.headers["Location"].endswith("&state=%0D%0AX%3A+y+%C3%BC")


def test_two_emulators_know_nothing_of_each_other(world):
    tokens = world.tokens()

    assert error_of(World().userinfo(tokens["access_token"])) == (401, "invalid_token")
