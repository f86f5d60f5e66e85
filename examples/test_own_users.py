"""A user and their identity: both are stored, or neither is."""

import own_users
import pytest
from sqlalchemy import select
from webtest import TestApp

from authkit import AuthKit
from authkit.accounts.migrate import upgrade
from authkit.emulator import WsgiTransport
from authkit_tiktok.emulator import TikTokEmulator


@pytest.fixture
def emulator():
    return TikTokEmulator()


@pytest.fixture
def app(emulator, tmp_path):
    settings = {
        "authkit.secret": "a text of the tests, 32 bytes or more".replace(" ", "-"),
        "authkit.base_url": "https://app.example",
        "authkit.tiktok.client_key": emulator.settings("")["client_key"],
        "authkit.tiktok.client_secret": emulator.settings("")["client_secret"],
        "authkit.accounts.database": f"sqlite:///{tmp_path / 'app.sqlite'}",
    }
    app = own_users.main({}, **settings)
    app.registry["authkit.kit"] = AuthKit.from_settings(settings, transport=WsgiTransport(emulator))
    upgrade(app.registry["authkit.database"])
    own_users.Base.metadata.create_all(app.registry["engine"])
    yield app
    app.registry["engine"].dispose()
    app.registry["authkit.database"].close()


def sign_in(app, emulator, user, **options):
    browser = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})
    started = browser.get("/auth/tiktok", status=302)
    browser.get(emulator.approve(started.location, user=user), **options)
    return browser


def test_people_come_back_as_the_users_that_they_are(app, emulator):
    greetings = [sign_in(app, emulator, user).get("/").text for user in ("ada.tok", "benmoka", "ada.tok")]

    assert [greeting.partition(".")[0] for greeting in greetings] == [
        "Hello, Ada Tok, number 1",
        "Hello, Ben Moka, number 2",
        "Hello, Ada Tok, number 1",
    ]


def test_no_user_is_left_behind_by_a_login_that_fails(app, emulator):
    def fail(request, login):
        request.accounts.sign_in(login)
        raise RuntimeError("after the sign-in")

    app.registry["authkit.login_handler"] = fail
    browser = sign_in(app, emulator, "ada.tok", status=503)

    assert "Continue with TikTok" in browser.get("/").text
    with app.registry["engine"].connect() as connection:
        assert connection.execute(select(own_users.User)).all() == []
