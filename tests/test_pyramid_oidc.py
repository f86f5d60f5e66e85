"""Signing in and out at an issuer, through Pyramid."""

from __future__ import annotations

import pytest
from openid_world import CLIENT_ID, ISSUER, World, query_of
from pyramid_apps import HTTPS, make_app
from webtest import TestApp

pytestmark = pytest.mark.pyramid


def sign_in(world: World) -> TestApp:
    browser = TestApp(make_app(world.kit), extra_environ=HTTPS)
    consent = browser.get("/auth/idp", status=302).location
    browser.get(world.emulator.approve(consent).removeprefix("https://app.example"), status=303)
    return browser


def test_somebody_signs_in() -> None:
    assert sign_in(World()).get("/me").text == "v1:https%3A%2F%2Fidp.example:emulated-client:1000001"


def test_an_issuer_that_does_not_answer_is_a_page_that_says_so() -> None:
    world = World(faults=["discovery:503"])
    browser = TestApp(make_app(world.kit), extra_environ=HTTPS)

    page = browser.get("/auth/idp", status=503)

    assert "provider_unavailable" in page.text
    assert page.headers["Retry-After"] == "30"


def test_a_sign_out_goes_on_at_the_issuer_that_the_form_names() -> None:
    browser = sign_in(World())

    answer = browser.post("/auth/logout?registration=idp", status=303)

    assert answer.location.partition("?")[0] == f"{ISSUER}/end_session"
    assert query_of(answer.location) == {
        "client_id": CLIENT_ID,
        "post_logout_redirect_uri": "https://app.example/",
    }
    assert browser.get("/me").text == "anonymous"


@pytest.mark.parametrize("query", ["", "?registration=", "?registration=nobody", "?registration=%00"])
def test_a_sign_out_ends_here_where_no_issuer_is_named(query: str) -> None:
    browser = sign_in(World())

    assert browser.post(f"/auth/logout{query}", status=303).location == "https://app.example/"
    assert browser.get("/me").text == "anonymous"


def test_a_sign_out_here_waits_for_no_issuer(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    browser = sign_in(world)
    world.clock.now += 25 * 3600
    world.emulator.workbench.faults.add("discovery:503")

    answer = browser.post("/auth/logout?registration=idp&return_to=/bye", status=303)

    assert answer.location == "https://app.example/bye"
    assert browser.get("/me").text == "anonymous"
    assert "nobody is signed out at the provider: ref=" in caplog.text
