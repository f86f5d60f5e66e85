"""A newcomer signs in, is asked for a nickname once, and comes back as who they are."""

import newcomers
import pytest
from webtest import TestApp

from authkit.accounts.migrate import upgrade
from authkit.testing import login_as


@pytest.fixture
def app(authkit_settings):
    newcomers.MEMBERS.clear()
    app = newcomers.main({}, **authkit_settings)
    upgrade(app.registry["authkit.database"])  # what `authkit db upgrade` does
    yield app
    app.registry["authkit.database"].close()


def test_a_newcomer_is_asked_once(app):
    browser = TestApp(app)
    login_as(browser, "tiktok", display_name="Ada")
    form = browser.get("/").follow().form
    assert form["nickname"].value == "Ada"
    form["nickname"] = "ada.l"
    assert form.submit().follow().text == "Hello, ada.l"

    elsewhere = TestApp(app)
    login_as(elsewhere, "tiktok", display_name="Ada")
    assert elsewhere.get("/").text == "Hello, ada.l"


def test_whoever_is_not_signed_in_has_no_form(app):
    assert TestApp(app).get("/welcome").location == "https://app.example/auth/tiktok?return_to=/welcome"
