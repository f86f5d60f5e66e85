"""`authkit doctor`: what is in the way of a login is named, and nothing else is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cli_world import free_port, run
from pyramid.config import Configurator

from authkit import hookimpl
from authkit.accounts import Database, migrate
from authkit.cli.examination import examine
from authkit.cli.serving import serve
from authkit.emulator import OpenIDEmulator
from authkit.emulator import serve as serve_emulator
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import TikTokEmulator

pytestmark = pytest.mark.pyramid


class World:
    """A site that is served, and the settings it has; what asks it knows the same ones."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder = folder
        self._opened = opened
        self._port = free_port()
        self.site = f"http://127.0.0.1:{self._port}"
        self.settings = {
            "authkit.secret": "a-secret-that-is-as-long-as-the-secret-of-an-app-has-to-be",
            "authkit.base_url": self.site,
        }

    def provide(self, emulator: Any, registration: str, *, tls: bool = False, **more: str) -> str:
        """Serve a provider, register at it, and return where it is."""
        provider = self._opened.enter_context(serve_emulator(emulator, port=0, tls=tls))
        if tls:
            self.settings["authkit.ca_bundle"] = str(provider.ca_bundle)
        for name, value in {**emulator.settings(provider.origin), **more}.items():
            self.settings[f"authkit.{registration}.{name}"] = value
        return provider.origin

    def serve(self, app: Callable[..., Any] | None = None) -> None:
        """Serve the site: `app`, or one with a login of these settings."""
        if app is None:
            with Configurator(settings=self.settings) as config:
                config.include("authkit.pyramid")
            app = config.make_wsgi_app()
        self._opened.enter_context(serve(app, port=self._port))

    def doctor(self, **environ: str) -> tuple[int, list[str]]:
        """Run the command, and return its status and its lines."""
        ini = self._folder / "app.ini"
        ini.write_text("[app:main]\n" + "".join(f"{name} = {value}\n" for name, value in self.settings.items()))
        result = run("doctor", "--ini", str(ini), **environ)
        return result.exit_code, result.output.splitlines()


@pytest.fixture
def world(tmp_path):
    with ExitStack() as opened:
        yield World(tmp_path, opened)


def answering(status: str, *headers: tuple[str, str]) -> Callable[..., Any]:
    """Return an app that answers everything in the same way."""

    def app(environ: Mapping[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response(status, [("Content-Length", "2"), ("Content-Type", "application/json"), *headers])
        return [b"{}"]

    return app


def test_where_nothing_is_wrong_each_thing_is_told(world, tmp_path):
    tiktok = world.provide(TikTokEmulator(), "tiktok")
    idp = world.provide(OpenIDEmulator(), "corp", provider="oidc")
    world.settings["authkit.accounts.database"] = f"sqlite:///{tmp_path / 'accounts.sqlite'}"
    database = Database.open(world.settings["authkit.accounts.database"])
    migrate.upgrade(database)
    database.close()
    world.serve()

    assert world.doctor() == (
        0,
        [
            "ok    settings: tiktok, corp",
            f"ok    {world.site}/auth/tiktok/callback answers; register it at TikTok exactly so",
            f"ok    {tiktok}/v2/oauth/token/ answers",
            f"ok    {world.site}/auth/corp/callback answers; register it at 127.0.0.1 exactly so",
            f"ok    {idp}/.well-known/openid-configuration answers",
            "ok    database: The tables are as they should be (revision 0002).",
        ],
    )


def test_a_setting_that_is_wrong_is_named_and_nobody_is_asked(world):
    world.provide(TikTokEmulator(), "tiktok", client_secrt="typo")

    status, lines = world.doctor()

    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith("WRONG settings: authkit.tiktok.client_secrt is no setting of authkit; did you mean")


def test_the_environment_counts_as_well(world):
    world.provide(TikTokEmulator(), "tiktok")
    del world.settings["authkit.secret"]

    assert world.doctor()[1][0].startswith("WRONG settings: authkit.secret")
    assert world.doctor(AUTHKIT_SECRET="an-app-secret-that-is-long-enough-for-everyone")[1][0].startswith("ok")


@pytest.mark.parametrize(
    ("app", "words"),
    [
        (None, "cannot be reached from here (ConnectionError)"),
        (
            answering("404 Not Found"),
            "answers 404: no callback is there; compare authkit.base_url, authkit.prefix and",
        ),
        (answering("502 Bad Gateway"), "answers 502: no callback is there"),
        (
            answering("301 Moved", ("Location", "https://www.app.example/auth/tiktok/callback")),
            "leads to https://www.app.example: authkit.base_url has to be the address that people use",
        ),
        (answering("302 Found", ("Location", "https://x\xc2\x9b2J/")), "leads to https://x\\xe2\\x9b2j: "),
        (answering("302 Found", ("Location", "//[x")), "cannot be reached from here (ValueError)"),
        (answering("302 Found", ("Location", "https://x:99999/")), "leads to what is no address"),
    ],
)
def test_a_site_whose_callback_does_not_come_to_us_is_told(world, app, words):
    world.provide(TikTokEmulator(), "tiktok")
    if app:
        world.serve(app)

    status, lines = world.doctor()

    assert status == 1
    assert [line for line in lines if line.startswith("WRONG")] == [lines[1]]
    assert f"{world.site}/auth/tiktok/callback {words}" in lines[1]


def test_a_page_without_end_is_not_read(world):
    world.provide(TikTokEmulator(), "tiktok")
    read = []

    def app(environ, start_response):
        start_response("200 OK", [("Content-Type", "text/html")])
        while len(read) < 10_000:
            read.append(len(read))
            yield b"x" * 10_000

    world.serve(app)

    assert world.doctor()[0] == 0
    assert len(read) < 10_000


def test_a_redirect_uri_that_only_looks_like_the_callback_is_told(world):
    world.provide(TikTokEmulator(), "tiktok", redirect_uri=f"{world.site}/auth/tiktok/callback/")
    world.serve()

    status, lines = world.doctor()

    assert (status, lines[1].partition(": no ")[0]) == (1, f"WRONG {world.site}/auth/tiktok/callback/ answers 404")
    assert "authkit.tiktok.redirect_uri" in lines[1]


@pytest.mark.parametrize(
    "app",
    [
        answering("400 Bad Request"),
        answering("302 Found", ("Location", "/login?error=state_invalid")),
        answering("200 OK"),
    ],
)
def test_an_error_view_of_the_app_s_own_is_fine(world, app):
    world.provide(TikTokEmulator(), "tiktok")
    world.serve(app)

    assert world.doctor()[0] == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [("token:503", "HTTP 503"), ("token:reset", "the connection was closed without an answer")],
)
def test_a_provider_that_does_not_answer_is_told(world, fault, words):
    provider = world.provide(TikTokEmulator(faults=[fault]), "tiktok")
    world.serve()

    status, lines = world.doctor()

    assert (status, lines[2:]) == (1, [f"WRONG {provider}/v2/oauth/token/: {words}"])


@pytest.mark.parametrize(("skew", "way"), [(-90, "ahead of"), (90, "behind")])
def test_a_clock_that_is_wrong_is_told(world, skew, way):
    world.provide(TikTokEmulator(faults=[f"token:skew={skew}"]), "tiktok")
    world.serve()

    status, lines = world.doctor()

    assert (status, lines[2][:2]) == (1, "ok")
    assert re.fullmatch(rf"WRONG this machine's clock is (89|90|91) s {way} that of TikTok: let NTP set it", lines[3])


def test_a_clock_that_does_not_tell_the_time_is_no_clock(world):
    world.provide(TikTokEmulator(), "tiktok")
    world.settings["authkit.tiktok.token_url"] = f"{world.site}/token"
    world.serve(answering("400 Bad Request", ("Date", "soon")))

    assert world.doctor()[0] == 0


def test_a_provider_with_a_client_of_its_own_is_left_alone(world):
    provider = SimpleNamespace(name="own", title="Own", default_scope=(), client=lambda *_: None)
    plugin = SimpleNamespace(authkit_providers=hookimpl(lambda: [provider]))
    environ = {"AUTHKIT_OWN_CLIENT_ID": "id", "AUTHKIT_OWN_CLIENT_SECRET": "secret"}
    world.serve(answering("400 Bad Request"))

    found = list(examine(world.settings, environ, load_plugins(found=(), extra=[plugin])))

    assert [finding.is_good for finding in found] == [True, True]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sqlite:///{}/empty.sqlite", "There are no tables yet, run: authkit db upgrade"),
        ("sqlite:///{}/nowhere/accounts.sqlite", "the database"),
    ],
)
def test_tables_that_are_not_there_are_told(world, tmp_path, url, words):
    world.provide(TikTokEmulator(), "tiktok")
    world.settings["authkit.accounts.database"] = url.format(tmp_path)
    world.serve(answering("400 Bad Request"))

    status, lines = world.doctor()

    assert status == 1
    assert lines[3].startswith("WRONG database: ")
    assert words in lines[3]


def test_a_provider_is_asked_with_the_ca_bundle_of_the_settings_and_over_their_proxy(world):
    provider = world.provide(TikTokEmulator(), "tiktok", tls=True)
    world.serve(answering("400 Bad Request"))
    assert world.doctor()[1][2] == f"ok    {provider}/v2/oauth/token/ answers"

    world.settings |= {"authkit.proxy": f"http://127.0.0.1:{free_port()}"}
    world.settings |= {"authkit.tiktok.token_url": "https://provider.example/token"}
    assert world.doctor()[1][2] == "WRONG https://provider.example/token: the proxy: connection refused"


def test_an_issuer_whose_metadata_are_another_s_is_told(world):
    issuer = world.provide(OpenIDEmulator(), "corp", provider="oidc")
    world.settings["authkit.corp.issuer"] = f"{issuer}/"
    world.serve()

    assert world.doctor()[1][2] == (
        f"WRONG {issuer}/.well-known/openid-configuration: the metadata of {issuer}/ name another issuer; write it "
        "exactly as they do"
    )
