"""Every fault of the table at every call of a login, as the visitors of an app meet it: TikTok, OpenID Connect."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from faulty_places import Certificates, Site
from wire_faults import ANSWERS, CONNECTING, HANDSHAKES, Fault
from wire_logins import BEGINNING, COMPLETING, Login, Provider, emulated, login_at

pytest_plugins = ["faulty_fixtures"]
pytestmark = pytest.mark.pyramid

PATIENCE = 0.3
"""The deadline of a login that would last for ever. In an app, it is fifteen seconds."""
ENOUGH = 15.0
"""The deadline of all others, which must not need it."""
SLACK = 1.0
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
