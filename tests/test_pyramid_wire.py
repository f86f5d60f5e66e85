"""What goes over the wire and what is said of it, each by its row: what an app sends, and that no secret gets out."""

from __future__ import annotations

import http.client
import logging
from base64 import b64encode
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest
from account_apps import AccountApp
from fakes import ACCESS_TOKEN, CLIENT_SECRET, REFRESH_TOKEN, state_of
from pyramid.response import Response
from pyramid_apps import CODE, call, handled_by
from wire import BODIES, Wire, acme_at, head

from authkit.pkce import s256

pytest_plugins = ["account_fixtures", "faulty_fixtures"]
pytestmark = pytest.mark.pyramid

UNRESERVED = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")


def query_of(url):
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query, strict_parsing=True).items()}


def test_pkc_01_the_challenge_on_the_wire_is_that_of_the_verifier(world):
    browser = world.browser()
    url = browser.get("/auth/acme", status=302).location
    browser.get(world.callback(state_of(url)), status=303)
    [sent] = world.network.to("token")
    verifier = sent.form["code_verifier"]

    assert query_of(url)["code_challenge_method"] == "S256"
    assert query_of(url)["code_challenge"] == s256(verifier)
    assert b64encode(sha256(verifier.encode()).digest(), b"-_").decode().rstrip("=") == s256(verifier)
    assert 43 <= len(verifier) <= 128
    assert set(verifier) <= UNRESERVED
    assert verifier not in url


def test_mix_05_each_registration_has_a_redirect_uri_of_its_own(world):
    browser = world.browser()
    asked = {}
    for name in ("acme", "other"):
        url = browser.get(f"/auth/{name}", status=302).location
        browser.get(world.callback(state_of(url), name), expect_errors=True)
        asked[name] = query_of(url)["redirect_uri"]

    assert asked == {name: f"https://app.example/auth/{name}/callback" for name in ("acme", "other")}
    assert [sent.form["redirect_uri"] for sent in world.network.to("token")] == list(asked.values())


def test_lek_05_no_address_that_is_asked_holds_a_secret(world):
    browser = world.browser()
    world.log_in(browser)
    world.network.replies["token"] = {"error": "invalid_grant"}
    world.refused(browser, world.callback(world.start(browser)), "provider_rejected", exchanges=1)

    assert [sent.url for sent in world.network.sent] == [
        "https://acme.example/oauth/token",
        "https://acme.example/api/me",
        "https://acme.example/oauth/token",
    ]


@pytest.fixture
def chatty(caplog, monkeypatch):
    """Let everybody log and print all they can."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    caplog.set_level(logging.DEBUG)
    loggers = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    levels = {logger: (logger.level, logger.disabled) for logger in loggers}
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        logger.disabled = False
    yield
    for logger, (level, is_disabled) in levels.items():
        logger.setLevel(level)
        logger.disabled = is_disabled


FAULTS = {
    "provider_rejected": b'{"error": "invalid_grant", "error_description": "' + CODE.encode() + b'"}',
    "provider_protocol": b'{"access_token": "' + ACCESS_TOKEN.encode() + b'"',
    "provider_unavailable": b"",
}
"""What the provider answers, and the code of the error that it is; nothing, if it ends the connection."""


def test_lek_01_no_secret_is_logged_or_printed_however_much_is(new_world, sqlite, serve, certificates, chatty, capfd):
    bodies = []

    def handle(peer):
        while peer.read_request() and bodies[0]:
            peer.send(head("200 OK", f"Content-Length: {len(bodies[0])}") + bodies.pop(0))

    sqlite.engine.echo = "debug"
    providers = (acme_at(serve(handle).host),)
    app = AccountApp(new_world, sqlite, network=Wire(certificates.bundle), providers=providers)
    browser = app.world.browser()
    bodies += [BODIES["token"], BODIES["me"]]
    app.world.log_in(browser)
    for code, body in FAULTS.items():
        bodies[:] = [body]
        state = app.world.start(browser)
        app.world.refused(browser, app.world.callback(state), code, exchanges=1)
        app.world.refused(browser, app.world.callback(state), "state_invalid")
    out, err = capfd.readouterr()

    assert "SELECT" in app.world.caplog.text, "SQLAlchemy says what it does"
    for canary in (CODE, CLIENT_SECRET, ACCESS_TOKEN, REFRESH_TOKEN, *app.world.random.texts):
        assert canary[:7] not in out + err


def test_lek_04_no_page_of_ours_loads_anything_of_others(world):
    browser = world.browser()
    pages = [
        call(world.app, "/auth/"),
        call(world.app, "/auth/nope"),
        call(world.app, "/auth/acme/callback", "error=x&state=y"),
    ]
    world.log_in(browser)

    for page in pages:
        assert "https://" not in page.text
        assert "http://" not in page.text
        assert page.get("Referrer-Policy") == "no-referrer"


def test_ocs_16_the_code_and_the_refresh_token_are_all_that_is_ever_exchanged(new_world):
    tokens = []
    world = new_world(handled_by(lambda request, login: tokens.append(login.token) or Response("signed in")))
    world.log_in(world.browser(), status=200)
    world.kit.refresh("acme", tokens[0])

    forms = [sent.form for sent in world.network.to("token")]
    assert [form["grant_type"] for form in forms] == ["authorization_code", "refresh_token"]
    assert not {"username", "password"} & {name for form in forms for name in form}
