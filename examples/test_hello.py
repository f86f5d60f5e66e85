"""Sign in to an app in a test: no network, no socket, no app at TikTok."""

from hello import main
from webtest import TestApp

from authkit import AuthKit
from authkit.emulator import WsgiTransport
from authkit_tiktok.emulator import TikTokEmulator


def test_sign_in():
    emulator = TikTokEmulator()
    settings = {
        "authkit.secret": "a text of the tests, 32 bytes or more".replace(" ", "-"),
        "authkit.base_url": "https://app.example",
        "authkit.tiktok.client_key": emulator.settings("")["client_key"],
        "authkit.tiktok.client_secret": emulator.settings("")["client_secret"],
    }
    app = main({}, **settings)
    app.registry["authkit.kit"] = AuthKit.from_settings(settings, transport=WsgiTransport(emulator))
    browser = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})

    started = browser.get("/auth/tiktok", status=302)
    browser.get(emulator.approve(started.location), status=303)

    assert browser.get("/").text.startswith("Hello, v1:tiktok:")
