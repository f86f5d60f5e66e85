"""TikTok's login by QR code, as an app's server and a phone go through it at the emulator."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from tiktok_emulator_fakes import API, CALLBACK, KEY, MALFORMED, SECRET, WRONG_CLIENT, World, client

from authkit.emulator import Request
from authkit_tiktok.emulator import App
from authkit_tiktok.emulator.rulebook import (
    CLIENT_KEY,
    DRAFT_APP,
    LOGIN_KIT,
    QR_FIELDS,
    QR_TOKEN,
    T01,
    T02,
    T08,
    T17,
    T27,
)

BASIC, PROFILE = "user.info.basic", "user.info.profile"
TICKET = "k3yT1cket"
APP = App(KEY, SECRET, (BASIC, PROFILE), (CALLBACK,))


class Phone(World):
    """TikTok, an app's server, and the phone of a user."""

    def __init__(self, *apps, **switches):
        super().__init__(apps=apps or [APP], **switches)

    def ask(self, **changes):
        form = {"client_key": KEY, "scope": f"{BASIC},{PROFILE}", "state": "s7Qm2cVx"}
        return self.post("/oauth/get_qrcode/", form | changes)

    def start(self, ticket=TICKET, **changes):
        """Start a login; give the token, and the address with the ticket in it."""
        body = self.ask(**changes).json()
        return body["token"], body["scan_qrcode_url"].replace("tobefilled", ticket)

    def check(self, token, **changes):
        return self.post("/oauth/check_qrcode/", {**client(), "token": token} | changes)

    def status(self, token):
        return self.check(token).json()

    def confirmed(self, **options):
        """Go through a login; give what the app's server hears of it."""
        token, url = self.start()
        self.emulator.scan(url)
        self.emulator.confirm(url, **options)
        return self.status(token)

    def redeem(self, code, redirect_uri=None):
        return self.exchange(code, redirect_uri=redirect_uri, code_verifier=None)

    def act(self, name, **fields):
        """Press a button of the control page."""
        url = "http://localhost/_emulator/api/actions"
        return self.http.post(url, json={"name": name, "fields": fields}).json()["text"]


def refusal(world, response, status=200):
    """The error of an answer, and the rule that the request log has for it."""
    body, recorded = response.json(), world.emulator.requests[-1]
    assert (response.status_code, sorted(body)) == (status, ["error", "error_description", "log_id"])
    assert recorded.verdict == f"{body['error']}: {body['error_description']}"
    return (body["error"], body["error_description"]), recorded.broken


def code_of(body):
    return parse_qs(urlsplit(body["redirect_uri"]).query)["code"][0]


@pytest.fixture
def world():
    return Phone()


# Start


def test_an_app_gets_an_address_to_put_its_ticket_into_and_a_token(world):
    body = world.ask().json()
    url = urlsplit(body["scan_qrcode_url"])

    assert sorted(body) == ["scan_qrcode_url", "token"]
    assert (url.scheme, url.netloc) == ("aweme", "authorize")
    assert (
        dict(parse_qsl(url.query)).items()
        >= {
            "authType": "100",
            "client_key": KEY,
            "client_ticket": "tobefilled",
            "scope": f"{BASIC},{PROFILE}",
        }.items()
    )
    assert len(body["token"]) >= 32


def test_the_address_does_not_have_the_token(world):
    body = world.ask().json()

    assert body["token"] not in body["scan_qrcode_url"]
    assert world.ask().json()["scan_qrcode_url"] != body["scan_qrcode_url"]


@pytest.mark.parametrize(
    ("changes", "error", "rule"),
    [
        ({"client_key": None}, MALFORMED, QR_FIELDS),
        ({"client_key": None, "client_id": KEY}, MALFORMED, T01),
        ({"scope": None, "client_id": KEY}, MALFORMED, QR_FIELDS),
        ({"scope": None}, MALFORMED, QR_FIELDS),
        ({"client_key": "aw0"}, WRONG_CLIENT, CLIENT_KEY),
        ({"scope": "video.list"}, ("invalid_scope", "The requested scope is invalid."), T27),
        ({"scope": f"{BASIC} {PROFILE}"}, ("invalid_scope", "The requested scope is invalid."), T02),
    ],
)
def test_a_wrong_start_is_refused_in_the_way_of_the_token_endpoint(world, changes, error, rule):
    assert refusal(world, world.ask(**changes)) == (error, rule)


@pytest.mark.parametrize(
    ("options", "rule"), [({"status": "draft"}, DRAFT_APP), ({"has_login_kit": False}, LOGIN_KIT)]
)
def test_an_app_that_may_not_log_anybody_in_gets_no_qr_code(options, rule):
    world = Phone(App(KEY, SECRET, (BASIC, PROFILE), **options))
    error = ("unauthorized_client", "The client is not authorized to request a code.")

    assert refusal(world, world.ask()) == (error, rule)


@pytest.mark.parametrize("path", ["get_qrcode", "check_qrcode"])
def test_the_content_type_is_bare(world, path):
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    response = world.http.post(f"{API}/oauth/{path}/", data=f"client_key={KEY}", headers=headers)

    assert refusal(world, response) == (MALFORMED, T08)


# The way of a login


def test_a_login_is_new_then_scanned_then_confirmed_then_utilised(world):
    token, url = world.start()

    assert world.status(token) == {"client_ticket": "", "status": "new"}
    world.emulator.scan(url)
    assert world.status(token) == world.status(token) == {"client_ticket": TICKET, "status": "scanned"}
    world.emulator.confirm(url)
    confirmed = world.status(token)
    assert list(confirmed) == ["client_ticket", "redirect_uri", "status"]
    assert (confirmed["client_ticket"], confirmed["status"]) == (TICKET, "confirmed")
    assert re.fullmatch(
        re.escape(CALLBACK) + r"\?code=[\w-]+%2A1%21\d{4}\.va&state=s7Qm2cVx", confirmed["redirect_uri"]
    )
    assert world.status(token) == world.status(token) == {"client_ticket": TICKET, "status": "utilised"}


def test_the_code_is_exchanged_for_the_tokens_of_who_confirmed(world):
    tokens = world.redeem(code_of(world.confirmed(user="benmoka"))).json()

    assert (tokens["open_id"], tokens["scope"]) == (world.emulator.users[1].open_id, f"{BASIC},{PROFILE}")


def test_the_user_may_allow_a_part(world):
    assert world.redeem(code_of(world.confirmed(scopes=[BASIC]))).json()["scope"] == BASIC


def test_without_a_state_none_comes_back(world):
    token, url = world.start(state=None)
    world.emulator.scan(url)
    world.emulator.confirm(url)

    query = urlsplit(world.status(token)["redirect_uri"]).query
    assert list(parse_qs(query, keep_blank_values=True)) == ["code"]


@pytest.mark.parametrize("redirect_uris", [(), ("http://127.0.0.1:*/callback/",)])
def test_without_an_address_to_send_it_to_the_code_is_a_field_of_its_own(redirect_uris):
    world = Phone(App(KEY, SECRET, (BASIC, PROFILE), redirect_uris, "desktop"))
    confirmed = world.confirmed()

    assert list(confirmed) == ["client_ticket", "code", "state", "status"]
    assert confirmed["state"] == "s7Qm2cVx"
    assert "access_token" in world.redeem(confirmed["code"], redirect_uri="http://127.0.0.1:1/callback/").json()


@pytest.mark.parametrize("platform", ["web", "mobile", "web-strict"])
@pytest.mark.parametrize("redirect_uri", [None, "", CALLBACK, "as given"])
def test_the_exchange_needs_no_verifier_and_may_leave_out_the_redirect_uri(platform, redirect_uri):
    world = Phone(App(KEY, SECRET, (BASIC, PROFILE), (CALLBACK,), platform))
    confirmed = world.confirmed()
    given = confirmed["redirect_uri"] if redirect_uri == "as given" else redirect_uri

    assert "access_token" in world.redeem(code_of(confirmed), redirect_uri=given).json()


def test_the_exchange_may_not_name_another_redirect_uri(world):
    other = "https://app.example.test/other/"
    error = ("invalid_request", "Redirect_uri is not matched with the uri when requesting code.")

    assert refusal(world, world.redeem(code_of(world.confirmed()), redirect_uri=other)) == (error, T17)


def test_the_code_lives_from_when_it_is_handed_over(world):
    token, url = world.start()
    world.emulator.scan(url)
    world.emulator.confirm(url)
    world.clock.now += 100
    code = code_of(world.status(token))
    world.clock.now += 59

    assert "access_token" in world.redeem(code).json()


def test_the_app_is_connected_by_the_login(world):
    tokens = world.redeem(code_of(world.confirmed())).json()
    world.emulator.disconnect(0, KEY)

    assert world.userinfo(tokens["access_token"]).json()["error"]["code"] == "access_token_invalid"


# Its end


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_qr_code_ends_after_two_minutes_however_far_it_has_come(world, steps):
    token, url = world.start()
    world.clock.now += 119
    for step in (world.emulator.scan, world.emulator.confirm)[:steps]:
        step(url)
    world.clock.now += 1

    assert world.status(token) == {"client_ticket": "", "status": "expired"}
    for step in (world.emulator.scan, world.emulator.confirm):
        with pytest.raises(ValueError, match="the QR code is expired"):
            step(url)


def test_a_login_that_is_over_stays_utilised(world):
    token, url = world.start()
    world.emulator.scan(url)
    world.emulator.confirm(url)
    world.status(token)
    world.clock.now += 3600

    assert world.status(token) == {"client_ticket": TICKET, "status": "utilised"}


def test_the_lifetime_is_a_switch():
    world = Phone(qr_lifetime=5)
    token, _ = world.start()
    world.clock.now += 5

    assert world.status(token)["status"] == "expired"


def test_a_qr_code_is_forgotten_a_day_later(world):
    token, _ = world.start()
    world.clock.now += 120 + 86400

    assert refusal(world, world.check(token)) == (MALFORMED, QR_TOKEN)


# Polling


@pytest.mark.parametrize("token", [None, "", "VJ5UNKNOWN", "ü"])
def test_an_unknown_token_is_malformed(world, token):
    assert refusal(world, world.check(token)) == (MALFORMED, QR_TOKEN)


def test_a_token_of_another_app_is_unknown():
    other = App("awother", "OTHER")
    world = Phone(APP, other)
    token, _ = world.start()
    response = world.check(token, client_key="awother", client_secret="OTHER")

    assert refusal(world, response) == (MALFORMED, QR_TOKEN)


def test_polling_needs_the_secret(world):
    token, _ = world.start()

    assert refusal(world, world.check(token, client_secret="WRONG"))[0] == WRONG_CLIENT
    assert refusal(world, world.check(token, client_secret=None))[0][0] == "invalid_request"


def test_errors_have_the_status_that_the_switch_says():
    world = Phone(error_status="rfc")

    assert refusal(world, world.ask(client_key="aw0"), 401)[0] == WRONG_CLIENT
    assert refusal(world, world.check("x"), 400)[0] == MALFORMED


def test_when_tiktok_fails_it_says_so_in_the_way_of_the_token_endpoint(world):
    world.emulator.workbench.faults.add("qr-start:error-in-200:once")

    assert world.ask().json()["error"] == "server_error"


# The phone


@pytest.mark.parametrize(
    ("ticket", "message"),
    [
        ("tobefilled", "in place of 'tobefilled'"),
        ("", "in place of 'tobefilled'"),
        ("x" * 512, "at most 511"),
        ("ü" * 86, "at most 511"),
    ],
)
def test_the_ticket_has_to_be_put_in(world, ticket, message):
    _, url = world.start(ticket=ticket)

    with pytest.raises(ValueError, match=message):
        world.emulator.scan(url)


def test_a_ticket_of_511_characters_comes_back_as_it_was(world):
    token, url = world.start(ticket="%2B" + "x" * 508)
    world.emulator.scan(url)

    assert world.status(token)["client_ticket"] == "+" + "x" * 508


@pytest.mark.parametrize("url", ["", "https://example.test/", "aweme://authorize?client_ticket=x&qrcode=0", "//["])
def test_what_is_no_qr_code_of_the_emulator_is_not_scanned(world, url):
    for step in (world.emulator.scan, world.emulator.confirm):
        with pytest.raises(ValueError, match=r"."):
            step(url)


def test_steps_have_an_order(world):
    _, url = world.start()

    with pytest.raises(ValueError, match="the QR code is new, not scanned"):
        world.emulator.confirm(url)
    world.emulator.scan(url)
    with pytest.raises(ValueError, match="the QR code is scanned, not new"):
        world.emulator.scan(url)
    world.emulator.confirm(url)
    with pytest.raises(ValueError, match="the QR code is confirmed, not scanned"):
        world.emulator.confirm(url)


def test_nobody_allows_what_was_not_asked_for(world):
    _, url = world.start(scope=BASIC)
    world.emulator.scan(url)

    with pytest.raises(ValueError, match=r"the app does not ask for user\.info\.profile"):
        world.emulator.confirm(url, scopes=[BASIC, PROFILE])
    with pytest.raises(ValueError, match="no user 'nobody'"):
        world.emulator.confirm(url, user="nobody")


def test_a_sandbox_takes_its_target_users_only():
    world = Phone(App(KEY, SECRET, (BASIC, PROFILE), status="sandbox", target_users=("benmoka",)))
    _, url = world.start()
    world.emulator.scan(url)

    with pytest.raises(ValueError, match=r"'ada\.tok' is no target user"):
        world.emulator.confirm(url)
    world.emulator.confirm(url, user="benmoka")


def test_the_control_page_scans_and_confirms(world):
    token, url = world.start()

    assert world.act("scan", address=url) == "the QR code is scanned, and waits to be confirmed"
    assert world.act("confirm", address=url, user="benmoka", scopes=BASIC) == "the login is confirmed"
    tokens = world.redeem(code_of(world.status(token))).json()
    assert (tokens["open_id"], tokens["scope"]) == (world.emulator.users[1].open_id, BASIC)


def test_the_control_page_takes_the_first_user_and_every_scope_if_told_nothing(world):
    token, url = world.start()
    world.act("scan", address=url)
    world.act("confirm", address=url)

    tokens = world.redeem(code_of(world.status(token))).json()
    assert (tokens["open_id"], tokens["scope"]) == (world.emulator.users[0].open_id, f"{BASIC},{PROFILE}")


def test_a_hostile_form_is_answered(world):
    for path in ("get_qrcode", "check_qrcode"):
        for form in (
            {"client_key": "\x00" * 9, "scope": "\ud800"},
            {"client_key": KEY, "scope": ",,", "token": "\ud800"},
        ):
            answer = world.emulator.workbench.answer(
                Request(
                    "POST",
                    f"/v2/oauth/{path}/",
                    form=form | {"client_secret": SECRET},
                    headers={"Content-Type": "application/x-www-form-urlencoded"},
                )
            )
            assert answer.status == 200


def test_a_state_that_is_too_long_is_malformed(world):
    form = {"client_key": KEY, "scope": "user.info.basic", "state": "s" * 2001}
    assert world.post("/oauth/get_qrcode/", form).json()["error"] == "invalid_request"
