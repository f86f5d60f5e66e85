"""A provider in the shape of TikTok's that costs next to nothing: the token endpoint and user info, and no more.

    python benchmarks/provider.py --certificates .bench/tls [--core 0]

It prints one line of JSON, the ports it listens on, and serves until its standard input ends: plain HTTP, HTTPS, and
a control port with ``GET /counts``, ``GET /latency/<milliseconds>`` and ``GET /drop``. A code is made up by whoever
plays the browser: ``<user>~<code challenge>``, the challenge empty where there is none. So nothing is kept, and yet
the exchange is checked: the client's secret, the redirect URI and the verifier.

The latency is that of a round trip: every flight waits for it, and the first of a connection once more, for TCP.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import json
import os
import ssl
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

SITE = "https://app.example"
CLIENT_ID = "sbawaf3vgbd8y2c1o5"
CLIENT_SECRET = "a-secret-that-only-the-benchmark-knows"
TOKEN_PATH = b"/v2/oauth/token/"
USERINFO_PATH = b"/v2/user/info/"
HEAD_END = b"\r\n\r\n"
BASIC = b"Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode())

TOKEN = (
    b'{"access_token":"act.%(user)b","expires_in":86400,"open_id":"%(user)b","refresh_expires_in":31536000,'
    b'"refresh_token":"rft.%(user)b","scope":"user.info.basic","token_type":"Bearer"}'
)
USER = (
    b'{"data":{"user":{"avatar_large_url":"https://p16.example/%(user)b.jpeg","avatar_url":"https://p16.example/s.jpeg",'
    b'"avatar_url_100":"https://p16.example/m.jpeg","display_name":"%(user)b","open_id":"%(user)b",'
    b'"union_id":"union-%(user)b"}},"error":{"code":"ok","message":"","log_id":"20260101000000AA"}}'
)
REFUSAL = b'{"error":"invalid_request","error_description":"%b","log_id":"20260101000000AA"}'


def reply(body: bytes, status: bytes = b"200 OK") -> bytes:
    """Return an HTTP answer with a JSON body."""
    head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    return head % (status, len(body)) + body


def refusal(why: bytes) -> bytes:
    """Return the answer to a request that a real provider would refuse."""
    return reply(REFUSAL % why, b"400 Bad Request")


@dataclass
class Counts:
    """What the provider has seen."""

    connections: int = 0
    handshakes: int = 0
    resumed: int = 0
    tokens: int = 0
    users: int = 0
    refused: int = 0


def header(head: bytes, name: bytes) -> bytes:
    """Return a header's value, b"" if there is none. `name` is lower case and ends in a colon."""
    start = head.lower().find(b"\r\n" + name)
    if start < 0:
        return b""
    start += len(name) + 2
    return head[start : head.find(b"\r\n", start)].strip()


def is_answered(challenge: str, verifier: str) -> bool:
    """Tell whether `verifier` is the challenge's, as TikTok computes it (hexadecimal) or RFC 7636, or plain."""
    digest = hashlib.sha256(verifier.encode()).digest()
    encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return challenge in {digest.hex(), encoded, verifier}


class Provider:
    """The two endpoints, and what they have seen."""

    def __init__(self) -> None:
        self.counts = Counts()
        self.latency = 0.0
        self.connections: set[Connection] = set()

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the answer to one request."""
        path = head.split(b" ", 2)[1].partition(b"?")[0]
        if path == TOKEN_PATH:
            answer = self._token(head, body)
        elif path == USERINFO_PATH:
            answer = self._user(head)
        else:
            answer = reply(b"{}", b"404 Not Found")
        self.counts.refused += not answer.startswith(b"HTTP/1.1 200")
        return answer

    def _token(self, head: bytes, body: bytes) -> bytes:
        self.counts.tokens += 1
        form = dict(parse_qsl(body.decode()))
        client = form.get("client_key", form.get("client_id"))
        if header(head, b"authorization:") != BASIC and (client, form.get("client_secret")) != (
            CLIENT_ID,
            CLIENT_SECRET,
        ):
            return refusal(b"not the client")
        if form.get("grant_type") != "authorization_code" or not form.get("redirect_uri", "").startswith("http"):
            return refusal(b"no such grant")
        user, tilde, challenge = unquote(form.get("code", "")).partition("~")
        if not tilde or (challenge and not is_answered(challenge, form.get("code_verifier", ""))):
            return refusal(b"not the code, or not its verifier")
        return reply(TOKEN % {b"user": user.encode()})

    def _user(self, head: bytes) -> bytes:
        self.counts.users += 1
        token = header(head, b"authorization:")
        if not token.startswith(b"Bearer act."):
            return refusal(b"no token")
        return reply(USER % {b"user": token.removeprefix(b"Bearer act.")})

    def control(self, head: bytes, _: bytes) -> bytes:
        """Return the answer to one request at the control port."""
        command, _, value = head.split(b" ", 2)[1].decode().strip("/").partition("/")
        if command == "latency":
            self.latency = float(value) / 1000
        elif command == "drop":
            for connection in tuple(self.connections):
                connection.drop()
        return reply(json.dumps(asdict(self.counts)).encode())


class Plain:
    """Bytes as they come."""

    def __init__(self) -> None:
        self._out = b""

    def received(self, data: bytes) -> bytes:
        """Return what `data`, off the wire, says."""
        return data

    def send(self, data: bytes) -> None:
        """Put `data` into the next flight."""
        self._out += data

    def flight(self) -> bytes:
        """Return what is to go over the wire."""
        out, self._out = self._out, b""
        return out


class Tls:
    """The server's side of TLS, in memory, so that every flight of a handshake can be held back."""

    def __init__(self, context: ssl.SSLContext, counts: Counts) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        self._counts = counts
        self._is_open = False

    def received(self, data: bytes) -> bytes:
        """Return what `data`, off the wire, says."""
        self._in.write(data)
        said = b""
        with suppress(ssl.SSLWantReadError):
            if not self._is_open:
                self._tls.do_handshake()
                self._is_open = True
                self._counts.handshakes += 1
                self._counts.resumed += bool(self._tls.session_reused)
            while chunk := self._tls.read(65536):
                said += chunk
        return said

    def send(self, data: bytes) -> None:
        """Put `data` into the next flight."""
        self._tls.write(data)

    def flight(self) -> bytes:
        """Return what is to go over the wire."""
        return self._out.read()


class Connection(asyncio.Protocol):
    """One kept-alive connection."""

    def __init__(self, provider: Provider, channel: Plain | Tls, *, is_control: bool = False) -> None:
        self._provider = provider
        self._channel = channel
        self._is_control = is_control
        self._answer = provider.control if is_control else provider.answer
        self._buffer = b""
        self._round_trips = 2  # of the next flight

    def connection_made(self, transport: Any) -> None:
        """Count a connection."""
        self._transport = transport
        if not self._is_control:
            self._provider.connections.add(self)
            self._provider.counts.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Forget a connection."""
        self._provider.connections.discard(self)

    def drop(self) -> None:
        """Close the connection, as a provider does with an idle one."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come in full."""
        try:
            self._buffer += self._channel.received(data)
        except ssl.SSLError:
            self._transport.abort()
            return
        while (request := self._next()) is not None:
            self._channel.send(self._answer(*request))
        flight = self._channel.flight()
        delay = 0.0 if self._is_control else self._provider.latency * self._round_trips
        if flight and not delay:
            self._transport.write(flight)
        elif flight:
            asyncio.get_running_loop().call_later(delay, self._transport.write, flight)
        self._round_trips = 1

    def _next(self) -> tuple[bytes, bytes] | None:
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return None
        head, start = self._buffer[: end + 2], end + len(HEAD_END)
        length = int(header(head, b"content-length:") or 0)
        if len(self._buffer) < start + length:
            return None
        body, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
        return head, body


def server_context(folder: Path) -> ssl.SSLContext:
    """Return a context with a certificate for 127.0.0.1; the authority that signs it is made once in `folder`."""
    import trustme

    folder.mkdir(parents=True, exist_ok=True)
    roots, chain = folder / "root.pem", folder / "server.pem"
    if not chain.exists():
        authority = trustme.CA()
        authority.cert_pem.write_to_path(roots)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


async def serve(folder: Path) -> None:
    """Serve until standard input ends."""
    loop, provider, context = asyncio.get_running_loop(), Provider(), server_context(folder)
    kinds = {
        "http": lambda: Connection(provider, Plain()),
        "https": lambda: Connection(provider, Tls(context, provider.counts)),
        "control": lambda: Connection(provider, Plain(), is_control=True),
    }
    servers = {kind: await loop.create_server(make, "127.0.0.1", 0, backlog=512) for kind, make in kinds.items()}
    ports = {kind: server.sockets[0].getsockname()[1] for kind, server in servers.items()}
    print(json.dumps(ports), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--certificates", type=Path, required=True, help="folder of the certificates")
    parser.add_argument("--core", type=int, help="the core to stay on")
    given = parser.parse_args()
    if given.core is not None:
        os.sched_setaffinity(0, {given.core})
    with suppress(ImportError):  # three times as fast, where it is installed
        import uvloop

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    asyncio.run(serve(given.certificates))


if __name__ == "__main__":
    main()
