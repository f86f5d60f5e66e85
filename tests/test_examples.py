"""The examples: as short as they claim to be, and at work."""

from __future__ import annotations

import ast
import importlib
import io
import os
import socket
import subprocess
import sys
import time
import tokenize
from pathlib import Path

import pytest
import requests
from conftest import needs
from fakes import Clock, Network, state_of

from authkit import AuthKit
from authkit.cli.robot import sign_in
from authkit.emulator import WsgiTransport, serve
from authkit.plugins import load_plugins
from authkit_tiktok.emulator import TikTokEmulator

EXAMPLES = Path(__file__).parents[1] / "examples"
HELLO, ACME = EXAMPLES / "hello.py", EXAMPLES / "plugins" / "authkit-acme" / "authkit_acme.py"
SECRET = "an-app-secret-that-is-long-enough-for-everyone"
HELLO_PORT = 6543
IDENTITY = "v1:tiktok:sbawemulator0001:-000AbCdEfGhIjKlMnOpQrStUvWxYz01"


def load(path, monkeypatch):
    """Import an example as if its folder were on the path."""
    monkeypatch.syspath_prepend(path.parent)
    return importlib.import_module(path.stem)


def lines_of_code(path):
    """The lines that are neither blank, nor a comment, nor the docstring of the module."""
    source = path.read_text(encoding="utf-8")
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout:
            lines.update(range(token.start[0], token.end[0] + 1))
    docstring = ast.parse(source).body[0]
    return sorted(lines - set(range(docstring.lineno, docstring.end_lineno + 1)))


def hello_settings(origin, base_url):
    """The settings of the app, at the emulator with `origin`."""
    own = {f"authkit.tiktok.{key}": value for key, value in TikTokEmulator().settings(origin).items()}
    return {**own, "authkit.secret": SECRET, "authkit.base_url": base_url}


# hello.py


def test_the_app_is_at_most_25_lines():
    assert len(lines_of_code(HELLO)) <= 25


@pytest.mark.pyramid
def test_the_app_signs_somebody_in_and_says_hello(monkeypatch):
    from webtest import TestApp

    emulator = TikTokEmulator()
    settings = hello_settings("http://127.0.0.1:8787", "https://app.example")
    app = load(HELLO, monkeypatch).main({}, **settings)
    app.registry["authkit.kit"] = AuthKit.from_settings(settings, transport=WsgiTransport(emulator))
    browser = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})

    stranger = browser.get("/", status=200)
    started = stranger.click("Continue with TikTok")
    done = browser.get(emulator.approve(started.location), status=303)

    assert (started.status_int, done.location) == (302, "https://app.example/")
    assert done.follow(status=200).text == f"Hello, {IDENTITY}"


@pytest.mark.pyramid
def test_the_app_lets_nobody_in_who_said_no(monkeypatch):
    from webtest import TestApp

    emulator = TikTokEmulator()
    settings = hello_settings("http://127.0.0.1:8787", "https://app.example")
    app = load(HELLO, monkeypatch).main({}, **settings)
    browser = TestApp(app, extra_environ={"wsgi.url_scheme": "https", "HTTP_HOST": "app.example"})
    started = browser.get("/auth/tiktok", status=302)
    refused = browser.get(emulator.deny(started.location), status=403)

    assert "access_denied" in refused.text
    assert "Continue with TikTok" in browser.get("/").text


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def wait_for(url, process):
    """Wait until `url` answers, or `process` has ended, or half a minute."""
    deadline = time.monotonic() + 30
    with requests.Session() as session:
        session.trust_env = False
        while process.poll() is None and time.monotonic() < deadline:
            try:
                session.get(url, timeout=5).close()
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return


@pytest.mark.pyramid
@pytest.mark.slow
def test_the_app_runs_as_a_script_beside_an_emulator():
    needs(is_free(HELLO_PORT), f"port {HELLO_PORT} to be free")
    base_url = f"http://127.0.0.1:{HELLO_PORT}"
    with serve(TikTokEmulator(), port=0) as server:
        settings = hello_settings(server.origin, base_url)
        own = {name.upper().replace(".", "_"): value for name, value in settings.items()}
        others = {name: value for name, value in os.environ.items() if not name.startswith("AUTHKIT_")}
        command = [sys.executable, "-W", "ignore", HELLO]  # Pyramid's own warnings
        process = subprocess.Popen(command, env={**others, **own}, stderr=subprocess.PIPE)
        try:
            wait_for(base_url, process)
            legs, page = sign_in(f"{base_url}/auth/tiktok")
        finally:
            process.kill()
            _, errors = process.communicate()

    assert (page.status_code, page.text) == (200, f"Hello, {IDENTITY}")
    assert [leg.status for leg in legs] == [302, 200, 302, 303, 200]
    assert errors == b""


# plugins/authkit-acme


def test_a_plugin_is_at_most_20_lines():
    assert len(lines_of_code(ACME)) <= 20


def test_the_plugin_is_loaded_and_logs_in(monkeypatch):
    network = Network()
    plugins = load_plugins(found=(), extra=[load(ACME, monkeypatch)])
    settings = {
        "authkit.secret": SECRET,
        "authkit.base_url": "https://app.example",
        "authkit.acme.client_id": "acme-client",
        "authkit.acme.client_secret": "canary-client-secret",
    }
    kit = AuthKit.from_settings(settings, transport=network, clock=Clock(), plugins=plugins, environ={})
    begun = kit.begin("acme")
    login = kit.complete("acme", f"code=canary-code&state={state_of(begun.url)}", begun.cookies).login

    assert [(info.name, info.problem) for info in plugins.infos] == [("authkit_acme", "")]
    assert begun.url.startswith("https://acme.example/oauth/authorize?client_id=acme-client&response_type=code&")
    assert (login.identity.key, login.profile.display_name) == ("v1:acme:acme-client:user-1", "Ada")
    assert [(sent.method, sent.url) for sent in network.sent] == [
        ("POST", "https://acme.example/oauth/token"),
        ("GET", "https://acme.example/api/me"),
    ]


def test_the_plugin_is_found_by_its_entry_point_once_it_is_installed():
    metadata = (ACME.parent / "pyproject.toml").read_text(encoding="utf-8")

    assert '[project.entry-points.authkit]\nacme = "authkit_acme"\n' in metadata
    assert 'py-modules = ["authkit_acme"]\n' in metadata


# accounts.py, own_users.py, newcomers.py


@pytest.mark.parametrize("name", ["accounts", "own_users", "newcomers"])
def test_an_app_with_accounts_is_at_most_70_lines(name):
    assert len(lines_of_code(EXAMPLES / f"{name}.py")) <= 70


@pytest.mark.pyramid
@pytest.mark.slow
@pytest.mark.parametrize("name", ["hello", "accounts", "own_users", "newcomers"])
def test_the_test_of_an_example_passes(name):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"test_{name}.py"]
    done = subprocess.run(command, cwd=EXAMPLES, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stdout


def test_a_warm_process_opens_no_connection_per_login():
    seen: dict[str, set[str]] = {}
    emulator = TikTokEmulator()

    def watched(environ, start_response):
        seen.setdefault(environ["PATH_INFO"], set()).add(environ["REMOTE_PORT"])
        return emulator(environ, start_response)

    with serve(watched, port=0) as server:
        settings = {f"authkit.tiktok.{key}": value for key, value in emulator.settings(server.origin).items()}
        site = {"authkit.secret": SECRET, "authkit.base_url": "http://127.0.0.1:6543"}
        kit = AuthKit.from_settings({**site, **settings}, environ={})
        for _ in range(3):
            begun = kit.begin("tiktok")
            kit.complete("tiktok", emulator.approve(begun.url).partition("?")[2], begun.cookies)

    ports = seen["/v2/oauth/token/"] | seen["/v2/user/info/"]
    assert len(ports) == 1
