"""Every fault of the table at every call of a login, as the visitors of an app meet it: TikTok, OpenID Connect."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from fakes import TOKEN, acme
from faulty_places import Certificates, Site
from faulty_server import Peer
from wire import Wire, head
from wire_faults import ANSWERS, CONNECTING, HANDSHAKES, Fault
from wire_logins import BEGINNING, COMPLETING, Login, Provider, emulated, login_at

pytest_plugins = ["faulty_fixtures"]
pytestmark = pytest.mark.pyramid

PATIENCE = 0.3
"""The deadline of a login that would last for ever. In an app, it is fifteen seconds."""
ENOUGH = 15.0
"""The deadline of all others, which must not need it."""
SLACK = 3.0
"""How much longer a login may take than its deadline, on a machine that has much else to do."""

AT = Callable[..., Login]
AT_EACH = pytest.mark.parametrize("name", list(COMPLETING))
FAULTS = {**CONNECTING, **HANDSHAKES, **ANSWERS}


@pytest.fixture(scope="module")
def emulators() -> Mapping[str, Any]:
    """Give an emulator of each provider; the keys of one take long to make."""
    return {name: emulated(name) for name in COMPLETING}


@pytest.fixture
def at(emulators: Mapping[str, Any], serve: Site, certificates: Certificates, good_context: Any, caplog: Any) -> AT:
    """Give what makes an app whose provider stands behind real sockets."""

    def make(name: str, tls: bool = True) -> Login:
        provider = Provider(emulators[name], certificates, good_context if tls else None)
        return login_at(name, provider, serve(provider, tls=False), certificates.bundle, caplog)

    return make


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@AT_EACH
def test_a_login_over_real_sockets_makes_the_calls_that_are_broken_here(at: AT, name: str, tls: bool) -> None:
    login = at(name, tls)
    assert login.sign_in().startswith("v1:")
    assert login.provider.calls == len(BEGINNING[name]) + len(COMPLETING[name])


@pytest.mark.parametrize("fault", FAULTS.values(), ids=[name.replace(" ", "-") for name in FAULTS])
@AT_EACH
def test_flt_a_login_that_meets_a_fault_at_any_call_fails_with_its_code_and_the_next_one_works(
    at: AT, fault: Fault, name: str
) -> None:
    login = at(name)
    for deadline in login.refused_at_each_call(fault, PATIENCE if fault.is_slow else ENOUGH):
        assert time.monotonic() < deadline.ends_at + SLACK
        # Where time is short, an earlier call may have been the one that took too long.
        assert login.provider.calls == login.provider.faulty or fault.is_slow
    assert login.sign_in().startswith("v1:")


def telling_apart(peer: Peer) -> None:
    """Answer so that a user is who the code names; the first token comes late, behind a word that it is under way."""
    while peer.read_request():
        request = peer.server.requests[-1].decode()
        if found := re.search("code=([a-z]+)", request):
            if len(peer.server.requests) == 1:
                peer.send(head("103 Early Hints"))
                time.sleep(0.15)
            answer = {**TOKEN, "access_token": f"token-of-{found[1]}"}
        else:
            answer = {"id": request.partition("Bearer token-of-")[2].split()[0], "name": "Somebody"}
        body = json.dumps(answer).encode()
        peer.send(head("200 OK", f"Content-Length: {len(body)}") + body)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_flt_a_token_that_comes_late_signs_in_whom_it_was_sent_for(
    new_world: Any, serve: Site, certificates: Certificates, tls: bool
) -> None:
    server = serve(telling_apart, tls)
    origin = f"{'https' if tls else 'http'}://{server.host}"
    urls = {"authkit.acme.token_url": f"{origin}/token", "authkit.acme.userinfo_url": f"{origin}/me"}
    world = new_world(network=Wire(certificates.bundle), settings=urls, providers=(acme,))
    people = []
    for code in ("ada", "ben"):
        browser = world.browser()
        browser.get(world.callback(world.start(browser), code=code), expect_errors=True)
        people.append(world.me(browser))
    assert people == ["v1:acme:acme-client:ada", "v1:acme:acme-client:ben"]
    assert server.accepted == 1
