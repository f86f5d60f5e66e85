"""`login_fails`: a login fails for a real reason, in one line of a test."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fakes import acme
from login_world import IDP, SITE, TIKTOK, issuer, me, new_browser
from pyramid.response import Response
from pyramid_apps import STATUSES, handled_by
from webtest import TestApp

from authkit.errors import AccountDenied, LinkRequired
from authkit.testing import emulator_of, login_as, login_fails
from authkit.testing.failures import FAILURES
from authkit_tiktok import authkit_emulators as tiktok_emulators
from authkit_tiktok.provider import tiktok

pytestmark = pytest.mark.pyramid

BY_THE_APP = {"account_conflict", "account_denied", "link_required", "store_unavailable"}
BY_OTHERS = sorted(set(FAILURES) - BY_THE_APP)


def acme_browser(*parts, **settings):
    return new_browser(*parts, settings=settings)


def browsers():
    """Return a browser for an app with each kind of provider, by the registration."""
    needed = replace(acme, basic_scope=("profile",))
    scope = {"authkit.idp.scope": "openid email", "authkit.idp.required_scope": "email"}
    return {
        "acme": new_browser(providers=(needed,), settings=ACME),
        "tiktok": new_browser(providers=(tiktok,), authkit_emulators=tiktok_emulators, settings=TIKTOK),
        "idp": new_browser(providers=(issuer,), settings={**IDP, **scope}),
    }


ACME = {"authkit.acme.client_id": "acme-client", "authkit.acme.client_secret": "acme-secret"}


@pytest.mark.parametrize("code", BY_OTHERS)
@pytest.mark.parametrize("name", ["acme", "tiktok", "idp"])
def test_a_login_fails_as_it_is_told_to_with_every_kind_of_provider(name, code, caplog):
    browser = browsers()[name]

    response = login_fails(browser, name, code)

    assert response.status_int == STATUSES[code]
    assert code in response.text
    assert me(browser) == "anonymous"
    assert [f"code={code} " in line for line in caplog.messages if line.startswith("outcome=")] == [True]


@pytest.mark.parametrize("code", BY_OTHERS)
def test_after_a_failure_everything_works_again(code):
    browser = browsers()["acme"]
    kit = emulator_of(browser, "acme") and browser.app.registry["authkit.kit"]
    login_fails(browser, "acme", code)
    login_as(browser, "acme", subject="7")

    assert me(browser) == "v1:acme:acme-client:7"
    assert list(emulator_of(browser, "acme").workbench.faults) == []
    assert browser.app.registry["authkit.kit"] is kit


def test_every_code_is_one_that_a_browser_may_see():
    assert set(FAILURES) < set(STATUSES)


# Where it is the app that refuses


def refusing(error):
    def on_login(request, login):
        raise error

    return handled_by(on_login)


def test_whom_the_app_refuses_is_refused():
    def on_login(request, login):
        if login.profile.subject == "7":
            raise AccountDenied("too young")
        return Response("welcome")

    browser = acme_browser(handled_by(on_login))

    assert login_fails(browser, "acme", "account_denied", subject="7").status_int == 403
    assert login_as(browser, "acme", subject="8").text == "welcome"


@pytest.mark.parametrize(
    ("error", "code"), [(LinkRequired(), "link_required"), (RuntimeError("a mistake"), "store_unavailable")]
)
def test_a_handler_that_raises_is_answered_by_what_it_means(error, code):
    assert login_fails(acme_browser(refusing(error)), "acme", code).status_int == STATUSES[code]


def test_whoever_signs_in_as_somebody_else_is_in_conflict():
    browser = acme_browser()
    login_as(browser, "acme", subject="7")

    assert login_fails(browser, "acme", "account_conflict").status_int == 409
    assert me(browser) == "v1:acme:acme-client:7"


def test_an_app_with_a_login_page_of_its_own_is_told_there():
    browser = acme_browser(**{"authkit.login_url": "/sign-in"})

    response = login_fails(browser, "acme", "access_denied")

    assert response.status_int == 303
    assert response.location.startswith("https://app.example/sign-in?error=access_denied&ref=")


# What fails otherwise


def test_a_login_that_succeeds_has_not_failed():
    with pytest.raises(
        AssertionError, match=r"did not fail with 'account_denied': v1:acme:acme-client:1000001 signed in"
    ):
        login_fails(acme_browser(), "acme", "account_denied")


def test_a_login_that_fails_in_another_way_has_not_failed_so():
    browser = acme_browser(refusing(LinkRequired("known by mail")))

    with pytest.raises(AssertionError, match=r"with 'account_denied': link_required, since known by mail\. .* 409"):
        login_fails(browser, "acme", "account_denied")


def test_a_failure_without_a_reason_is_quoted_as_well():
    with pytest.raises(AssertionError, match=r"link_required, since so it is\."):
        login_fails(acme_browser(refusing(LinkRequired())), "acme", "account_denied")


def test_an_unknown_code_is_told_which_there_are():
    with pytest.raises(
        ValueError, match=r"no login is made to fail with 'denied'; possible are: access_denied, account_"
    ):
        login_fails(acme_browser(), "acme", "denied")


def test_a_scope_can_only_be_missing_where_one_is_needed():
    with pytest.raises(
        ValueError, match=r"needs no scope, so none can be missing: set authkit\.acme\.required_scope$"
    ):
        login_fails(acme_browser(), "acme", "scope_missing")

    browser = acme_browser(**{"authkit.acme.required_scope": "profile"})
    assert login_fails(browser, "acme", "scope_missing").status_int == 403


def test_a_secret_can_only_be_wrong_where_there_is_one():
    public = new_browser(
        providers=(replace(acme, token_auth="none"),), settings={**SITE, "authkit.acme.client_id": "acme-client"}
    )

    with pytest.raises(ValueError, match="the client of 'acme' proves itself without a secret"):
        login_fails(public, "acme", "provider_misconfigured")


def test_an_emulator_with_other_endpoints_cannot_have_the_fault():
    from authkit.emulator import Answer, Endpoint, StockClient, StockEmulator, Workbench
    from authkit.testing import emulate

    class Renamed(StockEmulator):
        def __init__(self):
            super().__init__(acme, clients=[StockClient("acme-client", "canary-client-secret")])
            self.workbench = Workbench(
                "Acme",
                [Endpoint("exchange", "POST", ("/oauth/token",), lambda _: Answer(404))],
                clock=self.workbench.clock,
                switches=self.workbench.switches,
            )

    browser = acme_browser()
    emulate(browser, {"acme": Renamed()})

    with pytest.raises(
        ValueError, match="the emulator of 'acme' does not take the fault token:reset:always: no endpoint"
    ):
        login_fails(browser, "acme", "provider_unavailable")


def test_two_browsers_fail_apart():
    first = acme_browser()
    second = TestApp(first.app)
    login_as(first, "acme", subject="7")
    login_fails(second, "acme", "access_denied")

    assert [me(first), me(second)] == ["v1:acme:acme-client:7", "anonymous"]
