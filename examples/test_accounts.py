"""Sign in, come back, connect a second TikTok account: no network, no app at TikTok."""

import pytest
from accounts import main
from webtest import TestApp

from authkit.accounts.migrate import upgrade
from authkit.testing import emulator_of, login_as


@pytest.fixture
def browser(authkit_settings):
    app = main({}, **authkit_settings)
    upgrade(app.registry["authkit.database"])  # what `authkit db upgrade` does
    yield TestApp(app)
    app.registry["authkit.database"].close()


def test_accounts(browser):
    login_as(browser, "tiktok", subject="ada", display_name="Ada")
    home = browser.get("/")
    assert "Hello, Ada" in home

    page = home.click("Connected accounts")
    started = page.forms[1].submit()  # "Connect another TikTok account"
    page = browser.get(emulator_of(browser, "tiktok").approve(started.location, user="benmoka")).follow()
    assert "Ben Moka" in page

    home.form.submit()  # sign out, and come back as the other one: it is the same account
    login_as(browser, "tiktok", user="benmoka")
    assert len(browser.get("/auth/accounts", headers={"Accept": "application/json"}).json["identities"]) == 2
