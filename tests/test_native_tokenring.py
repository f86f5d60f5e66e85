"""Tokens in the system's keyring, with keyrings of the tests' own."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timezone

import pytest

from authkit import Token
from authkit.errors import ConfigError, StoreUnavailable
from authkit.models import Secret
from authkit.native.tokenring import TokenRing

KEY = "v1:tiktok:a-key:a-subject"
MOMENT = datetime(2026, 11, 22, 12, 0, tzinfo=timezone.utc)
FULL = Token(
    Secret("canary-access"), Secret("canary-refresh"), MOMENT, MOMENT, ("user.info.basic", "video.list"), "a-subject"
)
BARE = Token(Secret("canary-access"))


class Store:
    """A keyring in memory."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class Broken(Store):
    """A keyring that cannot be opened, and quotes what it was given."""

    def get_password(self, service, username):
        raise RuntimeError("locked")

    def set_password(self, service, username, password):
        raise RuntimeError(f"cannot keep {password}")


class Forgetful(Store):
    """A keyring that keeps nothing, as `keyring` has one."""

    def set_password(self, service, username, password):
        pass


@pytest.mark.parametrize("token", [FULL, BARE], ids=["full", "bare"])
def test_a_token_comes_back_as_it_was(token):
    store = Store()
    TokenRing(store).keep(KEY, token)

    assert TokenRing(store).token(KEY) == token
    assert list(store.kept) == [("authkit", KEY)]


def test_what_is_kept_can_be_read_by_others():
    store = Store()
    TokenRing(store).keep(KEY, FULL)

    assert json.loads(store.kept["authkit", KEY]) == {
        "access_token": "canary-access",
        "refresh_token": "canary-refresh",
        "expires_at": "2026-11-22T12:00:00+00:00",
        "refresh_expires_at": "2026-11-22T12:00:00+00:00",
        "scope": ["user.info.basic", "video.list"],
        "subject": "a-subject",
    }


def test_programs_and_identities_keep_apart():
    store = Store()
    TokenRing(store).keep(KEY, FULL)
    TokenRing(store, "my-program").keep(KEY, BARE)

    assert TokenRing(store).token(KEY) == FULL
    assert TokenRing(store, "my-program").token(KEY) == BARE
    assert TokenRing(store).token("v1:tiktok:a-key:another") is None


def test_a_new_token_takes_the_place_of_the_old_one():
    ring = TokenRing(Store())
    ring.keep(KEY, FULL)
    ring.keep(KEY, BARE)

    assert ring.token(KEY) == BARE


def test_a_token_can_be_forgotten_once_and_again():
    store = Store()
    ring = TokenRing(store)
    ring.keep(KEY, FULL)
    ring.forget(KEY)
    ring.forget(KEY)

    assert (ring.token(KEY), store.kept) == (None, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        json.dumps({"access_token": "x"}),
        json.dumps(
            {
                "access_token": "x",
                "refresh_token": None,
                "expires_at": "noon",
                "refresh_expires_at": None,
                "scope": [],
                "subject": None,
            }
        ),
        json.dumps(
            {
                "access_token": "x",
                "refresh_token": None,
                "expires_at": None,
                "refresh_expires_at": None,
                "scope": [1],
                "subject": None,
            }
        ),
    ],
    ids=range(9),
)
def test_what_is_no_token_counts_as_none(text):
    store = Store()
    store.set_password("authkit", KEY, text)

    assert TokenRing(store).token(KEY) is None


@pytest.mark.parametrize("use", ["keep", "token", "forget"])
def test_a_keyring_that_fails_is_named_by_its_error_and_quotes_nothing(use):
    ring = TokenRing(Broken())

    with pytest.raises(StoreUnavailable) as caught:
        getattr(ring, use)(KEY, *[FULL] * (use == "keep"))

    assert caught.value.reason == "the keyring failed (RuntimeError); see: keyring diagnose"
    assert caught.value.__context__ is None


def test_a_keyring_that_keeps_nothing_is_found_out():
    with pytest.raises(StoreUnavailable, match="did not keep the token"):
        TokenRing(Forgetful()).keep(KEY, FULL)


def test_without_a_store_it_is_the_system_s():
    keyring = pytest.importorskip("keyring")
    before = keyring.get_keyring()
    from keyring.backend import KeyringBackend

    class Backend(Store, KeyringBackend):
        priority = 1

        def __init__(self):
            Store.__init__(self)

    backend = Backend()
    keyring.set_keyring(backend)
    try:
        TokenRing().keep(KEY, FULL)
        assert TokenRing().token(KEY) == FULL
    finally:
        keyring.set_keyring(before)

    assert list(backend.kept) == [("authkit", KEY)]


def test_without_the_library_there_is_no_ring(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigError, match="pip install keyring"):
        TokenRing()


def test_without_the_library_the_reason_is_the_command_that_installs_it():
    script = (
        "import sys; sys.modules['keyring'] = None\n"
        "from authkit.errors import ConfigError\n"
        "from authkit.native.tokenring import TokenRing\n"
        "try: TokenRing()\n"
        "except ConfigError as error: print(error.reason)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.stdout, done.stderr) == ("the keyring needs one more package: pip install keyring\n", "")
