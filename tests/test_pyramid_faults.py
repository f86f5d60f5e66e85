"""Faults of a provider, each by its row, as an app's visitors meet them: servers that misbehave on real sockets."""

from __future__ import annotations

import json
import socket
import ssl
import time
import tracemalloc
import warnings
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from threading import Event

import pytest
import trustme
from fakes import TOKEN, USER
from faulty_places import black_hole, closed_port, self_signed
from faulty_server import Peer
from pyramid_apps import KEY
from wire import BODIES, Wire, acme_at, endpoint_of, head, well

from authkit.deadline import Deadline

pytest_plugins = ["faulty_fixtures"]
pytestmark = pytest.mark.pyramid

PATIENCE = 0.5
"""The deadline of a whole login here. In an app, it is fifteen seconds."""

ENDPOINTS = pytest.mark.parametrize("endpoint", ["token", "me"])


@pytest.fixture
def at(new_world, certificates):
    """Give what makes an app whose provider stands at an address."""

    def make(host, **options):
        return new_world(network=Wire(certificates.bundle, **options), providers=(acme_at(host),))

    return make


def failing(endpoint, fault):
    """Return what answers well, until `endpoint` is asked."""

    def handle(peer: Peer) -> None:
        while request := peer.read_request():
            asked = endpoint_of(request)
            if asked == endpoint:
                return fault(peer)
            peer.send(head("200 OK", f"Content-Length: {len(BODIES[asked])}") + BODIES[asked])
        return None

    return handle


def refused(world, code="provider_unavailable", *, exchanges=1):
    """Sign in, which fails with `code`, within the deadline; the code is of no use afterwards."""
    browser = world.browser()
    state = world.start(browser)
    began = time.monotonic()
    with Deadline(PATIENCE):
        response = world.refused(browser, world.callback(state), code, exchanges=exchanges)
    assert time.monotonic() - began < 2 * PATIENCE + 3
    world.refused(browser, world.callback(state), "state_invalid")
    return response


def asked(server, path):
    """How often `path` was asked for at a server."""
    return sum(request.split()[1] == path for request in server.requests)


@contextmanager
def recovering(world, server):
    """Let the server answer well in the end, and sign somebody in."""
    yield
    server.handle = well
    browser = world.browser()
    world.log_in(browser)
    assert world.me(browser) == KEY


# No connection.


def test_flt_01_nobody_listens(at):
    response = refused(at(f"127.0.0.1:{closed_port()}"))

    assert response.headers["Retry-After"] == "30"


def test_flt_01_nobody_answers_a_connection(at):
    with black_hole() as (host, port):
        refused(at(f"{host}:{port}"))


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_AGAIN, socket.EAI_FAIL])
def test_flt_19_a_name_that_cannot_be_looked_up(at, number):
    def look_up(host, port):
        raise socket.gaierror(number, "not known")

    refused(at("provider.example", look_up=look_up))


def test_flt_19_a_resolver_that_hangs(at):
    released = Event()

    def look_up(host, port):
        released.wait(10)
        return []

    try:
        refused(at("provider.example", look_up=look_up))
    finally:
        released.set()


# No answer in time.


@ENDPOINTS
def test_flt_02_a_server_that_says_nothing(at, serve, endpoint):
    server = serve(failing(endpoint, Peer.hang))
    world = at(server.host)

    with recovering(world, server):
        refused(world)

    assert world.exchanges == 2


def drip_body(peer: Peer) -> None:
    peer.send(head("200 OK", "Content-Length: 600"))
    peer.drip(b" " * 600)


def drip_headers(peer: Peer) -> None:
    peer.drip(head("200 OK", *["X-Padding: 1"] * 100))


@ENDPOINTS
@pytest.mark.parametrize("fault", [drip_body, drip_headers], ids=["body", "headers"])
def test_flt_03_an_answer_that_comes_byte_by_byte(at, serve, endpoint, fault):
    server = serve(failing(endpoint, fault))
    world = at(server.host)

    with recovering(world, server):
        refused(world)


def test_pkc_07_a_code_whose_answer_is_lost_is_sent_once(at, serve):
    server = serve(failing("token", Peer.hang))

    refused(at(server.host))

    assert asked(server, b"/token") == 1


def reset_before_headers(peer: Peer) -> None:
    peer.reset()


def reset_in_headers(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nContent-")
    time.sleep(0.05)
    peer.reset()


def reset_in_body(peer: Peer) -> None:
    peer.send(head("200 OK", "Content-Length: 100") + b"{")
    time.sleep(0.05)
    peer.reset()


@ENDPOINTS
@pytest.mark.parametrize("fault", [reset_before_headers, reset_in_headers, reset_in_body], ids=lambda f: f.__name__)
def test_flt_20_a_connection_that_is_reset(at, serve, endpoint, fault):
    server = serve(failing(endpoint, fault))
    world = at(server.host)

    with recovering(world, server):
        refused(world)
        assert asked(server, b"/token") == 1


# An answer that is none.


HUGE = json.dumps({**TOKEN, **USER, "padding": "x" * 10_000_000}).encode()


@ENDPOINTS
@pytest.mark.parametrize("header", [f"Content-Length: {len(HUGE)}", "Connection: close"], ids=["length", "none"])
def test_flt_08_ten_megabytes_are_cut_off(at, serve, endpoint, header):
    server = serve(failing(endpoint, lambda peer: peer.send(head("200 OK", header) + HUGE)))
    world = at(server.host)
    state = world.start(browser := world.browser())
    tracemalloc.start()
    try:
        with recovering(world, server):
            world.refused(browser, world.callback(state), "provider_protocol", exchanges=1)
            _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak - len(HUGE) < 20_000_000  # the server, which has a copy of it, is in this process


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("location", ["https://{trap}/", "http://{own}/token", "https://{own}/token", "//{trap}/x"])
def test_flt_16_a_token_endpoint_that_redirects_is_not_followed(at, serve, status, location):
    trap = serve(well)

    def redirect(peer: Peer) -> None:
        target = location.format(trap=trap.host, own=peer.server.host)
        peer.send(head(f"{status} Go", f"Location: {target}", "Content-Length: 0"))

    server = serve(failing("token", redirect))
    world = at(server.host)

    with recovering(world, server):
        refused(world, "provider_protocol")
        assert (trap.accepted, len(server.requests)) == (0, 1)


# Certificates.


def without_chain(certificate):
    """Return what a server needs that leaves out who has signed for the one who signed for it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with certificate.private_key_pem.tempfile() as key, certificate.cert_chain_pems[0].tempfile() as own:
        context.load_cert_chain(own, key)
    return context


def wrong_contexts(certificates):
    """Return what servers say who they are, wrongly."""
    past = datetime.now(timezone.utc) - timedelta(days=1)
    old = certificates.context("127.0.0.1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # what is deprecated is what is tested
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1
    old.set_ciphers("ALL:@SECLEVEL=0")
    return {
        "self-signed": self_signed("127.0.0.1"),
        "expired": certificates.context("127.0.0.1", not_before=past - timedelta(days=1), not_after=past),
        "other host": certificates.context("other.example"),
        "other authority": certificates.context("127.0.0.1", authority=trustme.CA()),
        "no chain": without_chain(certificates.authority.create_child_ca().issue_cert("127.0.0.1")),
        "old": old,
    }


@pytest.mark.parametrize("wrong", ["self-signed", "expired", "other host", "other authority", "no chain", "old"])
def test_flt_18_a_server_that_is_not_who_it_should_be_gets_no_byte(at, serve, certificates, monkeypatch, wrong):
    monkeypatch.setenv("PYTHONHTTPSVERIFY", "0")
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("CURL_CA_BUNDLE", "")
    server = serve(well, context=wrong_contexts(certificates)[wrong])

    refused(at(server.host))

    assert (server.accepted > 0, server.requests) == (True, [])
