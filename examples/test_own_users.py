"""A user and their identity: both are stored, or neither is."""

import own_users
import pytest
from sqlalchemy import delete, select
from webtest import TestApp

from authkit.accounts.migrate import upgrade
from authkit.testing import login_as, login_fails


@pytest.fixture
def app(authkit_settings):
    app = own_users.main({}, **authkit_settings)
    upgrade(app.registry["authkit.database"])
    own_users.Base.metadata.create_all(app.registry["engine"])
    yield app
    app.registry["engine"].dispose()
    app.registry["authkit.database"].close()


def test_people_come_back_as_the_users_that_they_are(app):
    greetings = []
    for name in ("Ada", "Ben", "Ada"):
        browser = TestApp(app)
        login_as(browser, "tiktok", display_name=name)
        greetings.append(browser.get("/").text.partition(".")[0])

    assert greetings == ["Hello, Ada, number 1", "Hello, Ben, number 2", "Hello, Ada, number 1"]


def test_no_user_is_left_behind_by_a_login_that_fails(app):
    def fail(request, login):
        request.accounts.sign_in(login)
        raise RuntimeError("after the sign-in")

    app.registry["authkit.login_handler"] = fail
    browser = TestApp(app)
    login_fails(browser, "tiktok", "store_unavailable")

    assert "Continue with TikTok" in browser.get("/").text
    with app.registry["engine"].connect() as connection:
        assert connection.execute(select(own_users.User)).all() == []


def test_the_id_of_a_user_who_is_gone_is_not_used_again(app):
    login_as(TestApp(app), "tiktok", display_name="Ada")
    with app.registry["engine"].begin() as connection:
        connection.execute(delete(own_users.User))

    browser = TestApp(app)
    login_as(browser, "tiktok", display_name="Ben")

    assert browser.get("/").text.startswith("Hello, Ben, number 2.")
