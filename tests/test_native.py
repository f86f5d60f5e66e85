"""Native sign-in, whole: the app's two ways in, the seed's own, and what each of them is refused."""

from __future__ import annotations

import dataclasses
import logging
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from account_world import AccountWorld
from fakes import (
    ACCESS_TOKEN,
    CLIENT_SECRET,
    REFRESH_TOKEN,
    TOKEN,
    USER,
    Network,
    acme,
    make_kit,
    plugins_with,
    state_of,
)
from native_world import (
    CHALLENGE,
    LINK,
    PRIVATE,
    PRIVATE_LINK,
    SDK_REDIRECT_URI,
    VERIFIER,
    NativeWorld,
    asking,
    key_set,
    member,
    parts_of,
    query_of,
)
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from tiktok_fakes import CLIENT_KEY, OPEN_ID, TOKEN_URL, USERINFO_URL, resource_error, scripted, tiktok_kit, user_info

from authkit import Identity, Profile, errors
from authkit.accounts import Accounts, Database
from authkit.accounts.database import Joined
from authkit.accounts.engines import READS
from authkit.accounts.schema import accounts, audit, identities, sessions, tokens
from authkit.errors import AuthkitError, ConfigError
from authkit.native import (
    Bearer,
    Connected,
    Native,
    NativeApp,
    NativeConfiguration,
    NativeSession,
    Renewed,
    Returned,
    Ticket,
)
from authkit.native.answers import failure_json
from authkit.native.listener import Visit
from authkit.native.values import Begun

CALLBACK = "https://app.example/auth/acme/native/callback"
SDK = {"code": "the-code", "code_verifier": "V" * 32, "redirect_uri": SDK_REDIRECT_URI}
SEED = {"access_token": "act.handed-in"}
TABLES = (accounts, identities, tokens, sessions)


@pytest.fixture
def sqlite(servers: Any, tmp_path_factory: Any) -> Iterator[Database]:
    """Give a database for what is the same on every one."""
    database = Database.open(servers.shared_url("sqlite", tmp_path_factory.getbasetemp()))
    with database.engine.begin() as connection:
        for table in reversed(accounts.metadata.sorted_tables):
            connection.execute(table.delete())
    yield database
    database.close()


@pytest.fixture
def new_native(sqlite: Database) -> Callable[..., NativeWorld]:
    """Give what makes a world with settings of its own."""
    return lambda **settings: NativeWorld(sqlite, **settings)


@pytest.fixture
def world(sqlite: Database) -> NativeWorld:
    return NativeWorld(sqlite)


@pytest.fixture
def everywhere(database: Database) -> NativeWorld:
    """Give a world on SQLite, PostgreSQL and MariaDB."""
    return NativeWorld(database)


def refuse(kind: type[AuthkitError], call: Callable[[], object]) -> AuthkitError:
    """Return the error of `call`, which is exactly of `kind`."""
    with pytest.raises(AuthkitError) as caught:
        call()
    assert type(caught.value) is kind
    return caught.value


def rows(world: AccountWorld) -> dict[str, int]:
    return {table.name.removeprefix("authkit_"): len(world.rows(table)) for table in TABLES}


NOTHING = {"accounts": 0, "identities": 0, "tokens": 0, "sessions": 0}


# The start in the system browser


def test_the_system_browser_is_sent_to_the_provider(world: NativeWorld) -> None:
    parts = urlsplit(world.start())

    assert parts._replace(query="").geturl() == acme.authorize_url
    sent = dict(parse_qsl(parts.query))
    assert sent == {
        "client_id": "acme-client",
        "response_type": "code",
        "scope": "profile",
        "redirect_uri": CALLBACK,
        "state": sent["state"],
        "code_challenge": sent["code_challenge"],
        "code_challenge_method": "S256",
    }
    assert sent["state"] != "app-state"
    assert sent["code_challenge"] != CHALLENGE


@pytest.mark.parametrize("app", ["", "other", "no-link", "Phone", "https://evil.example", "é", "phone phone"])
def test_rdu_08_only_an_app_of_the_settings_that_has_a_link_is_begun_for(world: NativeWorld, app: str) -> None:
    refuse(errors.InvalidRequest, lambda: world.start(app))


@pytest.mark.parametrize("app", ["phone", "private", "seed"])
@pytest.mark.parametrize("challenge", ["a" * 42, "a" * 44, "a" * 64, CHALLENGE + "=", "é" * 43, "a b" + "a" * 40])
def test_mob_05_the_challenge_is_one(world: NativeWorld, app: str, challenge: str) -> None:
    refuse(errors.InvalidRequest, lambda: world.start(app, challenge=challenge))


def test_only_an_app_that_gets_no_ticket_needs_no_challenge(world: NativeWorld) -> None:
    refuse(errors.InvalidRequest, lambda: world.start("phone", challenge=""))
    assert world.start("seed", challenge="").startswith(acme.authorize_url)


@pytest.mark.parametrize("state", ["a" * 513, "a\nb", "a\x00", "é", "\ud800", "a\x7f"])
def test_the_app_s_state_is_short_and_plain(world: NativeWorld, state: str) -> None:
    refuse(errors.InvalidRequest, lambda: world.start(state=state))


@pytest.mark.parametrize(
    "state", ["", "a", "a b  c", '{"a": [1, "\\\\"]}', "&error=x#y", "%00", "\\" * 512, '"' * 512]
)
def test_the_app_s_state_comes_back_as_it_was(world: NativeWorld, state: str) -> None:
    returned = world.come_back(world.start(state=state))

    assert query_of(returned.link).get("state", "") == state


def test_the_longest_state_fits_beside_the_longest_scope(new_native: Callable[..., NativeWorld]) -> None:
    world = new_native(acme__scope="profile " + "s" * 1400)

    assert query_of(world.come_back(world.start(state="\\" * 512)).link)["state"] == "\\" * 512


def test_a_start_with_an_unknown_registration_is_refused(world: NativeWorld) -> None:
    refuse(
        errors.UnknownProvider,
        lambda: world.native.begin("nope", app="phone", challenge=CHALLENGE, state="", cookies={}),
    )
    refuse(
        errors.UnknownProvider,
        lambda: world.native.begin("nope", app="private", challenge=CHALLENGE, state="", cookies={}),
    )


@pytest.mark.parametrize(
    ("prompts", "asked"),
    [
        (["consent"], "consent"),
        (["login", "select_account", "consent"], "consent"),
        (["login", "select_account"], "select_account"),
        (["login", "none"], "login"),
    ],
)
def test_a_link_that_any_app_can_claim_has_the_provider_ask_the_user(
    sqlite: Database, prompts: list[str], asked: str
) -> None:
    world = NativeWorld(sqlite, provider=replace(acme, prompts={name: {"ask": name} for name in prompts}))

    assert dict(parse_qsl(urlsplit(world.start("private")).query))["ask"] == asked
    assert "ask" not in dict(parse_qsl(urlsplit(world.start("phone")).query))


def test_a_provider_that_cannot_be_made_to_ask_is_no_use_for_a_link_that_any_app_can_claim(sqlite: Database) -> None:
    silent = replace(acme, name="silent", title="Silent", prompts={"none": {"prompt": "none"}})
    own = {"authkit.silent.client_id": "b", "authkit.silent.client_secret": "b"}
    kit = make_kit(settings={**NativeWorld.usual(), **PRIVATE, **own}, plugins=plugins_with(asking, silent))
    native = Native(kit, Accounts(kit, sqlite), sqlite, NativeConfiguration.of(kit))

    def begin(registration: str, app: str) -> str:
        return native.begin(registration, app=app, challenge=CHALLENGE, state="", cookies={}).url

    error = refuse(errors.InvalidRequest, lambda: begin("silent", "private"))
    assert error.reason == "any app can claim the link of private, and Silent cannot be made to ask the user"
    assert error.registration == "silent"
    assert begin("silent", "phone").startswith(acme.authorize_url)
    assert begin("acme", "private").startswith(acme.authorize_url)


def test_tiktok_is_told_to_ask_again(sqlite: Database) -> None:
    own = {"native__private__link": PRIVATE_LINK, "native__private__allow_private_scheme": "yes"}
    native = tiktok(sqlite, scripted(), **own)

    url = native.begin("tiktok", app="private", challenge=CHALLENGE, state="", cookies={}).url

    assert dict(parse_qsl(urlsplit(url).query))["disable_auto_auth"] == "1"


# The callback in the system browser


@pytest.mark.parametrize(("app", "link"), [("phone", LINK), ("private", PRIVATE_LINK)])
def test_mob_15_the_browser_goes_to_the_link_of_the_app(world: NativeWorld, app: str, link: str) -> None:
    returned = world.come_back(world.start(app))

    assert returned.link.partition("?")[0] == link
    assert set(query_of(returned.link)) == {"ticket", "state"}
    assert query_of(returned.link)["state"] == "app-state"
    assert (returned.error, world.browser.cookies) == (None, {})
    assert returned.login is not None
    assert returned.login.identity == Identity("acme", "acme-client", "user-1")


def test_lek_11_the_link_carries_the_ticket_alone(world: NativeWorld) -> None:
    url = world.start(state="")
    returned = world.come_back(url, code="canary-code")

    assert set(query_of(returned.link)) == {"ticket"}
    account_id = world.rows(accounts)[0]["id"]
    for secret in (state_of(url), "canary", ACCESS_TOKEN, REFRESH_TOKEN, CLIENT_SECRET, "user-1", account_id):
        assert secret not in returned.link
    assert query_of(returned.link)["ticket"] not in f"{returned!r} {returned}"


def test_the_sign_in_is_kept_and_no_session_begun(world: NativeWorld) -> None:
    world.come_back(world.start())

    assert rows(world) == {"accounts": 1, "identities": 1, "tokens": 1, "sessions": 0}
    assert world.events() == ["created"]


def test_cookies_may_come_as_pairs_that_are_read_once(world: NativeWorld) -> None:
    url = world.start()

    returned = world.native.complete("acme", f"code=c&state={state_of(url)}", iter(world.browser.cookies.items()))

    assert returned.error is None


def test_the_seed_s_own_link_carries_the_token_and_keeps_its_query(world: NativeWorld) -> None:
    returned = world.come_back(world.start("seed"))

    assert returned.link == (f"https://seed.example/callback?from=web&access_token={ACCESS_TOKEN}&state=app-state")
    assert rows(world)["accounts"] == 1


@pytest.mark.parametrize("app", ["phone", "private", "seed"])
@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"error": "access_denied", "error_description": "canary"}, "access_denied"),
        ({"error": "canary", "error_description": "canary"}, "provider_rejected"),
        ({"error": "temporarily_unavailable"}, "provider_unavailable"),
        ({"code": ""}, "invalid_request"),
        ({"scopes": "canary"}, "invalid_request"),
        ({"code": "canary\n"}, "invalid_request"),
    ],
)
def test_a_failure_goes_to_the_app_in_our_words(
    world: NativeWorld, app: str, params: Mapping[str, str], code: str
) -> None:
    returned = world.come_back(world.start(app), **params)

    assert returned.error is not None
    own = {"from": "web"} if app == "seed" else {}
    expected = {"error": code, "error_description": type(returned.error).message, "state": "app-state", **own}
    assert query_of(returned.link) == expected
    assert "canary" not in returned.link
    assert (returned.login, returned.error.registration) == (None, "acme")
    assert (world.browser.cookies, rows(world)) == ({}, NOTHING)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        ((400, {"error": "invalid_grant", "error_description": "canary"}), "provider_rejected"),
        ((500, b"canary"), "provider_unavailable"),
        ((200, b"canary"), "provider_protocol"),
        ({**TOKEN, "scope": ""}, "scope_missing"),
    ],
)
def test_a_failure_of_the_exchange_goes_to_the_app_too(
    new_native: Callable[..., NativeWorld], reply: Any, code: str
) -> None:
    world = new_native(acme__required_scope="profile")
    world.network.replies["token"] = reply

    returned = world.come_back(world.start())

    assert query_of(returned.link)["error"] == code
    assert "canary" not in returned.link
    assert (world.browser.cookies, rows(world)) == ({}, NOTHING)


def test_dbf_a_store_that_fails_is_told_to_the_app(world: NativeWorld, tmp_path: Path) -> None:
    nowhere = Database.open(f"sqlite:///{tmp_path / 'no-tables.sqlite'}")
    broken = Native(world.kit, Accounts(world.kit, nowhere), nowhere, NativeConfiguration.of(world.kit))
    url = world.start()

    returned = broken.complete("acme", f"code=c&state={state_of(url)}", world.browser.cookies)
    nowhere.close()

    assert query_of(returned.link)["error"] == "store_unavailable"
    assert returned.error is not None
    assert returned.error.registration == "acme"
    assert [(cookie.name, cookie.value) for cookie in returned.cookies] == [
        (name, "") for name in world.browser.cookies
    ]


def test_dbf_the_app_s_own_transaction_that_fails_is_an_error_of_ours(world: NativeWorld, tmp_path: Path) -> None:
    nowhere = create_engine(f"sqlite:///{tmp_path / 'no-tables.sqlite'}")
    with Session(nowhere) as session:
        native = Native(
            world.kit,
            world.accounts.within(session),
            Joined(session, world.database),
            NativeConfiguration.of(world.kit),
        )
        query = f"code=c&state={state_of(world.start())}"

        returned = native.complete("acme", query, world.browser.cookies)
        refuse(errors.StoreUnavailable, lambda: native.connect("acme", SDK))
    nowhere.dispose()

    assert query_of(returned.link)["error"] == "store_unavailable"


def test_strangers_and_the_blocked_are_told_apart(new_native: Callable[..., NativeWorld]) -> None:
    closed = new_native(accounts__allow_registration="no")
    stranger = query_of(closed.come_back(closed.start()).link)
    world = new_native()
    world.accounts.disable(world.accounts.sign_in(world.login()).account.id)
    blocked = query_of(world.come_back(world.start()).link)

    assert (stranger["error"], blocked["error"]) == ("account_denied", "account_denied")
    assert stranger["error_description"] == "New accounts cannot be made here at the moment."
    assert blocked["error_description"] == "This account has been blocked. Please ask whoever runs this site."


def test_the_token_of_a_stranger_who_is_refused_is_revoked_and_no_other(
    new_native: Callable[..., NativeWorld],
) -> None:
    closed = new_native(accounts__allow_registration="no", native__accept_access_tokens="yes")
    token = {"access_token": "of-somebody-else"}
    refuse(errors.RegistrationClosed, lambda: closed.native.connect("acme", token))
    assert closed.network.to("revoke") == []
    closed.come_back(closed.start())
    assert len(closed.network.to("revoke")) == 1
    refuse(errors.RegistrationClosed, lambda: closed.native.connect("acme", SDK))
    assert len(closed.network.to("revoke")) == 2

    world = new_native()
    world.accounts.disable(world.accounts.sign_in(world.login()).account.id)
    world.come_back(world.start())
    assert world.network.to("revoke") == []


@pytest.mark.parametrize(("access_token", "revoked"), [("", 1), ("of-somebody-else", 0)])
def test_dbf_04_the_token_of_a_stranger_whom_the_database_cannot_keep_is_revoked_if_it_is_ours(
    new_native: Callable[..., NativeWorld], access_token: str, revoked: int
) -> None:
    world = new_native(native__accept_access_tokens="yes")

    def fail(connection: Connection) -> None:
        if READS not in connection.get_execution_options():
            raise OperationalError("COMMIT", {}, Exception("gone"))

    event.listen(world.database.engine, "commit", fail)
    sent = {"access_token": access_token} if access_token else SDK
    refuse(errors.StoreUnavailable, lambda: world.native.connect("acme", sent))
    event.remove(world.database.engine, "commit", fail)

    assert len(world.network.to("revoke")) == revoked


def test_a_login_that_took_too_long_is_told_to_the_app(world: NativeWorld) -> None:
    url = world.start()
    world.clock.now += 600

    returned = world.come_back(url)

    assert query_of(returned.link)["error"] == "state_invalid"
    assert (world.browser.cookies, world.network.sent) == ({}, [])


def test_a_replayed_callback_gets_no_second_ticket(world: NativeWorld) -> None:
    url = world.start()
    kept = dict(world.browser.cookies)
    world.come_back(url)
    world.browser.cookies = kept

    returned = world.come_back(url)

    assert query_of(returned.link)["error"] == "state_invalid"
    assert len(world.network.to("token")) == 1


def test_a_state_of_another_registration_gets_no_ticket(sqlite: Database) -> None:
    more = {"acme2__client_id": "b", "acme2__client_secret": "b", "acme2__provider": "acme"}
    world = NativeWorld(sqlite, **more)
    url = world.start()

    returned = world.native.complete("acme2", f"code=c&state={state_of(url)}", world.browser.cookies)

    assert query_of(returned.link)["error"] == "state_invalid"
    assert world.network.sent == []


@pytest.mark.parametrize(
    "query", ["", "code=c", "code=c&state=", "code=c&state=x", "state=x&state=y", "%ff", "error=x"]
)
def test_a_callback_of_no_login_in_this_browser_goes_to_no_app(world: NativeWorld, query: str) -> None:
    world.start()

    error = refuse(errors.StateInvalid, lambda: world.native.complete("acme", query, world.browser.cookies))

    assert error.registration == "acme"
    assert len(world.browser.cookies) == 1


def test_sta_03_another_browser_is_sent_to_no_app(world: NativeWorld) -> None:
    url = world.start()

    refuse(
        errors.StateInvalid,
        lambda: world.native.complete("acme", f"code=c&state={state_of(url)}", {}),
    )

    assert world.come_back(url).error is None


@pytest.mark.parametrize("purpose", ["login", "link", "loopback"])
def test_a_login_for_something_else_is_sent_to_no_app(world: NativeWorld, purpose: str) -> None:
    url = world.browser.start(world.kit, purpose=purpose, bound=f"phone {CHALLENGE} ")

    refuse(errors.StateInvalid, lambda: world.come_back(url))

    assert world.network.sent == []


def test_a_native_login_completes_no_other(world: NativeWorld) -> None:
    url = world.start()
    bound = f"phone {CHALLENGE} app-state"

    for purpose, value in (("login", ""), ("login", bound), ("native", ""), ("native", f"private {CHALLENGE} ")):
        refuse(
            errors.StateInvalid,
            lambda purpose=purpose, value=value: world.kit.complete(
                "acme", f"code=c&state={state_of(url)}", world.browser.cookies, purpose=purpose, bound=value
            ),
        )

    assert world.come_back(url).error is None


def test_a_login_that_a_server_of_another_version_began_is_completed(world: NativeWorld) -> None:
    begun = world.kit.begin("acme", purpose="native", bound=f"phone {CHALLENGE} app-state", redirect_uri=CALLBACK)
    world.browser.keep(begun.cookies)

    assert world.come_back(begun.url).error is None


def test_logins_that_nobody_ends_do_not_fill_the_browser(world: NativeWorld) -> None:
    for _ in range(20):
        world.start()

    assert len(world.browser.cookies) == 10


def test_an_app_that_is_gone_from_the_settings_is_sent_to_nowhere(world: NativeWorld) -> None:
    url = world.start()
    without = {"authkit.native.keys": key_set().reveal()}
    kit = make_kit(world.network, without, clock=world.clock)
    native = Native(kit, world.accounts, world.database, NativeConfiguration.of(kit))

    refuse(
        errors.InvalidRequest,
        lambda: native.complete("acme", f"code=c&state={state_of(url)}", world.browser.cookies),
    )


# The ticket


def test_a_ticket_and_its_verifier_are_answered_with_a_jwt_and_the_user(everywhere: NativeWorld) -> None:
    world = everywhere
    connected = world.native.connect("acme", {"ticket": world.ticket(), "verifier": VERIFIER})

    (account,) = world.rows(accounts)
    (session,) = world.rows(sessions)
    answer = dict(connected.answer)
    assert connected.login is None
    assert list(answer) == ["jwt", "expires_in", "refresh_token", "user"]
    assert answer["expires_in"] == 3600
    assert answer["user"] == {
        "id": account["id"],
        "username": "Ada",
        "email": None,
        "provider": "acme",
        "confirmed": True,
        "blocked": False,
        "createdAt": "2027-01-15T08:00:00.000Z",
        "updatedAt": "2027-01-15T08:00:00.000Z",
    }
    assert world.native.bearer(answer["jwt"]) == Bearer(account["id"], session["id"], int(world.clock()) + 3600)
    assert re.fullmatch(r"[0-9a-f]{32}\.[0-9a-f]{64}", str(answer["refresh_token"]))
    assert (session["account_id"], session["app"], session["registration"]) == (account["id"], "phone", "acme")


def test_mob_03_a_ticket_works_once_on_whatever_server(everywhere: NativeWorld) -> None:
    world, ticket = everywhere, everywhere.ticket()
    world.another_server().connect("acme", {"ticket": ticket, "verifier": VERIFIER})

    refuse(errors.TicketInvalid, lambda: world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}))

    assert rows(world)["sessions"] == 1


def test_mob_05_a_stolen_link_is_of_no_use_and_takes_nothing_from_the_app(world: NativeWorld) -> None:
    ticket = world.ticket()

    for stolen in ({}, {"verifier": ""}, {"verifier": "w" * 43}, {"verifier": CHALLENGE}):
        refuse(errors.TicketInvalid, lambda stolen=stolen: world.native.connect("acme", {"ticket": ticket, **stolen}))
    assert rows(world)["sessions"] == 0

    assert "jwt" in world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}).answer


@pytest.mark.parametrize("sent", [{"ticket": "", "verifier": VERIFIER}, {"ticket": "x" * 5000, "verifier": VERIFIER}])
def test_what_is_no_ticket_is_refused(world: NativeWorld, sent: Mapping[str, str]) -> None:
    refuse(errors.TicketInvalid, lambda: world.native.connect("acme", sent))


def test_a_phone_whose_clock_is_an_hour_off_signs_in_all_the_same(world: NativeWorld) -> None:
    """Nothing that a phone sends has a time in it, and what it gets counts in seconds from now."""
    answer = world.sign_in()
    _, claims, _ = parts_of(str(answer["jwt"]))

    assert answer["expires_in"] == claims["exp"] - claims["iat"] == 3600
    assert world.native.renew(str(answer["refresh_token"]))["expires_in"] == 3600


def test_a_ticket_of_an_account_that_was_blocked_since_is_of_no_use(world: NativeWorld) -> None:
    ticket = world.ticket()
    world.accounts.disable(world.rows(accounts)[0]["id"])

    error = refuse(
        errors.AccountDisabled, lambda: world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER})
    )

    assert error.registration == "acme"
    assert rows(world)["sessions"] == 0


def test_a_ticket_of_an_account_that_is_gone_is_of_no_use(world: NativeWorld) -> None:
    ticket = world.ticket()
    world.accounts.delete(world.rows(accounts)[0]["id"])

    refuse(errors.TicketInvalid, lambda: world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}))


def test_a_ticket_of_an_account_that_cannot_be_signed_in_to_any_more_is_of_no_use(world: NativeWorld) -> None:
    ticket = world.ticket()
    account_id = world.rows(accounts)[0]["id"]
    world.accounts.unlink(account_id, Identity("acme", "acme-client", "user-1"), even_last=True)

    refuse(errors.TokenInvalid, lambda: world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}))

    assert rows(world)["sessions"] == 0


def test_a_ticket_shows_the_user_of_its_registration_as_it_was_last_used(world: NativeWorld) -> None:
    """And any other of the account's, where that one has been used with another registration since."""
    ticket = world.ticket()
    account_id = world.rows(accounts)[0]["id"]
    world.clock.now += 1
    world.accounts.link(account_id, world.login("user-0", display_name="Older"))
    other = Identity("other", "c", "s")
    world.clock.now += 1
    world.accounts.link(account_id, world.login("s", identity=other, registration="other", display_name="Newest"))

    user: Any = world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}).answer["user"]
    assert (user["username"], user["provider"]) == ("Older", "acme")

    ticket = world.ticket()
    for subject in ("user-1", "user-0"):
        world.accounts.link(account_id, world.login(subject, registration="elsewhere"))
    user = world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}).answer["user"]
    assert user["id"] == account_id


# The kit for apps


def test_a_code_of_the_kit_for_apps_is_exchanged(everywhere: NativeWorld) -> None:
    world = everywhere

    connected = world.native.connect("acme", SDK)

    assert world.network.to("token")[0].headers["Authorization"].startswith("Basic ")
    assert world.network.to("token")[0].form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": "V" * 32,
        "redirect_uri": SDK_REDIRECT_URI,
    }
    assert [sent.path for sent in world.network.sent] == ["/oauth/token", "/api/me"]
    assert connected.login is not None
    assert connected.login.identity == Identity("acme", "acme-client", "user-1")
    assert list(connected.answer) == ["jwt", "expires_in", "refresh_token", "user"]
    assert world.rows(sessions)[0]["app"] == "phone"
    assert rows(world) == {"accounts": 1, "identities": 1, "tokens": 1, "sessions": 1}


def test_tiktok_gets_a_code_of_its_kit_for_apps_as_it_wants_it(sqlite: Database) -> None:
    network = scripted()
    native = tiktok(sqlite, network, native__phone__redirect_uris=SDK_REDIRECT_URI)

    native.connect("tiktok", SDK)

    token, info = network.sent
    assert (token.method, token.url) == ("POST", TOKEN_URL)
    assert token.form == {
        "client_key": CLIENT_KEY,
        "client_secret": CLIENT_SECRET,
        "code": "the-code",
        "grant_type": "authorization_code",
        "redirect_uri": SDK_REDIRECT_URI,
        "code_verifier": "V" * 32,
    }
    assert info.url.startswith(USERINFO_URL)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        CALLBACK,
        "https://app.example/auth/acme/callback",
        SDK_REDIRECT_URI + "/",
        SDK_REDIRECT_URI.upper(),
        "https://evil.example",
        LINK,
        "é",
    ],
)
def test_a_redirect_uri_is_on_the_list_of_an_app(world: NativeWorld, uri: str) -> None:
    error = refuse(errors.InvalidRequest, lambda: world.native.connect("acme", {**SDK, "redirect_uri": uri}))

    assert world.network.sent == []
    assert error.reason in (
        "the redirect_uri is on no app's list",
        "what was sent has characters that none of it has",
    )


def test_the_app_is_known_by_its_redirect_uri(world: NativeWorld) -> None:
    world.native.connect("acme", {**SDK, "redirect_uri": "https://app.example/other-sdk"})

    assert world.rows(sessions)[0]["app"] == "no-link"


@pytest.mark.parametrize("verifier", ["", "v" * 129, "é" * 43, "v\n", "\ud800"])
def test_a_code_comes_with_its_verifier(world: NativeWorld, verifier: str) -> None:
    refuse(errors.InvalidRequest, lambda: world.native.connect("acme", {**SDK, "code_verifier": verifier}))
    assert world.network.sent == []


@pytest.mark.parametrize("missing", ["code_verifier", "redirect_uri"])
def test_nothing_of_a_code_may_be_missing(world: NativeWorld, missing: str) -> None:
    sent = {name: value for name, value in SDK.items() if name != missing}

    refuse(errors.InvalidRequest, lambda: world.native.connect("acme", sent))
    assert world.network.sent == []


@pytest.mark.parametrize("verifier", ["v", "V" * 32, "v" * 128])
def test_a_verifier_of_the_kit_for_apps_may_be_short(world: NativeWorld, verifier: str) -> None:
    world.native.connect("acme", {**SDK, "code_verifier": verifier})

    assert world.network.to("token")[0].form["code_verifier"] == verifier


@pytest.mark.parametrize("code", ["", "c" * 4097, "é", "a\nb", "\ud800"])
def test_a_code_that_is_none_is_not_sent(world: NativeWorld, code: str) -> None:
    refuse(errors.InvalidRequest, lambda: world.native.connect("acme", {**SDK, "code": code}))
    assert world.network.sent == []


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ((400, {"error": "invalid_grant"}), errors.ProviderRejected),
        ((503, b""), errors.ProviderUnavailable),
        ({**TOKEN, "access_token": ""}, errors.ProviderProtocolError),
    ],
)
def test_a_code_that_the_provider_refuses_signs_nobody_in(
    world: NativeWorld, reply: Any, kind: type[AuthkitError]
) -> None:
    world.network.replies["token"] = reply

    error = refuse(kind, lambda: world.native.connect("acme", SDK))

    assert (error.registration, rows(world)) == ("acme", NOTHING)


def test_an_unknown_registration_is_refused(world: NativeWorld) -> None:
    refuse(errors.UnknownProvider, lambda: world.native.connect("nope", SDK))


# The seed's own way


def test_mob_02_a_bare_token_is_refused_unless_the_settings_say_otherwise(world: NativeWorld) -> None:
    error = refuse(errors.InvalidRequest, lambda: world.native.connect("acme", SEED))

    assert error.reason == "access tokens are not accepted here: authkit.native.accept_access_tokens"
    assert world.network.sent == []


def test_mob_14_the_provider_says_whose_token_it_is(everywhere: NativeWorld, database: Database) -> None:
    world = NativeWorld(database, native__accept_access_tokens="yes")
    extra = {"open_id": "VICTIM", "email": "v@x.com", "profile": "VICTIM", "id": "1"}

    connected = world.native.connect("acme", {**SEED, **extra})

    (sent,) = world.network.sent
    assert (sent.path, sent.headers["Authorization"]) == ("/api/me", "Bearer act.handed-in")
    assert connected.login is not None
    assert connected.login.identity == Identity("acme", "acme-client", "user-1")
    assert [row["subject"] for row in world.rows(identities)] == ["user-1"]
    assert "VICTIM" not in str(connected.answer)
    assert world.rows(sessions)[0]["app"] == ""


def test_a_token_that_was_handed_in_is_not_kept_and_takes_no_place(new_native: Callable[..., NativeWorld]) -> None:
    world = new_native(native__accept_access_tokens="yes")
    world.native.connect("acme", SEED)
    assert rows(world) == {"accounts": 1, "identities": 1, "tokens": 0, "sessions": 1}

    world.sign_in()
    (own,) = world.rows(tokens)
    world.native.connect("acme", SEED)

    assert world.rows(tokens) == [own]
    assert world.events() == ["created", "signed_in", "signed_in"]


@pytest.mark.parametrize("token", ["", "t" * 8193, "a\r\nX-Evil: 1", "é", "\ud800", "a\x00"])
def test_what_is_no_token_is_not_sent(new_native: Callable[..., NativeWorld], token: str) -> None:
    world = new_native(native__accept_access_tokens="yes")

    refuse(errors.InvalidRequest, lambda: world.native.connect("acme", {"access_token": token}))
    assert (world.network.sent, rows(world)) == ([], NOTHING)


@pytest.mark.parametrize("token", ["t", "t" * 8192])
def test_a_token_is_as_short_or_as_long_as_its_provider_likes(
    new_native: Callable[..., NativeWorld], token: str
) -> None:
    world = new_native(native__accept_access_tokens="yes")

    world.native.connect("acme", {"access_token": token})

    assert [sent.headers["Authorization"] for sent in world.network.to("me")] == [f"Bearer {token}"]


def tiktok(database: Database, network: Network, **settings: str) -> Native:
    """Return native sign-in with TikTok, bare tokens included."""
    own = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
    always = {"authkit.native.keys": key_set().reveal(), "authkit.native.accept_access_tokens": "yes"}
    kit = tiktok_kit(network, {**always, **own})
    return Native(kit, Accounts(kit, database), database, NativeConfiguration.of(kit))


@pytest.mark.parametrize(
    ("me", "message"),
    [
        (
            (401, resource_error("access_token_invalid", "The access token is invalid.")),
            "Failed to fetch TikTok user: Request failed with status code 401",
        ),
        ((401, b""), "Failed to fetch TikTok user: Request failed with status code 401"),
        ((401, resource_error("scope_not_authorized", "Scope missing.")), "Scope missing."),
        (resource_error("scope_not_authorized", "Scope missing."), "Scope missing."),
        ({"data": {}, "error": {"code": "ok"}}, "User does not exist."),
        ({"data": {"user": None}, "error": {"code": "ok"}}, "User does not exist."),
        ({"error": {"code": "ok"}}, "User does not exist."),
    ],
)
def test_what_tiktok_says_of_a_token_is_answered_as_the_seed_did(sqlite: Database, me: Any, message: str) -> None:
    native = tiktok(sqlite, scripted(info=me))

    with pytest.raises(AuthkitError) as caught:
        native.connect("tiktok", SEED)

    status, answer = failure_json(caught.value, token_of="TikTok")
    error: Any = answer["error"]
    assert (status, error["status"], error["name"], error["message"]) == (400, 400, "ApplicationError", message)


def test_a_token_of_tiktok_signs_its_owner_in(sqlite: Database) -> None:
    native = tiktok(sqlite, scripted(info=user_info(union_id="3c0b1e52-7a1f")), native__pseudo_email="yes")

    connected = native.connect("tiktok", SEED)

    assert connected.login is not None
    assert connected.login.identity == Identity("tiktok", CLIENT_KEY, OPEN_ID)
    user: Any = connected.answer["user"]
    assert (user["provider"], user["email"]) == ("tiktok", "3c0b1e52-7a1f@tiktok.invalid")


def test_whoever_may_not_sign_in_is_told_why(sqlite: Database) -> None:
    closed = tiktok(sqlite, scripted(), accounts__allow_registration="no")
    error = refuse(errors.RegistrationClosed, lambda: closed.connect("tiktok", SEED))
    assert failure_json(error, token_of="TikTok")[0] == 403

    native = tiktok(sqlite, scripted())
    user: Any = native.connect("tiktok", SEED).answer["user"]
    kit = tiktok_kit(scripted())
    Accounts(kit, sqlite).disable(user["id"])
    error = refuse(errors.AccountDisabled, lambda: native.connect("tiktok", SEED))
    assert failure_json(error, token_of="TikTok")[0] == 403


# Nothing, or too much


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"verifier": VERIFIER},
        {"code_verifier": VERIFIER, "redirect_uri": SDK_REDIRECT_URI},
        {"refresh_token": "x"},
        {**SDK, **SEED},
        {**SDK, "ticket": "x"},
        {**SEED, "ticket": "x"},
        {"ticket": "", "code": "", "access_token": ""},
    ],
)
def test_one_thing_is_handed_in_and_one_only(new_native: Callable[..., NativeWorld], sent: Mapping[str, str]) -> None:
    world = new_native(native__accept_access_tokens="yes")

    error = refuse(errors.NothingSent, lambda: world.native.connect("acme", sent))

    assert (error.code, error.status) == ("invalid_request", 400)
    assert error.message == "Nothing to sign in with was sent: a ticket, a code or an access token, and one only."
    assert (world.network.sent, rows(world)) == ([], NOTHING)


def test_what_has_nothing_to_do_with_it_is_ignored(world: NativeWorld) -> None:
    world.native.connect("acme", {**SDK, "verifier": "x", "email": "v@x.com", "redirect": "https://evil.example"})

    assert "redirect" not in world.network.to("token")[0].form
    assert rows(world)["accounts"] == 1


# Refreshing


def test_a_refresh_token_is_exchanged_for_a_jwt_and_the_next_one(everywhere: NativeWorld) -> None:
    world = everywhere
    first = world.sign_in()
    world.clock.now += 100

    answer = world.another_server().renew(str(first["refresh_token"]))

    assert list(answer) == ["jwt", "expires_in", "refresh_token"]
    assert answer["refresh_token"] != first["refresh_token"]
    before, after = (world.native.bearer(str(each["jwt"])) for each in (first, answer))
    assert after == replace(before, expires_at=before.expires_at + 100)


def test_the_setting_says_how_long_tokens_and_sessions_last(new_native: Callable[..., NativeWorld]) -> None:
    world = new_native(native__lifetime="60", native__refresh_lifetime="120")
    answer = world.sign_in()
    (session,) = world.rows(sessions)

    assert answer["expires_in"] == 60
    assert world.native.bearer(str(answer["jwt"])).expires_at == world.clock() + 60
    assert (session["ends_at"] - session["created_at"]).total_seconds() == 120


def test_the_setting_says_who_issues_and_for_whom(new_native: Callable[..., NativeWorld]) -> None:
    plain = parts_of(str(new_native().sign_in()["jwt"]))[1]
    world = new_native(native__issuer="https://issuer.example", native__audience="my-api")
    claims = parts_of(str(world.sign_in()["jwt"]))[1]

    assert (plain["iss"], plain["aud"]) == ("https://app.example", "https://app.example")
    assert (claims["iss"], claims["aud"]) == ("https://issuer.example", "my-api")


# The bearer: JWT-14


def queries(world: NativeWorld, call: Callable[[], object]) -> int:
    """Return how many statements `call` sends to the database."""
    statements: list[str] = []

    def note(*args: Any) -> None:
        statements.append(args[2])

    event.listen(world.database.engine, "before_cursor_execute", note)
    try:
        call()
    finally:
        event.remove(world.database.engine, "before_cursor_execute", note)
    return len(statements)


@pytest.mark.parametrize(("setting", "count"), [("no", 0), ("yes", 1)])
def test_a_bearer_costs_no_query_and_one_with_the_check(
    new_native: Callable[..., NativeWorld], setting: str, count: int
) -> None:
    world = new_native(native__check_accounts=setting)
    jwt = str(world.sign_in()["jwt"])

    assert queries(world, lambda: world.another_server().bearer(jwt)) == count


@pytest.mark.parametrize("end", [Accounts.disable, Accounts.delete])
def test_jwt_14_an_account_that_was_ended_is_out_at_once_with_the_check(
    database: Database, end: Callable[[Accounts, str], bool]
) -> None:
    world = NativeWorld(database, native__check_accounts="yes")
    answer = world.sign_in()
    account_id = world.native.bearer(str(answer["jwt"])).account_id

    end(world.accounts, account_id)

    assert refuse(errors.TokenInvalid, lambda: world.native.bearer(str(answer["jwt"]))).reason == (
        "the account is disabled, or gone"
    )
    refuse(errors.TokenInvalid, lambda: world.native.renew(str(answer["refresh_token"])))


def test_jwt_14_without_the_check_it_is_out_when_the_token_ends(world: NativeWorld) -> None:
    answer = world.sign_in()
    world.accounts.disable(world.native.bearer(str(answer["jwt"])).account_id)

    world.clock.now += 3599
    world.native.bearer(str(answer["jwt"]))
    world.clock.now += 1

    refuse(errors.TokenInvalid, lambda: world.native.bearer(str(answer["jwt"])))
    refuse(errors.TokenInvalid, lambda: world.native.renew(str(answer["refresh_token"])))


def test_the_public_keys_are_those_of_the_settings(new_native: Callable[..., NativeWorld]) -> None:
    public = {name: value for name, value in member().items() if name != "d"}
    shared = key_set(member("HS256")).reveal()

    assert new_native().native.public_keys() == {"keys": [public]}
    assert new_native(native__keys=shared).native.public_keys() == {"keys": []}


# What is shown


def test_lek_08_no_token_stands_in_the_file_of_the_database(tmp_path: Any) -> None:
    from authkit.accounts import metadata

    path = tmp_path / "raw.sqlite"
    database = Database.open(f"sqlite:///{path}")
    metadata.create_all(database.engine)
    world = NativeWorld(database, native__accept_access_tokens="yes")
    ticket = world.ticket()
    answers = [
        world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}).answer,
        world.native.connect("acme", SDK).answer,
        world.native.connect("acme", SEED).answer,
    ]
    answers.append(world.native.renew(str(answers[0]["refresh_token"])))
    database.close()

    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir())
    assert b"user-1" in raw
    for answer in answers:
        family, _, secret = str(answer["refresh_token"]).partition(".")
        for text in (answer["jwt"], str(answer["jwt"]).rpartition(".")[2], family, secret):
            assert str(text).encode() not in raw
    for text in (ticket, VERIFIER, ACCESS_TOKEN, REFRESH_TOKEN, SEED["access_token"], "the-code"):
        assert text.encode() not in raw


def test_lek_02_answers_and_apps_show_no_secret(world: NativeWorld) -> None:
    returned = world.come_back(world.start())
    connected = world.native.connect("acme", {"ticket": query_of(returned.link)["ticket"], "verifier": VERIFIER})
    shown = f"{returned!r} {connected!r} {world.native!r} {NativeConfiguration.of(world.kit)!r} {world.kit!r}"

    for secret in (
        query_of(returned.link)["ticket"],
        str(connected.answer["jwt"]),
        str(connected.answer["refresh_token"]),
        member()["d"],
        ACCESS_TOKEN,
    ):
        assert secret not in shown


@pytest.mark.parametrize(
    "kind",
    [Bearer, Begun, Connected, NativeApp, NativeConfiguration, NativeSession, Renewed, Returned, Ticket, Visit],
    ids=lambda kind: kind.__name__,
)
def test_what_is_handed_around_is_read_only(kind: Any) -> None:
    value = kind.__new__(kind)

    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, "changed")


def test_lek_03_no_error_shows_what_was_sent(new_native: Callable[..., NativeWorld]) -> None:
    world = new_native(native__accept_access_tokens="yes")
    canaries = {"code": "canary-1", "code_verifier": "canary-2", "ticket": "canary-3", "access_token": "canary-4"}
    world.network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "canary-1 canary-2"})
    world.network.replies["me"] = (401, {"error": "invalid_token", "error_description": "canary-4"})
    for sent in (
        {"code": canaries["code"], "code_verifier": canaries["code_verifier"], "redirect_uri": SDK_REDIRECT_URI},
        {"code": canaries["code"], "code_verifier": canaries["code_verifier"], "redirect_uri": "https://canary-5"},
        {"ticket": canaries["ticket"], "verifier": "canary-6"},
        {"access_token": canaries["access_token"]},
        {"access_token": "canary-7\n"},
        canaries,
    ):
        with pytest.raises(AuthkitError) as caught:
            world.native.connect("acme", sent)
        error = caught.value
        text = f"{error} {error!r} {error.args} {error.reason} {error.said} {getattr(error, '__notes__', '')}"
        text += "".join(traceback.format_exception(error))
        assert not re.search(r"canary-\d", text)
    with pytest.raises(AuthkitError) as caught:
        world.native.renew("canary-8")
    assert "canary-8" not in f"{caught.value} {caught.value.reason}"


def test_g_4_nothing_secret_is_logged(world: NativeWorld, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        ticket = world.ticket()
        answers = [
            world.native.connect("acme", {"ticket": ticket, "verifier": VERIFIER}).answer,
            world.native.connect("acme", SDK).answer,
        ]
        answers.append(world.native.renew(str(answers[0]["refresh_token"])))

    for answer in answers:
        for name in ("jwt", "refresh_token"):
            assert str(answer[name]) not in caplog.text
    for secret in (ticket, VERIFIER, "the-code", ACCESS_TOKEN, CLIENT_SECRET):
        assert secret not in caplog.text


# The configuration


def test_a_key_that_signs_is_needed() -> None:
    with pytest.raises(ConfigError) as caught:
        NativeConfiguration.of(make_kit())

    assert caught.value.reason == "authkit.native.keys is missing: make some with `authkit keys new`"


def test_a_weak_key_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"authkit\.native\.keys"):
        NativeConfiguration.of(make_kit(settings={"authkit.native.keys": '{"keys": []}'}))


def test_a_key_may_stand_in_a_file(tmp_path: Any) -> None:
    (tmp_path / "keys.json").write_text(key_set().reveal(), encoding="utf-8")
    kit = make_kit(settings={"authkit.native.keys_file": str(tmp_path / "keys.json")})

    assert NativeConfiguration.of(kit).keys.public()["keys"]


def test_accepting_bare_tokens_is_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    kit = make_kit(settings={"authkit.native.keys": key_set().reveal(), "authkit.native.accept_access_tokens": "yes"})
    NativeConfiguration.of(kit)

    ((name, level, message),) = caplog.record_tuples
    assert (name, level) == ("authkit.native.configuration", logging.WARNING)
    assert message == (
        "authkit.native.accept_access_tokens = true: whoever got hold of a token of the provider, as any other app "
        "that a person signed in to has, can sign in as that person here"
    )


def test_nothing_is_warned_of_by_default(caplog: pytest.LogCaptureFixture) -> None:
    NativeConfiguration.of(make_kit(settings={"authkit.native.keys": key_set().reveal()}))

    assert caplog.record_tuples == []


def test_acc_18_a_profile_brings_nothing_but_a_profile(world: NativeWorld) -> None:
    world.network.replies["me"] = {**USER, "is_admin": True, "role": "admin", "user_id": "1", "__class__": "x"}

    answer = world.sign_in()

    assert set(answer["user"]) == {
        *("id", "username", "email", "provider", "confirmed", "blocked", "createdAt", "updatedAt")
    }
    assert set(parts_of(str(answer["jwt"]))[1]) == {"iss", "aud", "sub", "sid", "iat", "nbf", "exp", "jti"}


def test_acc_09_a_made_up_address_that_somebody_has_already_changes_nothing(
    new_native: Callable[..., NativeWorld],
) -> None:
    world = new_native(native__pseudo_email="yes")
    taken = world.accounts.sign_in(
        world.login("attacker", email="union-1@acme.invalid", email_verified=True)
    ).account.id
    provider = replace(asking, profile=lambda data: Profile(data["id"], "Ada", union_id="union-1"))
    victim = NativeWorld(world.database, provider=provider, native__pseudo_email="yes")

    user: Any = victim.sign_in()["user"]

    assert user["email"] == "union-1@acme.invalid"
    assert user["id"] != taken
    assert len(world.rows(audit)) == 2
