"""Apps and users at the emulated TikTok: what can be registered, who may log in, and under which ids."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from tiktok_emulator_fakes import (
    ALL_SCOPES,
    CALLBACK,
    KEY,
    LOOPBACK,
    SECRET,
    World,
    authorize_url,
)

from authkit.emulator import Table
from authkit_tiktok.emulator import App, TikTokEmulator
from authkit_tiktok.emulator.identities import Identities
from authkit_tiktok.emulator.user import EXAMPLE_USERS

SHORTEST_TOO_LONG = "https://a.example/" + "x" * 494
REGISTRABLE = {
    "web": [
        CALLBACK,
        "https://app.example.test",
        "https://app.example.test:8443/cb",
        "https://8.8.8.8/cb",
        "https://app.example.test/*",
        SHORTEST_TOO_LONG[:-1],
    ],
    "desktop": [
        LOOPBACK,
        "http://localhost:3455/callback/",
        "https://127.0.0.1:3455/callback/",
        "http://localhost:1/",
    ],
    "mobile": ["https://app.example.test/tiktok", "myapp://callback"],
}
ON_THIS_MACHINE = {
    "web": [
        LOOPBACK,
        "http://localhost:6543/auth/tiktok/callback",
        "http://localhost/cb",
        "https://[::1]:6543/cb",
    ],
    "web-strict": [LOOPBACK],
    "mobile": ["http://localhost:6543/cb"],
}
NOT_REGISTRABLE = {
    "web": [
        ("", "login-kit-web:redirect_uri"),
        ("/callback/", "login-kit-web:redirect_uri"),
        ("//app.example.test/cb", "login-kit-web:redirect_uri"),
        ("http://app.example.test/cb", "T25"),
        ("ftp://localhost/cb", "login-kit-desktop:redirect_uri"),
        ("myapp://callback", "T25"),
        ("javascript:alert(1)//localhost/", "login-kit-web:redirect_uri"),
        ("https:app.example.test/cb", "login-kit-web:redirect_uri"),
        ("https:///cb", "login-kit-web:redirect_uri"),
        ("https://intranet/cb", "T25"),
        ("https://app.localhost/cb", "T25"),
        ("https://./cb", "T25"),
        ("https://192.168.0.7/cb", "T25"),
        ("http://localhost:6543", "login-kit-desktop:redirect_uri"),
        (f"{CALLBACK}?tenant=1", "T24"),
        (f"{CALLBACK}?", "T24"),
        (f"{CALLBACK}#top", "T24"),
        (f"{LOOPBACK}?tenant=1", "T24"),
        ("https://user@app.example.test/cb", "login-kit-web:redirect_uri"),
        ("https://app.example.test\\@evil.example/cb", "login-kit-web:redirect_uri"),
        ("https://app.example.test/cb\r\nX-Evil: 1", "login-kit-web:redirect_uri"),
        ("https://app.example.test/ü", "login-kit-web:redirect_uri"),
        ("https://app.example.test/a b", "login-kit-web:redirect_uri"),
        ("https://[::1/cb", "login-kit-web:redirect_uri"),
        ("http://127.0.0.1:*/callback/", "login-kit-web:redirect_uri"),
        ("https://app.example.test:65536/cb", "login-kit-web:redirect_uri"),
        ("http://127.0.0.1:0/cb", "login-kit-web:redirect_uri"),
        (SHORTEST_TOO_LONG, "T24"),
    ],
    "desktop": [
        (CALLBACK, "login-kit-desktop:redirect_uri"),
        ("http://127.0.0.1:3455", "login-kit-desktop:redirect_uri"),
        ("http://127.0.0.1/callback/", "login-kit-desktop:redirect_uri"),
        ("http://[::1]:3455/callback/", "login-kit-desktop:redirect_uri"),
        ("ftp://localhost:3455/callback/", "login-kit-desktop:redirect_uri"),
        ("https://evil.example:3455/callback/", "login-kit-desktop:redirect_uri"),
        ("http://127.0.0.2:1/cb", "login-kit-desktop:redirect_uri"),
    ],
    "mobile": [("http://app.example.test/cb", "T25"), ("myapp:callback", "login-kit-web:redirect_uri")],
}


def pairs(table):
    return [
        (platform, *(entry if isinstance(entry, tuple) else (entry,)))
        for platform in table
        for entry in table[platform]
    ]


def rule_of(app, uri, platform=None):
    """The id of the rule that keeps a login of the app from ending at an address."""
    broken = app.broken_by(uri, platform or app.platform)
    return broken.id if broken else None


# Redirect URIs


@pytest.mark.parametrize(("platform", "uri"), pairs(REGISTRABLE))
def test_what_tiktok_would_register_can_be_registered_and_need_not_be(platform, uri):
    assert rule_of(App(KEY, SECRET, platform=platform), uri) is None
    assert rule_of(App(KEY, SECRET, redirect_uris=(uri,), platform=platform), uri) is None


@pytest.mark.parametrize(("platform", "uri"), pairs(ON_THIS_MACHINE))
def test_an_address_on_this_machine_is_taken_where_nothing_is_registered(platform, uri):
    assert rule_of(App(KEY, SECRET, platform=platform), uri) is None
    assert rule_of(App(KEY, SECRET, redirect_uris=(CALLBACK,), platform=platform), uri) == "T25"
    with pytest.raises(ValueError, match="takes a desktop app"):
        App(KEY, SECRET, redirect_uris=(uri,), platform=platform)


@pytest.mark.parametrize(("platform", "uri", "rule"), pairs(NOT_REGISTRABLE))
def test_what_tiktok_would_not_register_is_refused_in_a_request_and_in_an_app(platform, uri, rule):
    assert rule_of(App(KEY, SECRET, platform=platform), uri) == rule
    with pytest.raises(ValueError, match="TikTok would not register the redirect URI"):
        App(KEY, SECRET, redirect_uris=(uri,), platform=platform)


@pytest.mark.parametrize(
    "uri",
    [CALLBACK[:-1], CALLBACK + "x", "https://appXexample.test/auth/tiktok/callback/", CALLBACK.replace("a", "A")],
)
def test_registered_uris_are_compared_byte_by_byte(uri):
    app = App(KEY, SECRET, redirect_uris=("https://other.example/", CALLBACK))

    assert rule_of(app, CALLBACK) is None
    assert rule_of(app, uri) == "login-kit-web:redirect_uri"


def test_a_desktop_app_may_register_any_port_and_no_other_part():
    app = App(KEY, SECRET, redirect_uris=("http://127.0.0.1:*/callback/",), platform="desktop")

    for port in ("1", "3455", "65535"):
        assert rule_of(app, f"http://127.0.0.1:{port}/callback/") is None
    for uri in (
        "http://localhost:1/callback/",
        "http://127.0.0.1:/callback/",
        "http://127.0.0.1/callback/",
        "http://127.0.0.1:1/x/callback/",
        "http://127.0.0.1:1@evil.example:1/callback/",
        "http://127.0.0.1:\u0661/callback/",
        "http://127.0.0.1:0/callback/",
        "http://127.0.0.1:65536/callback/",
        "http://127.0.0.1:123456/callback/",
        "http://127.0.0.1:*/callback/",
    ):
        assert rule_of(app, uri) is not None


@pytest.mark.parametrize("registered", ["http://127.0.0.1:1/*/:*/", "http://127.0.0.1:1/http://x:*/"])
def test_only_the_port_of_a_desktop_app_has_a_wildcard(registered):
    app = App(KEY, SECRET, redirect_uris=(registered,), platform="desktop")

    assert rule_of(app, registered) is None
    assert rule_of(app, registered.replace("*", "55")) is not None


def test_the_wildcard_of_a_desktop_app_is_worth_nothing_on_the_web():
    app = App(KEY, SECRET, redirect_uris=("http://127.0.0.1:*/callback/",), platform="desktop")

    assert rule_of(app, LOOPBACK, "desktop") is None
    assert rule_of(app, LOOPBACK, "web") == "T25"


def test_an_app_has_at_most_ten_redirect_uris_and_ten_target_users():
    ten = tuple(f"https://{number}.example.test/" for number in range(10))

    assert rule_of(App(KEY, SECRET, redirect_uris=ten, target_users=ten), ten[9]) is None
    for too_many in ({"redirect_uris": (*ten, CALLBACK)}, {"target_users": (*ten, "ada.tok")}):
        with pytest.raises(ValueError, match="at most ten"):
            App(KEY, SECRET, **too_many)


def test_an_app_has_the_basic_scope_and_is_live_unless_told_otherwise():
    app = App(KEY, SECRET)

    assert (app.scopes, app.status, app.platform, app.has_login_kit) == (("user.info.basic",), "live", "web", True)


# Who may log in


def test_an_app_in_draft_logs_nobody_in():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, status="draft"))
    query = parse_qs(urlsplit(world.browse().headers["Location"]).query)

    assert (query["error"], query["error_type"], query.get("errCode")) == (
        ["unauthorized_client"],
        ["client_key"],
        None,
    )
    assert world.broken == "create-an-app:draft"


def test_a_sandbox_logs_in_its_target_users_only():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, status="sandbox", target_users=("benmoka",)))

    assert world.emulator.approve(authorize_url(), user="ada.tok") == (
        f"{CALLBACK}?error=access_denied&error_type=non_sandbox_target&state=s7Qm2cVx"
    )
    assert world.broken == "add-a-sandbox:target-users"
    assert world.emulator.requests[-1].verdict == "access_denied: non_sandbox_target"
    assert "code=" in world.emulator.approve(authorize_url(), user="benmoka")


def test_a_sandbox_without_target_users_logs_nobody_in():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, status="sandbox"))

    assert "non_sandbox_target" in world.emulator.approve(authorize_url())


def test_a_web_app_without_login_kit_is_refused_on_tiktok_s_page():
    world = World(app=App(KEY, SECRET, ALL_SCOPES, has_login_kit=False))

    assert "error=unauthorized_client&error_type=client_key" in world.browse().headers["Location"]
    assert world.broken == "login-kit-overview:login-kit"


# Under which ids

OTHER = {"client_key": "awother", "client_secret": "OTHER"}


def world_of_two(**other):
    return World(apps=[App(KEY, SECRET, ALL_SCOPES), App("awother", "OTHER", ALL_SCOPES, **other)])


def ids_at_other(world, user=0):
    """The ids of a user at the other app: of the token, of the user info, and of the consent page."""
    callback = world.emulator.approve(authorize_url({"client_key": "awother"}), user=user)
    token = world.exchange(dict(parse_qsl(urlsplit(callback).query))["code"], **OTHER).json()
    known = world.userinfo(token["access_token"], "open_id,union_id").json()["data"]["user"]
    assert token["open_id"] == known["open_id"] == world.open_id(user, "awother")
    return known


def test_each_app_knows_a_user_by_an_open_id_of_its_own():
    ids = [ids_at_other(world_of_two(), user)["open_id"] for user in (0, 1, 0)]

    assert ids[0] == ids[2] != ids[1]
    assert {user.open_id for user in EXAMPLE_USERS}.isdisjoint(ids)
    assert all(re.fullmatch("-000[A-Za-z0-9_-]{28}", open_id) for open_id in ids)


def test_the_apps_of_one_developer_know_a_user_by_the_same_union_id():
    assert ids_at_other(world_of_two())["union_id"] == EXAMPLE_USERS[0].union_id


def test_the_apps_of_another_developer_know_a_user_by_another_union_id():
    ids = [ids_at_other(world_of_two(developer="Somebody else"), user)["union_id"] for user in (0, 1, 0)]

    assert ids[0] == ids[2] != ids[1]
    assert EXAMPLE_USERS[0].union_id not in ids
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", ids[0])


def test_ids_need_not_be_text_that_can_be_sent():
    odd = App("aw\udcff", SECRET, developer="\udcff")

    assert Identities(App(KEY, SECRET)).open_id(EXAMPLE_USERS[0], odd).startswith("-000")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"apps": [App(KEY, SECRET), App(KEY, "OTHER")]}, "two apps have the same client key"),
        ({"users": [EXAMPLE_USERS[0], EXAMPLE_USERS[0]]}, "two users have the same open_id"),
    ],
)
def test_apps_and_users_have_to_be_told_apart(given, message):
    with pytest.raises(ValueError, match=message):
        TikTokEmulator(**given)


# The control page


def test_the_tables_show_users_apps_and_tokens():
    apps = [
        App(KEY, SECRET, ("user.info.basic", "video.list"), (CALLBACK, "https://b.example/")),
        App("awother", "OTHER", platform="desktop", status="sandbox", developer="Somebody else", name="Other"),
    ]
    world = World(apps=apps)
    tokens = world.tokens(changes={"scope": "user.info.basic"}, user=1)
    world.clock.now += 100
    users, registered, issued, *_ = world.emulator.tables()
    ada = world.emulator.users[0]

    assert users.columns == (
        "Username",
        "Display name",
        f"Open id at {KEY}",
        "Open id at awother",
        "Union id at Example developer",
        "Union id at Somebody else",
    )
    assert (len(users.rows), users.rows[0][:3]) == (3, ("ada.tok", "Ada Tok", ada.open_id))
    assert users.rows[0][3:] == (
        Identities(apps[0]).open_id(ada, apps[1]),
        ada.union_id,
        Identities(apps[0]).union_id(ada, apps[1]),
    )
    assert registered == Table(
        "Apps",
        ("Name", "Client key", "Client secret", "Platform", "Status", "Scopes", "Redirect URIs"),
        (
            (
                "Example app",
                KEY,
                SECRET,
                "web",
                "live",
                "user.info.basic,video.list",
                f"{CALLBACK} https://b.example/",
            ),
            ("Other", "awother", "OTHER", "desktop", "sandbox", "user.info.basic", "any"),
        ),
        frozenset({"Client secret"}),
    )
    assert issued == Table(
        "Tokens",
        ("Kind", "Token", "User", "App", "Scopes", "Seconds left"),
        (
            ("refresh", tokens["refresh_token"], "benmoka", KEY, "user.info.basic", "15551900"),
            ("access", tokens["access_token"], "benmoka", KEY, "user.info.basic", "7100"),
        ),
        frozenset({"Token"}),
    )


def test_the_tables_show_the_newest_fifty_tokens_that_can_be_used():
    world = World()
    world.revoke(world.tokens(user=1)["access_token"])
    first = world.tokens()
    last = world.refresh(first["refresh_token"]).json()
    assert [row[1] for row in world.emulator.tables()[2].rows] == [
        last["refresh_token"],
        last["access_token"],
        first["access_token"],
    ]
    for _ in range(25):
        last = world.refresh(last["refresh_token"]).json()
        world.tokens()
    rows = world.emulator.tables()[2].rows

    assert (len(rows), first["access_token"] in [row[1] for row in rows]) == (50, False)
