"""Sign in to an app in a test: no network, no socket, no app at TikTok."""

from hello import main
from webtest import TestApp

from authkit.testing import login_as


def test_sign_in(authkit_settings):
    browser = TestApp(main({}, **authkit_settings))
    login_as(browser, "tiktok", subject="ada")
    assert browser.get("/").text == "Hello, v1:tiktok:tiktok-client:ada"
