"""authkit at TikTok's emulator while something goes wrong: an error of its own for each, and nobody is signed in."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import pytest

from authkit import AuthKit
from authkit.deadline import Deadline
from authkit.emulator import KINDS, WsgiTransport, serve
from authkit.errors import AuthkitError
from authkit_tiktok.emulator import TikTokEmulator

UNAVAILABLE, PROTOCOL, LIMITED = "provider_unavailable", "provider_protocol", "provider_rate_limited"
CODES = {
    **dict.fromkeys(("slow-connect", "silent", "slow-headers", "drip=20"), UNAVAILABLE),
    **dict.fromkeys(("reset", "reset-headers", "reset-body"), UNAVAILABLE),
    **dict.fromkeys(("500", "502", "503", "504"), UNAVAILABLE),
    **dict.fromkeys(("429", "429=abc", "429=-1", "429=99999999999"), LIMITED),
    **dict.fromkeys(("html", "html-as-json", "truncated", "truncated=1", "huge", "gzip-bomb"), PROTOCOL),
    **dict.fromkeys(("json", "json=[]", 'json="x"', "json=123", "json=true"), PROTOCOL),
    **dict.fromkeys(("redirect", "redirect=//evil", "301", "303", "307", "308"), PROTOCOL),
    **dict.fromkeys(("error-in-200", "mixed"), UNAVAILABLE),
}
"""What a fault is to authkit at any endpoint. A second a byte would be in time where an answer has two of them."""

LOGIN_CODES = {
    **CODES,
    "empty": PROTOCOL,
    **dict.fromkeys(("no-id", "empty-id", "bad-id"), PROTOCOL),
    **dict.fromkeys(("bad-id=0", "bad-id=[]", "bad-id={}", "bad-id=true", "bad-id=1.5", "bad-id=1e400"), PROTOCOL),
}
NO_HARM = ("empty", "wrong-types", "no-id", "empty-id", "bad-id", "skew")
"""Faults that leave an answer without content as good as it was."""


def make_kit(emulator, origin="https://tiktok.example", transport=None, ca_bundle=None):
    settings = {f"authkit.tiktok.{key}": value for key, value in emulator.settings(origin).items()}
    settings |= {"authkit.secret": "s" * 40, "authkit.base_url": "https://app.example"}
    settings |= {"authkit.ca_bundle": ca_bundle} if ca_bundle else {}
    return AuthKit.from_settings(settings, transport=transport, environ={})


def sign_in(kit, emulator):
    begun = kit.begin("tiktok")
    callback = emulator.approve(begun.url)
    cookies = {cookie.name: cookie.value for cookie in begun.cookies}
    return kit.complete("tiktok", urlsplit(callback).query, cookies).login


def failed_sign_in(fault):
    """The code of the error that a login ends in while a fault is armed."""
    emulator = TikTokEmulator(faults=[fault])
    with pytest.raises(AuthkitError) as caught:
        sign_in(make_kit(emulator, transport=WsgiTransport(emulator)), emulator)
    assert {recorded.fault for recorded in emulator.requests(fault.partition(":")[0])} <= {fault}
    return caught.value.code


def test_every_kind_of_fault_is_tried():
    tried = {fault.partition("=")[0] for fault in (*LOGIN_CODES, *NO_HARM)}

    assert tried == set(KINDS)


@pytest.mark.parametrize("endpoint", ["token", "userinfo"])
@pytest.mark.parametrize("fault", LOGIN_CODES)
def test_flt_a_login_that_is_disturbed_has_an_error_of_its_own_and_signs_nobody_in(fault, endpoint):
    started = time.monotonic()

    assert failed_sign_in(f"{endpoint}:{fault}") == LOGIN_CODES[fault]
    assert time.monotonic() - started < 5  # nothing waits within a process


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("token:wrong-types", "provider_protocol"),
        ("userinfo:wrong-types", "provider_rejected"),
        ("token:skew", "provider_rejected"),
        ("userinfo:skew=86400", "provider_rejected"),
    ],
)
def test_flt_what_tiktok_seems_to_refuse_signs_nobody_in(fault, code):
    assert failed_sign_in(fault) == code


def revoke(fault):
    emulator = TikTokEmulator(faults=[f"revoke:{fault}"])
    kit = make_kit(emulator, transport=WsgiTransport(emulator))
    kit.revoke("tiktok", sign_in(kit, emulator).token)


@pytest.mark.parametrize("fault", CODES)
def test_flt_a_revocation_that_is_disturbed_has_an_error_of_its_own(fault):
    with pytest.raises(AuthkitError) as caught:
        revoke(fault)

    assert caught.value.code == CODES[fault]


@pytest.mark.parametrize("fault", NO_HARM)
def test_flt_a_revocation_whose_answer_says_nothing_can_have_nothing_wrong_in_it(fault):
    revoke(fault)


def test_flt_a_refresh_whose_answer_is_lost_has_rotated_the_token():
    emulator = TikTokEmulator()
    kit = make_kit(emulator, transport=WsgiTransport(emulator))
    token = sign_in(kit, emulator).token
    emulator.workbench.faults.add("token:reset:once")
    codes = []
    for _ in range(2):
        with pytest.raises(AuthkitError) as caught:
            kit.refresh("tiktok", token)
        codes.append(caught.value.code)

    assert codes == ["provider_unavailable", "reauth_required"]


def test_a_provider_that_recovers_signs_people_in_again():
    emulator = TikTokEmulator(faults=["token:503:once", "userinfo:reset:once"])
    kit = make_kit(emulator, transport=WsgiTransport(emulator))
    for _ in range(2):
        with pytest.raises(AuthkitError):
            sign_in(kit, emulator)

    assert sign_in(kit, emulator).profile.display_name == emulator.users[0].display_name


ON_THE_WIRE = (
    *("slow-connect", "silent", "slow-headers", "drip", "drip=0.01", "slow-headers=0.01"),
    *("reset", "reset-headers", "reset-body", "truncated", "huge", "gzip-bomb"),
)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("fault", ON_THE_WIRE)
def test_flt_on_the_wire_each_ends_within_the_deadline(fault, tls):
    emulator = TikTokEmulator()
    with serve(emulator, port=0, tls=tls) as server:
        kit = make_kit(emulator, server.origin, ca_bundle=server.ca_bundle)
        emulator.workbench.faults.add(f"*:{fault}")
        started = time.monotonic()
        with Deadline(0.6), pytest.raises(AuthkitError) as caught:
            sign_in(kit, emulator)
        took = time.monotonic() - started

    assert caught.value.code in {UNAVAILABLE, PROTOCOL}
    assert took < 5


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_a_login_on_the_wire_comes_through(tls):
    emulator = TikTokEmulator()
    with serve(emulator, port=0, tls=tls) as server:
        login = sign_in(make_kit(emulator, server.origin, ca_bundle=server.ca_bundle), emulator)

    assert login.profile.display_name == emulator.users[0].display_name
