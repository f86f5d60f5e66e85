"""Every fault of the table, as a single call over TCP, over TLS or through a proxy meets it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from typing import Any

import pytest
from faulty_places import Certificates, Site, To, black_hole, closed_port, resolving_to
from faulty_server import OK, FaultyServer, Handler, Peer, answering
from transport_calls import PLAIN_AND_TLS, SECRET, ask
from wire_faults import ANSWERS, CONNECTING, HANDSHAKES, LATE, PROXIES, Fault

from authkit.deadline import Deadline
from authkit.errors import AuthkitError
from authkit.transport import PooledAdapter, Transport

pytest_plugins = ["faulty_fixtures"]

PATIENCE = 0.6
"""The deadline of a call that would last for ever. In an app, it is fifteen seconds."""
ENOUGH = 15.0
"""The deadline of all others, which must not need it."""
SLACK = 3.0
"""How much longer a call may take than its deadline, on a machine that has much else to do."""


def every(faults: Mapping[str, Fault]) -> pytest.MarkDecorator:
    """Run a test for each of some faults."""
    return pytest.mark.parametrize("fault", faults.values(), ids=[name.replace(" ", "-") for name in faults])


def assert_meets(transport: Transport, url: str, fault: Fault, method: str = "POST") -> None:
    """Check that a call fails as the fault has it, by the deadline, and with no word of what was sent."""
    seconds = PATIENCE if fault.is_slow else ENOUGH
    with Deadline(seconds) as deadline, pytest.raises(AuthkitError) as caught:
        ask(transport, url, method)
    assert time.monotonic() < deadline.ends_at + SLACK
    assert caught.value.code == fault.code
    causes = tuple(cause.replace("15 s", f"{seconds:g} s") for cause in fault.causes)
    assert caught.value.reason.startswith(causes)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def replying(fault: Fault) -> Handler:
    """Return a handler that meets the first connection with a fault, and all others well."""
    good = answering(OK)

    def handle(peer: Peer) -> None:
        if peer.server.accepted > 1:
            return good(peer)
        if fault.reply:
            peer.read_request()
            fault.reply(peer)
        return None

    return handle


@every(ANSWERS)
@PLAIN_AND_TLS
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_flt_an_answer_that_is_wrong_fails_once_and_the_next_call_works(
    serve: Site, transport_to: To, fault: Fault, tls: bool, method: str
) -> None:
    server = serve(replying(fault), tls)
    transport = transport_to(server)
    assert_meets(transport, server.url, fault, method)
    assert (server.accepted, len(server.requests)) == (1, 1)
    server.settle()
    assert ask(transport, server.url, method).content == b"{}"
    assert server.accepted == 2


@every(CONNECTING)
@PLAIN_AND_TLS
def test_flt_a_connection_that_does_not_come_about_fails(certificates: Certificates, fault: Fault, tls: bool) -> None:
    def look_up(host: str, port: int) -> Any:
        assert fault.look_up
        return resolving_to(*fault.look_up())(host, port)

    plain = [] if tls else ["http://localhost:8787"]
    transport = Transport(PooledAdapter(certificates.bundle, look_up=look_up), plain_origins=plain)
    assert_meets(transport, "https://localhost:8787/x", fault)


@PLAIN_AND_TLS
def test_flt_a_connection_that_is_never_taken_fails(tls: bool) -> None:
    with black_hole() as (host, port):
        transport = Transport(PooledAdapter(), plain_origins=[] if tls else [f"http://{host}:{port}"])
        assert_meets(transport, f"https://{host}:{port}/x", Fault(causes=(LATE,), is_slow=True))


def shaking_hands(serve: Site, certificates: Certificates, fault: Fault) -> FaultyServer:
    """Return a server whose handshake goes wrong."""
    if fault.below:
        return serve(fault.below, tls=False)
    assert fault.context
    return serve(answering(OK), context=fault.context(certificates))


@every(HANDSHAKES)
def test_flt_a_handshake_that_is_wrong_fails_and_nothing_is_sent(
    serve: Site, certificates: Certificates, fault: Fault
) -> None:
    server = shaking_hands(serve, certificates, fault)
    assert_meets(Transport(PooledAdapter(certificates.bundle)), server.url, fault)
    assert (server.accepted, server.requests) == (1, [])


@every(PROXIES)
@PLAIN_AND_TLS
def test_flt_a_proxy_that_does_not_do_its_work_fails(
    serve: Site, certificates: Certificates, fault: Fault, tls: bool
) -> None:
    proxy = serve(replying(fault), tls)
    address = f"{'https' if tls else 'http'}://{proxy.host}"
    assert_meets(Transport(PooledAdapter(certificates.bundle, address)), "https://provider.example/x", fault)
    assert [request.split()[:2] for request in proxy.requests] == [[b"CONNECT", b"provider.example:443"]]
    assert SECRET.encode() not in proxy.requests[0]


def test_flt_a_proxy_that_nobody_runs_fails(certificates: Certificates) -> None:
    transport = Transport(PooledAdapter(certificates.bundle, f"http://127.0.0.1:{closed_port()}"))
    assert_meets(transport, "https://provider.example/x", Fault(causes=("the proxy: connection refused",)))


def test_flt_a_proxy_whose_name_is_not_known_fails(certificates: Certificates) -> None:
    def look_up(host: str, port: int) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "not known")

    transport = Transport(PooledAdapter(certificates.bundle, "http://proxy.example:3128", look_up))
    fault = Fault(causes=("the proxy: name resolution failed",))
    assert_meets(transport, "https://provider.example/x", fault)
