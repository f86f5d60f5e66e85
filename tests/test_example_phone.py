"""The scripted phone, against the example's server and TikTok's emulator, over real HTTP."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from cli_world import environment
from native_world import key_set
from test_examples import SECRET, lines_of_code, load

from authkit.accounts.migrate import upgrade
from authkit.accounts.schema import sessions
from authkit.emulator import serve
from authkit_tiktok.emulator import App, TikTokEmulator

EXAMPLES = Path(__file__).parents[1] / "examples"
KEY = "sbawphone0000001"

pytestmark = [pytest.mark.pyramid, pytest.mark.slow]


@contextmanager
def running(tmp_path, monkeypatch, **settings):
    """Run the example's server and TikTok with a mobile app; give their origins and the server's database."""
    native_app, phone = (load(EXAMPLES / f"{name}.py", monkeypatch) for name in ("native_app", "phone"))
    emulator = TikTokEmulator(apps=[App(KEY, "emulated-secret", platform="mobile")])
    apps = []

    def app(environ, start_response):
        return apps[0](environ, start_response)

    with serve(emulator, port=0) as tiktok, serve(app, port=0) as server:
        own = {f"authkit.tiktok.{name}": value for name, value in emulator.settings(tiktok.origin).items()}
        usual = {
            "authkit.secret": SECRET,
            "authkit.base_url": server.origin,
            "authkit.accounts.database": f"sqlite:///{tmp_path / 'app.sqlite'}",
            "authkit.native.keys": key_set().reveal(),
            "authkit.native.phone.link": phone.LINK,
            "authkit.native.phone.redirect_uris": phone.SDK_REDIRECT_URI,
        }
        apps.append(native_app.main({}, **own, **usual, **settings))
        database = apps[0].registry["authkit.database"]
        upgrade(database)
        yield server.origin, tiktok.origin, emulator, database
        database.close()


def play(server, tiktok):
    return subprocess.run(
        [sys.executable, str(EXAMPLES / "phone.py"), server, "--tiktok", tiktok, "--client-key", KEY],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def test_the_phone_signs_in_both_ways_and_out_again(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as (server, tiktok, emulator, database):
        done = play(server, tiktok)
        left = database.read(lambda executor: executor.execute(sessions.select()).all())
        asked, exchanged = ([r for r in emulator.requests if r.endpoint == name] for name in ("authorize", "token"))
        unknown = requests.get(f"{server}/api/hello", timeout=20).status_code

    same = [
        "signed in as: Ada Tok",
        "the server says: Ada Tok",
        "the key of the JWT is public: True",
        "the answer to a refresh was lost: on the way",
        "the second try has a new JWT for: 3600 s",
        "apps that are signed in: ['phone']",
        "after signing out, a refresh is: token_invalid",
    ]
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert [line for line in lines if "…" not in line] == [
        "The server callback flow",
        *same,
        "The SDK flow",
        *same,
    ]
    assert [line.partition(":")[0] for line in lines if "…" in line] == [
        "the link brought a ticket",
        "TikTok's SDK has a code",
    ]
    assert left == []
    assert unknown == 403
    assert [r.query["redirect_uri"] for r in asked if r.method == "GET"] == [
        f"{server}/auth/tiktok/native/callback",
        "https://app.example/tiktok",
    ]
    assert [len(r.query["code_challenge"]) for r in asked if r.method == "GET"] == [64, 64]
    assert [r.status for r in exchanged] == [200, 200]
    assert len(exchanged[1].form["code_verifier"]) == 32


def test_the_phone_says_why_it_is_not_signed_in(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch, **{"authkit.accounts.allow_registration": "no"}) as (server, tiktok, *_):
        done = play(server, tiktok)

    assert (done.returncode, done.stdout) == (1, "The server callback flow\n")
    assert done.stderr == "account_denied: New accounts cannot be made here at the moment.\n"


def test_the_server_is_under_20_lines():
    assert len(lines_of_code(EXAMPLES / "native_app.py")) < 20
