"""Sign in, come back, connect a second TikTok account: no network, no app at TikTok."""

from accounts import main
from webtest import TestApp

from authkit import AuthKit
from authkit.accounts.migrate import upgrade
from authkit.emulator import WsgiTransport
from authkit_tiktok.emulator import TikTokEmulator


def test_accounts(tmp_path):
    emulator = TikTokEmulator()
    settings = {
        "authkit.secret": "a text of the tests, 32 bytes or more".replace(" ", "-"),
        "authkit.base_url": "https://app.example",
        "authkit.tiktok.client_key": emulator.settings("")["client_key"],
        "authkit.tiktok.client_secret": emulator.settings("")["client_secret"],
        "authkit.accounts.database": f"sqlite:///{tmp_path / 'app.sqlite'}",
    }
    app = main({}, **settings)
    app.registry["authkit.kit"] = AuthKit.from_settings(settings, transport=WsgiTransport(emulator))
    upgrade(app.registry["authkit.database"])  # what `authkit db upgrade` does
    browser = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})

    started = browser.get("/").click("Continue with TikTok")
    home = browser.get(emulator.approve(started.location)).follow()
    assert "Hello, Ada Tok" in home

    page = home.click("Connected accounts")
    started = page.forms[1].submit()  # "Connect another TikTok account"
    page = browser.get(emulator.approve(started.location, user="benmoka")).follow()
    assert "Ben Moka" in page

    home.form.submit()  # sign out, and come back as the other one: it is the same account
    started = browser.get("/auth/tiktok")
    browser.get(emulator.approve(started.location, user="benmoka"))
    assert len(browser.get("/auth/accounts", headers={"Accept": "application/json"}).json["identities"]) == 2

    app.registry["authkit.database"].close()
