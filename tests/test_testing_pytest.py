"""The fixtures that pytest finds wherever authkit is installed, and what they cost those who do not use them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
from fakes import acme, plugins_with
from login_world import issuer, new_browser

import authkit.testing
from authkit.errors import AccountDenied
from authkit.oidc import OpenIDProvider
from authkit.testing import AuditLine, login_as, login_fails
from authkit.testing.presets import settings_for_tests
from authkit_tiktok import authkit_emulators as tiktok_emulators
from authkit_tiktok.provider import tiktok

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.pyramid  # `login_as` signs in to Pyramid apps

HEAVY = ("requests", "oauthlib", "cryptography", "pyramid", "sqlalchemy", "webtest", "joserfc", "jinja2")


@pytest.fixture
def alone(pytester, monkeypatch):
    """Give what runs pytest with no plugin but authkit's, found as an installed one is."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_pytest(*arguments: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(**files)
        return pytester.runpytest_subprocess("-p", "authkit", "-p", "no:cacheprovider", *arguments)

    return run_pytest


def run(code: str) -> str:
    """Return what a fresh Python prints."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


# What it costs


@pytest.mark.slow
def test_the_plugin_is_light():
    loaded = run("import sys, authkit.testing.pytest_plugin, authkit.testing; print(*sorted(sys.modules))").split()

    assert "authkit.testing.pytest_plugin" in loaded
    assert {name.partition(".")[0] for name in loaded}.isdisjoint(HEAVY)


@pytest.mark.slow
def test_pytest_finds_the_fixtures_by_itself(alone):
    listed = alone("--fixtures", test_nothing="")

    listed.stdout.fnmatch_lines(["*fixtures defined from authkit.testing.pytest_plugin*"])
    listed.stdout.fnmatch_lines(["authkit_settings -- *", "authkit_clock -- *", "authkit_audit -- *"])


@pytest.mark.slow
def test_tests_that_use_no_fixture_load_nothing_of_authkit(alone):
    test = f"""
        import sys

        def test_nothing():
            loaded = {{name.partition(".")[0] for name in sys.modules}}
            assert "authkit" in loaded
            assert loaded.isdisjoint({HEAVY!r})
        """

    alone(test_nothing=test).assert_outcomes(passed=1)


@pytest.mark.slow
def test_an_app_is_tested_in_three_lines(alone):
    done = alone(
        "-W",
        "ignore",
        app="""
        from pyramid.config import Configurator
        from pyramid.response import Response

        def main(global_config, **settings):
            with Configurator(settings=settings) as config:
                config.include("authkit.pyramid")
                config.add_route("home", "/")
                config.add_view(lambda request: Response(str(request.authenticated_userid)), route_name="home")
            return config.make_wsgi_app()
        """,
        test_app="""
        import pytest
        from app import main
        from webtest import TestApp

        from authkit.testing import AuditLine, emulate, login_as, login_fails

        @pytest.fixture
        def browser(authkit_settings):
            return TestApp(main({}, **authkit_settings))

        def test_ann_signs_in(browser, authkit_audit):
            login_as(browser, "tiktok", subject="ann")
            assert browser.get("/").text == "v1:tiktok:tiktok-client:ann"
            assert authkit_audit == [
                AuditLine("success", "ok", "tiktok", "tiktok", identity="v1:tiktok:tiktok-client:ann")
            ]

        def test_ann_changes_her_mind(browser, authkit_audit):
            login_fails(browser, "tiktok", "access_denied")
            assert authkit_audit[-1].code == "access_denied"

        def test_nobody_has_signed_in_yet(browser, authkit_audit):
            assert (browser.get("/").text, authkit_audit) == ("None", [])

        def test_an_hour_passes(browser, authkit_clock):
            emulate(browser, clock=authkit_clock)
            kit = browser.app.registry["authkit.kit"]
            before = kit.clock()
            authkit_clock.advance(3600)
            assert kit.clock() >= before + 3600
        """,
    )

    done.assert_outcomes(passed=4)


# The fixtures


def test_the_settings_have_every_provider_whose_login_can_be_emulated(tmp_path):
    class Odd:
        name, title, default_scope = "odd", "Odd", ()

        def client(self, client_id, client_secret, transport):
            raise NotImplementedError

    nowhere = OpenIDProvider(name="nowhere", title="Nowhere")
    plugins = plugins_with(acme, tiktok, issuer, Odd(), nowhere, authkit_emulators=tiktok_emulators)

    assert settings_for_tests(tmp_path, plugins) == {
        "authkit.secret": "a-secret-of-the-tests-that-protects-nothing",
        "authkit.base_url": "https://app.example",
        "authkit.accounts.database": f"sqlite:///{tmp_path}/authkit.sqlite",
        "authkit.acme.client_id": "acme-client",
        "authkit.acme.client_secret": "acme-secret-worth-nothing",
        "authkit.tiktok.client_key": "tiktok-client",
        "authkit.tiktok.client_secret": "tiktok-secret-worth-nothing",
        "authkit.idp.client_id": "idp-client",
        "authkit.idp.client_secret": "idp-secret-worth-nothing",
    }


def test_a_public_client_gets_no_secret(tmp_path):
    from dataclasses import replace

    settings = settings_for_tests(tmp_path, plugins_with(replace(acme, token_auth="none")))

    assert [key for key in settings if "acme" in key] == ["authkit.acme.client_id"]


def test_a_fixture_gives_the_settings_of_what_is_installed(authkit_settings):
    assert authkit_settings["authkit.tiktok.client_key"] == "tiktok-client"
    assert not [key for key in authkit_settings if key.startswith("authkit.oidc.")]


def test_a_fixture_gives_a_clock_that_moves(authkit_clock):
    before = authkit_clock()
    authkit_clock.advance(60)

    assert 60 <= authkit_clock() - before < 120


def test_a_fixture_gives_the_audit_lines(authkit_audit):
    from pyramid_apps import handled_by

    def on_login(request, login):
        raise AccountDenied("too young = 12")

    login_as(new_browser(), "acme", subject="7")
    login_fails(new_browser(handled_by(on_login)), "acme", "account_denied")

    assert authkit_audit == [
        AuditLine("success", "ok", "acme", "acme", identity="v1:acme:acme-client:7"),
        AuditLine("failure", "account_denied", "acme", "acme", reason="too young = 12"),
    ]
    assert len(authkit_audit[0].ref) == 16
    with pytest.raises(FrozenInstanceError):
        authkit_audit[0].code = "else"


def test_a_line_of_a_webhook_or_a_link_is_read_as_well():
    told = "outcome=success code=ok provider=acme registration=acme ref=1 event=gone new=1 late=0"
    linked = "outcome=success code=ok provider=acme registration=acme ref=1 identity=k purpose=link account=5"

    assert AuditLine.read(told) == AuditLine("success", "ok", "acme", "acme", event="gone")
    assert AuditLine.read(linked) == AuditLine("success", "ok", "acme", "acme", identity="k", purpose="link")
    assert AuditLine.read("outcome=failure code=state_invalid provider=- registration=- ref=2 log_id=- cause=-") == (
        AuditLine("failure", "state_invalid")
    )


# What is missing


def without(module, monkeypatch):
    """Ask for `login_as` as if `module` were not installed, and return what is raised."""
    for name in [name for name in sys.modules if name.startswith("authkit.testing.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ModuleNotFoundError) as raised:
        _ = authkit.testing.login_as
    return str(raised.value)


@pytest.mark.parametrize(
    ("module", "needs"),
    [
        ("webtest", "webtest: pip install 'authkit-core[testing]'"),
        ("pyramid.registry", "pyramid: pip install 'authkit-core[pyramid]'"),
    ],
)
def test_what_is_not_installed_is_named_with_the_command(module, needs, monkeypatch):
    assert without(module, monkeypatch) == f"authkit.testing.login_as needs {needs}"


def test_another_missing_module_is_not_explained_away(monkeypatch):
    assert without("hashlib", monkeypatch) == "import of hashlib halted; None in sys.modules"


def test_there_is_nothing_else_to_import():
    with pytest.raises(AttributeError, match=r"module 'authkit.testing' has no attribute 'logout_as'"):
        _ = authkit.testing.logout_as
