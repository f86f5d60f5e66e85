"""`login_as`: an app developer signs in to their own app in one line of a test."""

from __future__ import annotations

import functools
import importlib
import json
import logging
from dataclasses import replace

import pytest
from fakes import SETTINGS, acme
from login_world import EXAMPLES, IDP, SITE, TIKTOK, example, issuer, me, new_app, new_browser
from pyramid.config import Configurator
from pyramid.response import Response
from pyramid_apps import handled_by, make_app, own_policy, server_session, strict_defaults
from webtest import TestApp

from authkit import AuthKit, Profile
from authkit.accounts.migrate import upgrade
from authkit.errors import AccountDenied, ConfigError
from authkit.testing import emulate, emulator_of, login_as
from authkit_tiktok import authkit_emulators as tiktok_emulators
from authkit_tiktok.provider import tiktok

pytestmark = pytest.mark.pyramid

PROFILE = Profile(
    subject="7",
    display_name="Zoë",
    username="zoe",
    avatar_url="https://pictures.example/zoe.png",
    email="zoe@mail.example",
    email_verified=True,
    union_id="family-7",
)


def everything(data):
    return Profile(
        subject=data["id"],
        display_name=data.get("name"),
        username=data.get("login"),
        avatar_url=data.get("picture"),
        email=data.get("email"),
        email_verified=data.get("email_verified", False),
        union_id=data.get("family"),
    )


def kept_logins():
    """Return a list of logins, and a part of an app whose login handler puts each into it."""
    from authkit.pyramid import sign_in

    logins = []

    def on_login(request, login):
        logins.append(login)
        return sign_in(request, login, login.identity.key)

    return logins, handled_by(on_login)


# The examples


def test_the_smallest_app_signs_somebody_in(monkeypatch):
    browser = TestApp(example("hello", monkeypatch).main({}, **TIKTOK))

    response = login_as(browser, "tiktok", subject="ann")

    assert (response.status_int, response.location) == (303, "https://app.example/")
    assert browser.get("/").text == "Hello, v1:tiktok:the-app%27s-key:ann"


def test_an_app_with_accounts_knows_whoever_comes_back(monkeypatch, tmp_path):
    settings = {**TIKTOK, "authkit.accounts.database": f"sqlite:///{tmp_path / 'app.sqlite'}"}
    app = example("accounts", monkeypatch).main({}, **settings)
    upgrade(app.registry["authkit.database"])
    first, second, third = (TestApp(app) for _ in range(3))

    login_as(first, "tiktok", subject="ann", display_name="Ann")
    login_as(second, "tiktok", subject="ben", display_name="Ben")
    login_as(third, "tiktok", subject="ann", display_name="Anna")

    pages = [browser.get("/") for browser in (first, second, third)]
    assert ["Hello, Anna<" in pages[0], "Hello, Ben<" in pages[1], "Hello, Anna<" in pages[2]] == [True] * 3
    listed = third.get("/auth/accounts", headers={"Accept": "application/json"}).json
    assert len(listed["identities"]) == 1
    app.registry["authkit.database"].close()


def test_an_app_with_users_of_its_own_makes_one(monkeypatch, tmp_path):
    own_users = example("own_users", monkeypatch)
    settings = {**TIKTOK, "authkit.accounts.database": f"sqlite:///{tmp_path / 'app.sqlite'}"}
    app = own_users.main({}, **settings)
    upgrade(app.registry["authkit.database"])
    own_users.Base.metadata.create_all(app.registry["engine"])
    browser = TestApp(app)

    login_as(browser, "tiktok", display_name="Ann")

    assert browser.get("/").text.startswith("Hello, Ann, number 1.")
    app.registry["engine"].dispose()
    app.registry["authkit.database"].close()


# Who signs in


def test_the_app_is_told_all_that_was_said():
    logins, part = kept_logins()
    browser = new_browser(part, providers=(replace(acme, profile=everything),), settings=SETTINGS)

    login_as(
        browser,
        "acme",
        subject="7",
        display_name="Zoë",
        username="zoe",
        avatar_url="https://pictures.example/zoe.png",
        email="zoe@mail.example",
        email_verified=True,
        union_id="family-7",
    )

    assert logins[0].profile == PROFILE
    assert logins[0].identity.key == "v1:acme:acme-client:7"


def test_somebody_signs_in_where_nothing_is_said():
    browser = new_browser()
    login_as(browser, "acme")

    assert me(browser) == "v1:acme:acme-client:1000001"


def test_somebody_without_a_subject_has_one_that_is_theirs():
    keys = []
    for name in ("Ann", "Ben", "Ann"):
        browser = new_browser()
        login_as(browser, "acme", display_name=name)
        keys.append(me(browser))

    assert keys[0] == keys[2] != keys[1]
    assert keys[0].rpartition(":")[2].isdecimal()


def test_an_account_of_the_emulator_signs_in():
    browser = new_browser()
    login_as(browser, "acme", user="1000003")

    assert me(browser) == "v1:acme:acme-client:1000003"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"user": 1, "display_name": "Ann", "subject": "7"}, "user and subject, display_name exclude each other"),
        ({"email_verified": True}, "email_verified needs an email"),
        ({"email": "a@mail.example"}, "Acme cannot have somebody with the email 'a@mail.example'"),
        ({"user": "nobody"}, "no user 'nobody'"),
        ({"scopes": ["admin"]}, "no box for admin"),
    ],
)
def test_who_cannot_be_is_refused(said, problem):
    with pytest.raises(ValueError, match=problem):
        login_as(new_browser(), "acme", **said)


def test_what_did_not_arrive_for_want_of_a_scope_is_said():
    browser = new_browser(providers=(tiktok,), authkit_emulators=tiktok_emulators, settings=TIKTOK)

    with pytest.raises(
        AssertionError, match=r"told the app otherwise: \{'username': None\}.*for: user\.info\.basic$"
    ):
        login_as(browser, "tiktok", username="ann.tok")


def test_what_did_not_arrive_since_it_was_not_granted_is_no_surprise():
    logins, part = kept_logins()
    scope = {"authkit.tiktok.scope": "user.info.basic user.info.profile"}
    browser = new_browser(part, providers=(tiktok,), authkit_emulators=tiktok_emulators, settings={**TIKTOK, **scope})

    login_as(browser, "tiktok", username="ann.tok", scopes=["user.info.basic"])

    assert (logins[0].profile.username, logins[0].missing_scopes) == (None, ("user.info.profile",))


# The app


def test_the_visitor_goes_on_where_they_wanted_to():
    assert login_as(new_browser(), "acme", return_to="/inbox?page=2").location == "https://app.example/inbox?page=2"


def test_the_answer_is_that_of_the_apps_own_handler():
    def on_login(request, login):
        return Response(json={"hello": login.profile.display_name})

    assert login_as(new_browser(handled_by(on_login)), "acme", display_name="Ann").json == {"hello": "Ann"}


@pytest.mark.parametrize("part", [own_policy, server_session(), strict_defaults], ids=["policy", "session", "strict"])
def test_apps_of_other_kinds_sign_in_as_well(part):
    browser = new_browser(part)
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"


def test_a_handler_that_refuses_is_quoted():
    def on_login(request, login):
        raise AccountDenied("too young")

    with pytest.raises(AssertionError, match=r"'acme' failed: account_denied, since too young\. .*answered 403"):
        login_as(new_browser(handled_by(on_login)), "acme")


def test_a_login_while_somebody_else_is_signed_in_fails():
    browser = new_browser()
    login_as(browser, "acme", subject="7")

    with pytest.raises(AssertionError, match=r"failed: account_conflict, .* answered 409"):
        login_as(browser, "acme", subject="8")
    assert me(browser) == "v1:acme:acme-client:7"


def test_two_browsers_of_one_app_are_two_people():
    app = new_app()
    first, second = TestApp(app), TestApp(app)
    login_as(first, "acme", subject="7")
    login_as(second, "acme", subject="8")

    assert [me(first), me(second), me(TestApp(app))] == [
        "v1:acme:acme-client:7",
        "v1:acme:acme-client:8",
        "anonymous",
    ]


def test_two_registrations_of_one_provider_are_two_clients():
    settings = {
        "authkit.shop.provider": "acme",
        "authkit.shop.client_id": "shop-client",
        "authkit.shop.client_secret": "shop-secret",
    }
    app = new_app(settings=settings)
    first, second = TestApp(app), TestApp(app)
    login_as(first, "acme", subject="7")
    login_as(second, "shop", subject="7")

    assert [me(first), me(second)] == ["v1:acme:acme-client:7", "v1:acme:shop-client:7"]
    assert [len(emulator_of(first, name).users) for name in ("acme", "shop")] == [4, 4]
    assert emulator_of(first, "acme") is not emulator_of(first, "shop")


def test_a_token_can_be_refreshed_and_revoked_afterwards():
    logins, part = kept_logins()
    browser = new_browser(part)
    login_as(browser, "acme")
    kit = browser.app.registry["authkit.kit"]

    fresh = kit.refresh("acme", logins[0].token)

    assert fresh.access_token != logins[0].token.access_token
    assert kit.revoke("acme", fresh) is True
    assert [request.endpoint for request in emulator_of(browser, "acme").requests][-2:] == ["token", "revoke"]


def test_a_desktop_app_at_tiktok_is_one_at_the_emulator_too():
    settings = {
        **TIKTOK,
        "authkit.base_url": "http://127.0.0.1:6543",
        "authkit.tiktok.platform": "desktop",
    }
    browser = new_browser(providers=(tiktok,), authkit_emulators=tiktok_emulators, settings=settings)
    login_as(browser, "tiktok", subject="ann")

    assert me(browser) == "v1:tiktok:the-app%27s-key:ann"
    assert emulator_of(browser, "tiktok").apps[0].platform == "desktop"


def test_a_further_scope_may_be_asked_for():
    settings = {**TIKTOK, "authkit.tiktok.scope": "user.info.basic video.publish"}
    browser = new_browser(providers=(tiktok,), authkit_emulators=tiktok_emulators, settings=settings)
    login_as(browser, "tiktok")

    assert emulator_of(browser, "tiktok").scopes == (
        "user.info.basic",
        "video.publish",
        "user.info.profile",
        "user.info.stats",
        "video.list",
    )


def test_a_provider_with_two_endpoints_at_one_path_signs_in():
    both = replace(acme, authorize_url="https://www.acme.example/oauth", token_url="https://api.acme.example/oauth")
    browser = new_browser(providers=(both,), settings=SETTINGS)
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"
    assert [request.path for request in emulator_of(browser, "acme").requests] == [
        "/authorize",
        "/authorize",
        "/token",
        "/userinfo",
    ]


def test_endpoints_that_the_settings_change_are_those_of_the_emulator():
    settings = {"authkit.acme.token_url": "http://127.0.0.1:8787/elsewhere/token"}
    browser = new_browser(settings=settings)
    login_as(browser, "acme")

    assert emulator_of(browser, "acme").requests[-2].path == "/elsewhere/token"


def test_a_public_client_signs_in():
    public = replace(acme, token_auth="none")
    browser = new_browser(providers=(public,), settings={**SITE, "authkit.acme.client_id": "acme-client"})
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"


# OpenID Connect


def test_an_issuer_vouches_for_who_signs_in():
    browser = new_browser(providers=(issuer,), settings=IDP)
    login_as(browser, "idp", subject="ann", display_name="Ann", email="ann@mail.example", email_verified=True)

    assert me(browser) == "v1:https%3A%2F%2Fidp.example%2Frealms%2Fone:idp-client:ann"


def test_an_issuer_in_the_settings_vouches_as_well():
    settings = {
        **SITE,
        "authkit.google.provider": "oidc",
        "authkit.google.issuer": "https://accounts.google.example",
        "authkit.google.client_id": "app.google.example",
        "authkit.google.client_secret": "worthless",
    }
    browser = TestApp(make_app(AuthKit.from_settings(settings, environ={})))  # with what is installed
    login_as(browser, "google", subject="ann")

    assert me(browser) == "v1:https%3A%2F%2Faccounts.google.example:app.google.example:ann"


def test_a_client_with_a_key_signs_in():
    from joserfc.jwk import ECKey

    key = json.dumps(ECKey.generate_key("P-256").as_dict(private=True))
    settings = {**SITE, "authkit.idp.client_id": "idp-client", "authkit.idp.private_key": key}
    browser = new_browser(providers=(issuer,), settings=settings)
    login_as(browser, "idp", subject="ann")

    assert me(browser).endswith(":ann")
    exchanged = next(request for request in emulator_of(browser, "idp").requests if request.endpoint == "token")
    assert "client_assertion" in exchanged.form
    assert "client_secret" not in exchanged.form


# Where the app is


class ByApp:
    def __init__(self, app):
        self.app = app

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)


class ByApplication(ByApp):
    def __init__(self, app):
        self.application = app

    def __call__(self, environ, start_response):
        return self.application(environ, start_response)


class ByWsgiApp(ByApp):
    def __init__(self, app):
        self.wsgi_app = app
        self.app = self

    def __call__(self, environ, start_response):
        return self.wsgi_app(environ, start_response)


def by_function(app):
    @functools.wraps(app, updated=())
    def wrapped(environ, start_response):
        return app(environ, start_response)

    return wrapped


@pytest.mark.parametrize("wrap", [ByApp, ByApplication, ByWsgiApp, by_function])
def test_an_app_with_middleware_around_it_is_found(wrap):
    browser = TestApp(wrap(ByApp(new_app())))
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"


def test_what_is_no_pyramid_app_is_named():
    class Hidden(ByApp):
        def __init__(self, app):
            self.inner = app
            self.registry = "of something else"

    with pytest.raises(LookupError, match=r"no Pyramid app behind Hidden: .* attribute `app` \(or `application`"):
        login_as(TestApp(Hidden(new_app())), "acme")


def test_an_app_is_no_browser():
    with pytest.raises(LookupError, match=r"a Router is no browser: write TestApp\(app\)"):
        login_as(Configurator().make_wsgi_app(), "acme")


def test_an_app_without_authkit_is_told_what_is_missing():
    browser = TestApp(Configurator().make_wsgi_app())

    with pytest.raises(LookupError, match=r'has no authkit: config\.include\("authkit\.pyramid"\) is missing'):
        login_as(browser, "acme")


def test_a_registration_that_is_not_there_is_named():
    with pytest.raises(LookupError, match=r"no registration is named 'tiktok'; there are: acme"):
        login_as(new_browser(), "tiktok")


def test_the_browser_keeps_its_environment_and_gets_the_apps_address():
    given = {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "localhost"}
    browser = TestApp(new_app(), extra_environ=given)
    login_as(browser, "acme")

    assert given == {"REMOTE_ADDR": "192.0.2.7", "HTTP_HOST": "localhost"}
    assert browser.extra_environ == {
        "REMOTE_ADDR": "192.0.2.7",
        "HTTP_HOST": "app.example",
        "wsgi.url_scheme": "https",
    }
    assert all(name.startswith("__Host-") for name in browser.cookies)


def test_an_app_under_a_path_is_found_there():
    browser = new_browser(settings={"authkit.base_url": "https://app.example/shop"})

    assert login_as(browser, "acme", return_to="/shop/inbox").location == "https://app.example/shop/inbox"
    assert browser.get("/shop/me").text == me(browser) == "v1:acme:acme-client:1000001"


def test_a_login_that_does_not_start_is_said():
    def closed(config):
        config.add_view(lambda _: Response("closed", status=423), route_name="authkit.start")

    with pytest.raises(AssertionError, match=r"did not start: the app answered 423 Locked to /auth/acme$"):
        login_as(new_browser(closed), "acme")


def test_a_callback_that_nobody_answers_is_said():
    browser = new_browser(settings={"authkit.acme.redirect_uri": "https://app.example/elsewhere"})

    with pytest.raises(AssertionError, match=r"no audit line was written\. .*redirect_uri says.* answered 404"):
        login_as(browser, "acme")


def test_logging_may_be_set_up_in_any_way():
    audit = logging.getLogger("authkit.audit")
    before, handlers = audit.level, list(audit.handlers)
    audit.disabled = True
    audit.setLevel(logging.CRITICAL)
    try:
        login_as(new_browser(), "acme")
        assert (audit.disabled, audit.level, audit.handlers) == (True, logging.CRITICAL, handlers)
    finally:
        audit.disabled = False
        audit.setLevel(before)


def test_a_link_is_not_taken_for_a_login(monkeypatch):
    from authkit.testing.audit import AuditLine
    from authkit.testing.logins import _is_login

    line = AuditLine.read("outcome=success code=ok provider=acme registration=acme ref=1 identity=a purpose=link")

    assert not _is_login(line, "acme")


# Emulators of the developer's own choice


def test_a_kit_that_the_app_puts_in_later_is_emulated_as_well():
    app = new_app()
    login_as(TestApp(app), "acme")
    app.registry["authkit.kit"] = AuthKit.from_settings(
        {**SETTINGS, "authkit.acme.client_id": "another-client"},
        plugins=app.registry["authkit.kit"].plugins,
        environ={},
    )
    browser = TestApp(app)
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:another-client:7"


def test_people_stay_when_the_app_is_emulated_once_more():
    browser = new_browser()
    login_as(browser, "acme", subject="7")
    before = emulator_of(browser, "acme")
    emulate(browser)

    assert emulator_of(browser, "acme") is before


def test_an_emulator_can_be_given():
    from authkit.emulator import StockClient, StockEmulator

    emulator = StockEmulator(
        acme,
        users=[{"id": "42", "name": "Douglas"}],
        clients=[StockClient("acme-client", SETTINGS["authkit.acme.client_secret"])],
    )
    browser = new_browser()
    emulate(browser, {"acme": emulator})
    login_as(browser, "acme")

    assert me(browser) == "v1:acme:acme-client:42"
    assert emulator_of(browser, "acme") is emulator


def test_app_and_provider_go_by_the_clock_that_is_given():
    from fakes import Clock

    clock, (logins, part) = Clock(), kept_logins()
    browser = new_browser(part)
    emulate(browser, clock=clock)
    login_as(browser, "acme")
    before = logins[0].token.expires_at.timestamp()
    clock.now += 3601
    kit = browser.app.registry["authkit.kit"]

    assert kit.clock is clock
    assert before == clock.now - 1
    assert emulator_of(browser, "acme").workbench.clock() == clock.now
    assert kit.refresh("acme", logins[0].token).expires_at.timestamp() == before + 3601


def test_a_transaction_expires_by_the_clock_that_is_given():
    from fakes import Clock

    clock = Clock()
    browser = new_browser()
    emulate(browser, clock=clock)
    callback = emulator_of(browser, "acme").approve(browser.get("/auth/acme").location)
    clock.now += 3600

    assert "state_invalid" in browser.get(callback, expect_errors=True)


# What cannot be emulated


class Odd:
    """A provider that is neither OAuth 2.0 nor OpenID Connect, and whose client asks the network."""

    name, title, default_scope = "odd", "Odd", ()

    def client(self, client_id, client_secret, transport):
        from authkit.oauth2 import OAuth2Client

        return OAuth2Client(replace(acme, name="odd"), client_id, client_secret, transport)


ODD = {**SETTINGS, "authkit.odd.client_id": "odd-client", "authkit.odd.client_secret": "odd-secret"}


def test_a_registration_that_cannot_be_emulated_is_in_nobodys_way():
    browser = new_browser(providers=(acme, Odd()), settings=ODD)
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"
    with pytest.raises(ConfigError, match=r"authkit\.odd cannot be emulated: Odd is no OAuth 2\.0 code flow"):
        login_as(browser, "odd")


def test_a_registration_that_cannot_be_emulated_goes_out_to_no_network(caplog):
    browser = new_browser(providers=(acme, Odd()), settings=ODD)
    emulate(browser)
    started = browser.get("/auth/odd")
    state = started.location.rpartition("state=")[2].partition("&")[0]

    answer = browser.get(f"/auth/odd/callback?code=c&state={state}", expect_errors=True)

    assert answer.status_int == 502
    assert "authkit.odd cannot be emulated" in caplog.text


class Limited:
    """An emulator of a plugin that knows one client, and is driven by hand only."""

    provider, scopes = "acme", ()

    def __init__(self):
        from authkit.emulator import StockEmulator

        self.stock = StockEmulator(acme)

    def __call__(self, environ, start_response):
        return self.stock(environ, start_response)

    def settings(self, origin):
        return self.stock.settings(origin)


class Drivable(Limited):
    def __getattr__(self, name):
        return getattr(self.stock, name)


KNOWN = {"authkit.acme.client_id": "emulated-client", "authkit.acme.client_secret": "emulated-secret-worth-nothing"}


def test_an_emulator_of_a_plugin_that_knows_one_client_serves_that_client():
    browser = new_browser(settings=KNOWN, authkit_emulators=lambda: [Drivable])
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:emulated-client:7"
    assert isinstance(emulator_of(browser, "acme"), Drivable)


def test_an_emulator_that_a_plugin_tells_more_serves_every_client():
    from authkit.emulator import StockMaker

    keyed = replace(acme, client_id_param="client_key")
    browser = new_browser(
        providers=(keyed,),
        settings=SETTINGS,
        authkit_emulators=lambda: [StockMaker(keyed, users=[{"id": "7", "name": "A"}])],
    )
    login_as(browser, "acme")

    assert me(browser) == "v1:acme:acme-client:7"


def test_a_provider_whose_user_info_takes_two_calls_is_emulated_as_well(monkeypatch):
    monkeypatch.syspath_prepend(EXAMPLES / "plugins" / "authkit-github")
    plugin = importlib.import_module("authkit_github")
    logins, part = kept_logins()
    settings = {**SITE, "authkit.github.client_id": "Iv1.app", "authkit.github.client_secret": "worthless"}
    browser = new_browser(
        part, providers=(plugin.github,), settings=settings, authkit_emulators=plugin.authkit_emulators
    )
    login_as(browser, "github", username="octo", email="octo@mail.example", email_verified=True)
    profile = logins[0].profile

    assert (profile.username, profile.email, profile.email_verified) == ("octo", "octo@mail.example", True)
    with pytest.raises(ValueError, match="GitHub cannot have somebody with the subject 'octo'"):
        login_as(browser, "github", subject="octo")
    with pytest.raises(ValueError, match="email_verified False"):  # the plugin passes on no other address
        login_as(browser, "github", email="octo@mail.example")


def test_an_emulator_of_a_plugin_that_knows_one_client_serves_no_other():
    browser = new_browser(authkit_emulators=lambda: [Drivable])

    with pytest.raises(
        ConfigError, match=r"knows no other client .*: set authkit\.acme\.client_id and \.client_secret"
    ):
        login_as(browser, "acme")


def test_an_emulator_of_a_plugin_that_cannot_be_driven_is_told_what_it_lacks():
    browser = new_browser(settings=KNOWN, authkit_emulators=lambda: [Limited])

    with pytest.raises(
        ConfigError, match=r"no test can drive its emulator, which lacks workbench, approve, deny, enrol"
    ):
        login_as(browser, "acme")
