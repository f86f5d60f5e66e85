"""A token reply that is cut off at each of its bytes, and a TLS connection at each of those of the server."""

from __future__ import annotations

import gzip
import ssl
from collections.abc import Callable

import pytest
from fakes import TOKEN
from faulty_places import Certificates, Site, To
from faulty_server import Peer
from transport_calls import ask
from wire import BODIES, head

from authkit.deadline import Deadline
from authkit.errors import ProviderUnavailable
from authkit.transport import PooledAdapter, Transport

pytest_plugins = ["faulty_fixtures"]

SECONDS = 15.0
"""The deadline of each call, which must not need it."""
BODY = BODIES["token"]
PACKED = gzip.compress(BODY)
REPLIES = {
    "length": head("200 OK", "Content-Type: application/json", f"Content-Length: {len(BODY)}") + BODY,
    "chunks": head("200 OK", "Transfer-Encoding: chunked")
    + b"40\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:64], len(BODY) - 64, BODY[64:]),
    "gzip": head("200 OK", "Content-Encoding: gzip", f"Content-Length: {len(PACKED)}") + PACKED,
}
"""Replies that are complete with their last byte, and not before."""
ENDS: dict[str, Callable[[Peer], None]] = {"end": lambda peer: None, "reset": Peer.reset}


def reason(transport: Transport, url: str) -> str:
    """Return why a call fails; "" if it does not, and the answer is whole."""
    with Deadline(SECONDS):
        try:
            assert ask(transport, url, "POST").json() == TOKEN
        except ProviderUnavailable as error:
            return error.reason
    return ""


def cutting(reply: bytes, end: Callable[[Peer], None]) -> Callable[[Peer], None]:
    """Return what sends no byte of a reply on the first connection, one on the second, and so on."""

    def handle(peer: Peer) -> None:
        length = peer.server.accepted - 1
        peer.read_request()
        peer.send(reply[:length])
        end(peer)

    return handle


@pytest.mark.parametrize("end", ENDS.values(), ids=list(ENDS))
@pytest.mark.parametrize("reply", REPLIES.values(), ids=list(REPLIES))
def test_flt_20_a_reply_that_is_cut_off_anywhere_is_none(
    serve: Site, transport_to: To, reply: bytes, end: Callable[[Peer], None]
) -> None:
    server = serve(cutting(reply, end), tls=False)
    transport = transport_to(server)
    reasons = [reason(transport, server.url) for _ in range(len(reply) + 1)]
    assert reasons[0] == "the connection was closed without an answer"
    assert reasons[-1] == ""
    assert set(reasons[:-1]) <= {reasons[0], "the answer was cut off", "connection reset"}
    assert server.accepted == len(server.requests) == len(reply) + 1


class Budget:
    """A TLS server in memory whose every byte counts: what it may say is limited, and then it ends.

    Attributes:
        limit: how many bytes it may say.
        said: how many it would have said by now.
    """

    def __init__(self, peer: Peer, context: ssl.SSLContext, limit: int) -> None:
        self.peer, self.limit, self.said = peer, limit, 0
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)

    def run(self, reply: bytes) -> None:
        """Shake hands, read a request, and reply."""
        for step in (self.tls.do_handshake, lambda: self.tls.read(65536), lambda: self.tls.write(reply)):
            while not self._is_done(step):
                if self.said > self.limit or not (data := self.peer.sock.recv(65536)):
                    return
                self.incoming.write(data)

    def _is_done(self, step: Callable[[], object]) -> bool:
        try:
            step()
        except ssl.SSLWantReadError:
            return False
        finally:
            data = self.outgoing.read()
            left, self.said = max(0, self.limit - self.said), self.said + len(data)
            self.peer.send(data[:left])
        return True


@pytest.mark.parametrize(
    ("version", "end"),
    [(ssl.TLSVersion.TLSv1_2, "end"), (ssl.TLSVersion.TLSv1_3, "end"), (ssl.TLSVersion.TLSv1_3, "reset")],
    ids=["1.2-end", "1.3-end", "1.3-reset"],
)
def test_flt_20_a_tls_connection_that_is_cut_off_anywhere_has_no_answer(
    serve: Site, certificates: Certificates, version: ssl.TLSVersion, end: str
) -> None:
    context = certificates.context("127.0.0.1")
    context.minimum_version = context.maximum_version = version
    context.num_tickets = 0
    budgets: list[Budget] = []

    def handle(peer: Peer) -> None:
        budgets.append(Budget(peer, context, len(budgets)))
        budgets[-1].run(REPLIES["length"])
        ENDS[end](peer)

    server = serve(handle, tls=False)
    transport = Transport(PooledAdapter(certificates.bundle))
    reasons = set()
    while why := reason(transport, server.url):
        reasons.add(why)
        assert len(budgets) < 5000
    assert budgets[-1].limit - 8 < budgets[-1].said <= budgets[-1].limit  # the length of a signature varies
    assert reasons <= {
        "TLS failed: the connection was closed",
        "the connection was closed without an answer",
        "the answer was cut off",
        "connection reset",
    }
