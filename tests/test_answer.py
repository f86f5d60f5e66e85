"""Answers as HTTP/1.1 has them, and connections on which nothing of one is left for who asks next."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from faulty_places import Site, To
from faulty_server import OK, Handler, Peer, answering, answering_once
from transport_calls import PLAIN_AND_TLS, ask, nonsense, unavailable, with_head

from authkit.answer import HOOKS, MAX_HEAD, MAX_LINES, Answer, require_hooks

pytest_plugins = ["faulty_fixtures"]

STRANGERS = with_head("200 OK\r\nContent-Length: 8", b"stranger")
"""An answer that nobody has asked for, and that nobody may get."""

CHUNKED = "200 OK\r\nTransfer-Encoding: chunked"
UNCLEAR = "the answer does not say how long it is, or in two ways"


def echo(peer: Peer, request: bytes) -> bytes:
    """Return an answer that says whose request it is the answer to."""
    who = request.split()[1].strip(b"/")
    return with_head(f"200 OK\r\nContent-Length: {len(who)}", who)


@pytest.mark.parametrize("gone", HOOKS)
def test_a_python_that_does_not_call_us_any_more_is_refused(gone: str) -> None:
    """Each hook has to be one of ours, too: one that is renamed here alone would check nothing."""
    changed = type("HTTPResponse", (), {name: None for name in HOOKS if name != gone})

    assert gone in vars(Answer)
    with pytest.raises(ImportError, match=rf"which has no {gone}$"):
        require_hooks(changed)


# Answers that are not final.


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: </x>", "199 Wait"])
@pytest.mark.parametrize("times", [1, 20])
@PLAIN_AND_TLS
def test_an_answer_that_is_not_final_is_passed_over(
    serve: Site, transport_to: To, interim: str, times: int, tls: bool
) -> None:
    server = serve(answering(with_head(interim) * times + OK), tls)
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]
    assert (server.accepted, len(server.requests)) == (1, 2)


@pytest.mark.parametrize("interim", ["100 Continue", "102 Processing", "103 Early Hints"])
@PLAIN_AND_TLS
def test_an_answer_that_comes_late_behind_one_that_is_not_final_is_for_nobody_else(
    serve: Site, transport_to: To, interim: str, tls: bool
) -> None:
    """Whoever takes ``103`` for the answer gives the connection back, and the next user gets the real one."""
    is_asked_again = Event()

    def handle(peer: Peer) -> None:
        while request := peer.read_request():
            if is_asked_again.is_set():
                peer.send(echo(peer, request))
                continue
            peer.send(with_head(interim))
            is_asked_again.wait(0.2)
            peer.send(echo(peer, request))

    server = serve(handle, tls)
    transport = transport_to(server)
    answers = []
    for user in ("ada", "ben"):
        answers.append(ask(transport, f"https://{server.host}/{user}", "POST").content)
        is_asked_again.set()
    assert answers == [b"ada", b"ben"]


@pytest.mark.parametrize("interim", ["100 Continue", "103 Early Hints"])
def test_answers_that_are_not_final_come_to_an_end(serve: Site, transport_to: To, interim: str) -> None:
    def handle(peer: Peer) -> None:
        peer.read_request()
        while True:
            peer.send(with_head(interim) * 1000)

    server = serve(handle, tls=False)
    assert unavailable(transport_to(server), server.url) == "the answer is not HTTP"


def test_an_answer_that_ends_before_it_is_final_was_cut_off(serve: Site, transport_to: To) -> None:
    server = serve(answering_once(with_head("103 Early Hints")), tls=False)
    assert unavailable(transport_to(server), server.url) == "the answer was cut off"


def test_another_protocol_that_nobody_asked_for_is_refused(serve: Site, transport_to: To) -> None:
    server = serve(answering(with_head("101 Switching Protocols\r\nUpgrade: h2c")))
    transport = transport_to(server)
    reasons = [nonsense(transport, server.url) for _ in range(2)]
    assert reasons == ["the provider answered 101, which is no final answer"] * 2
    assert server.accepted == 2


# What comes behind an answer.


def behind(answer: bytes, rest: bytes) -> Handler:
    """Return a handler whose first connection says more than it was asked; all others are good."""

    def handle(peer: Peer) -> None:
        is_first = peer.server.accepted == 1
        while peer.read_request():
            peer.send(answer + (rest if is_first else b""))

    return handle


FILLING = b"." * (8192 - len(OK))
"""What makes the rest of a record stay inside of TLS: a stream is read in steps of 8 KiB."""


@pytest.mark.parametrize(
    "rest",
    [b"\n", b"\r\n", b"0", STRANGERS, FILLING + STRANGERS, FILLING + b"." + STRANGERS],
    ids=["line-feed", "empty-line", "byte", "answer", "answer-in-the-next-step", "answer-after-a-byte"],
)
@pytest.mark.parametrize(
    "answer",
    [OK, with_head(CHUNKED, b"2\r\n{}\r\n0\r\n\r\n"), with_head("204 No Content")],
    ids=["length", "chunked", "no-content"],
)
@PLAIN_AND_TLS
def test_a_connection_that_says_more_than_it_was_asked_is_not_used_again(
    serve: Site, transport_to: To, answer: bytes, rest: bytes, tls: bool
) -> None:
    server = serve(behind(answer, rest), tls)
    transport = transport_to(server)
    wanted = ask(transport, server.url, "POST").content
    assert ask(transport, server.url, "POST").content == wanted
    assert (server.accepted, len(server.requests)) == (2, 2)


@pytest.mark.parametrize("rest", [b"\n", STRANGERS, FILLING + STRANGERS], ids=["line-feed", "answer", "long"])
@PLAIN_AND_TLS
def test_what_comes_on_an_idle_connection_is_nobodys_answer(
    serve: Site, transport_to: To, rest: bytes, tls: bool
) -> None:
    has_come, may_come = Event(), Event()

    def handle(peer: Peer) -> None:
        is_first = peer.server.accepted == 1
        while peer.read_request():
            peer.send(OK)
            if is_first:
                may_come.wait(5)
                peer.send(rest)
                has_come.set()

    server = serve(handle, tls)
    transport = transport_to(server)
    ask(transport, server.url, "POST")
    may_come.set()
    assert has_come.wait(5)
    assert ask(transport, server.url, "POST").content == b"{}"
    assert (server.accepted, len(server.requests)) == (2, 2)


def end(peer: Peer) -> None:
    """End the connection in both directions, and TLS properly."""
    if peer.server.context:
        peer.sock.unwrap()  # type: ignore[attr-defined]


def end_one_way(peer: Peer) -> None:
    """Say that nothing comes any more, and go on listening."""
    sock = peer.sock
    sock.shutdown(1) if peer.server.context is None else peer.sock.unwrap()  # type: ignore[attr-defined]
    peer.hang()


@pytest.mark.parametrize("close", [end, end_one_way, Peer.reset], ids=["end", "half", "reset"])
@PLAIN_AND_TLS
def test_a_connection_that_ends_right_behind_an_answer_is_not_used_for_a_post(
    serve: Site, transport_to: To, close: Callable[[Peer], None], tls: bool
) -> None:
    def handle(peer: Peer) -> None:
        is_first = peer.server.accepted == 1
        while peer.read_request():
            peer.send(OK)
            if is_first:
                time.sleep(0.05)  # a reset overtakes what was sent before it
                close(peer)
                return

    server = serve(handle, tls)
    transport = transport_to(server)
    ask(transport, server.url, "POST")
    time.sleep(0.15)
    assert ask(transport, server.url, "POST").content == b"{}"
    assert (server.accepted, len(server.requests)) == (2, 2)


class Broken(io.RawIOBase):
    """A socket, and the stream that is read from it, that breaks behind an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces = [OK]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def settimeout(self, seconds: float) -> None:
        assert seconds == 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self.pieces:
            raise ConnectionResetError
        piece = self.pieces.pop()
        buffer[: len(piece)] = piece
        return len(piece)


def test_a_connection_that_breaks_right_behind_an_answer_is_not_used_again() -> None:
    answer = Answer(Broken())  # type: ignore[arg-type]  # all that an answer needs of a socket
    answer.begin()
    assert (answer.read(), answer.left_nothing) == (b"{}", False)


def test_an_end_of_tls_that_comes_with_the_answer_is_not_overlooked(serve: Site, transport_to: To) -> None:
    """The end is read with the answer, and the socket below stays open and silent."""

    def handle(peer: Peer) -> None:
        peer.read_request()
        peer.send(OK)
        if peer.server.accepted == 1:
            end_one_way(peer)

    server = serve(handle)
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]


@PLAIN_AND_TLS
def test_an_answer_that_is_refused_leaves_its_connection_to_nobody(serve: Site, transport_to: To, tls: bool) -> None:
    redirect = with_head("302 Go\r\nLocation: /\r\nContent-Length: 8", b"stranger")

    def handle(peer: Peer) -> None:
        while peer.read_request():
            peer.send(redirect if peer.server.accepted == 1 else OK)

    server = serve(handle, tls)
    transport = transport_to(server)
    nonsense(transport, server.url)
    assert ask(transport, server.url).content == b"{}"
    assert server.accepted == 2


@PLAIN_AND_TLS
def test_an_answer_that_is_refused_at_its_end_leaves_its_connection_to_one(
    serve: Site, transport_to: To, tls: bool
) -> None:
    both_asked = Barrier(2)

    def handle(peer: Peer) -> None:
        if peer.server.accepted == 1:
            peer.read_request()
            peer.send(with_head("200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9", b"not gzip!"))
        while peer.read_request():
            both_asked.wait(10)
            peer.send(OK)

    server = serve(handle, tls)
    transport = transport_to(server)
    nonsense(transport, server.url)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: ask(transport, server.url, "POST").content, range(2)))
    assert (answers, server.accepted) == ([b"{}", b"{}"], 2)


# Heads that two readers read in two ways.


@pytest.mark.parametrize(
    "lengths",
    [
        ["Content-Length: 2", "Content-Length: 3"],
        ["Content-Length: 2, 3"],
        ["Content-Length: 2, 2"],
        ["Content-Length: +2"],
        ["Content-Length: -2"],
        ["Content-Length: 0_2"],
        ["Content-Length: 0x2"],
        ["Content-Length: 2 3"],
        ["Content-Length: 2.0"],
        ["Content-Length:"],
        ["Content-Length: two"],
        ["Content-Length: " + "9" * 5000],
        ["Content-Length: 2", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 12"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: identity"],
        ["Transfer-Encoding: identity", "Content-Length: 2"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked;q=1"],
        ["Transfer-Encoding:"],
    ],
    ids=", ".join,
)
@PLAIN_AND_TLS
def test_an_answer_of_unclear_length_is_refused(serve: Site, transport_to: To, lengths: list[str], tls: bool) -> None:
    server = serve(answering(with_head("\r\n".join(["200 OK", *lengths]), b"2\r\n{}\r\n0\r\n\r\n")), tls)
    assert unavailable(transport_to(server), server.url, "POST") == UNCLEAR


@pytest.mark.parametrize(
    ("lengths", "body"),
    [
        (["Content-Length: 2", "Content-Length: 2"], b"{}"),
        (["content-length:2"], b"{}"),
        (["Transfer-Encoding: CHUNKED"], b"2\r\n{}\r\n0\r\n\r\n"),
        (["Content-Length: \t 2\t "], b"{}"),
        (["Content-Length: 0002"], b"{}"),
        (["TRANSFER-ENCODING:chunked"], b"1;a=b\r\n{\r\n1\r\n}\r\n0\r\nTrailer: 1\r\n\r\n"),
    ],
)
def test_an_answer_of_clear_length_is_taken_and_its_connection_kept(
    serve: Site, transport_to: To, lengths: list[str], body: bytes
) -> None:
    server = serve(answering(with_head("\r\n".join(["200 OK", *lengths]), body)), tls=False)
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]
    assert server.accepted == 1


def test_chunks_may_say_more_of_themselves_than_a_head_may(serve: Site, transport_to: To) -> None:
    body = b"1;%b\r\n \r\n" % (b"a" * 996) * (MAX_HEAD // 1000 + 1)
    server = serve(answering(with_head(CHUNKED, body + b"0\r\n\r\n")), tls=False)
    assert ask(transport_to(server), server.url, "POST").content == b" " * (MAX_HEAD // 1000 + 1)


def test_a_blank_behind_a_coding_is_none_of_it(serve: Site, transport_to: To) -> None:
    server = serve(answering(with_head(f"{CHUNKED} ", b"2\r\n{}\r\n0\r\n\r\n")), tls=False)
    assert ask(transport_to(server), server.url, "POST").content == b"{}"


def test_an_answer_without_a_length_lasts_as_long_as_its_connection(serve: Site, transport_to: To) -> None:
    server = serve(answering_once(with_head("200 OK", b"{}")))
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]
    assert server.accepted == 2


@pytest.mark.parametrize(
    "lines",
    [
        b"X: a\0b\r\n",
        b"X\0: b\r\n",
        b"X: a\rContent-Length: 9\r\n",
        b"X: a\r\r\n",
        b"\rX: a\r\n",
        b" X: folded, and nothing to be folded into\r\n",
        b"no colon\r\n",
        b"X : a blank before the colon\r\n",
        b": no name\r\n",
        b"X\xff: a name that is no token\r\n",
        b"X<y: a name that is no token\r\n",
        b"X: a\x7f\r\n",
        b"X: a\x1b[2J\r\n",
        b"X: a\vb\r\n",
    ],
)
@PLAIN_AND_TLS
def test_a_head_with_a_line_that_is_none_is_refused(serve: Site, transport_to: To, lines: bytes, tls: bool) -> None:
    server = serve(answering(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 2\r\n\r\n{}"), tls)
    assert unavailable(transport_to(server), server.url, "POST") == "the answer is not HTTP"


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.(1 200 OK",
        b"HTTP/1.2 200 OK",
        b"HTTP/2 200 OK",
        b"http/1.1 200 OK",
        b"HTTP/1.1 2000 OK",
        b"HTTP/1.1 020 OK",
        b"HTTP/1.1 \xb200 OK",
        b"HTTP/1.1\xa0200 OK",
        b"HTTP/1.1  200 OK",
        b" HTTP/1.1 200 OK",
        b"HTTP/1.1 200OK",
        b"HTTP/1.1",
        b"ICY 200 OK",
        b"",
    ],
)
def test_a_status_line_that_is_none_is_refused(serve: Site, transport_to: To, line: bytes) -> None:
    server = serve(answering(line + b"\r\nContent-Length: 2\r\n\r\n{}"), tls=False)
    assert unavailable(transport_to(server), server.url, "POST") == "the answer is not HTTP"


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink : </x>\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\n </x>\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nHTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.(1 100 Continue\r\n\r\n",
    ],
)
@PLAIN_AND_TLS
def test_an_answer_that_is_not_final_has_a_head_as_well(
    serve: Site, transport_to: To, interim: bytes, tls: bool
) -> None:
    server = serve(answering(interim + OK), tls)
    assert unavailable(transport_to(server), server.url, "POST") == "the answer is not HTTP"


@pytest.mark.parametrize("field", ["Content-Length: 0", "transfer-encoding: chunked", "TRANSFER-ENCODING: x"])
@pytest.mark.parametrize(
    "text",
    [
        "HTTP/1.1 103 Hints\r\n{}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{{}}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n{}\r\n\r\n",
    ],
    ids=["hints", "trailers"],
)
def test_what_is_passed_over_says_no_length(serve: Site, transport_to: To, text: str, field: str) -> None:
    server = serve(answering(text.format(field).encode()), tls=False)
    assert unavailable(transport_to(server), server.url, "POST") == UNCLEAR


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n </y>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 2\n\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 \xfcbel\r\nX: \xff\r\nX:\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["folded-hints", "line-feeds", "folded", "no-reason", "latin", "keep-alive"],
)
def test_a_head_that_is_only_odd_is_taken(serve: Site, transport_to: To, head: bytes) -> None:
    server = serve(answering(head + b"{}"), tls=False)
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]
    assert server.accepted == 1


def test_an_answer_of_http_1_0_ends_its_connection(serve: Site, transport_to: To) -> None:
    server = serve(answering(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"), tls=False)
    transport = transport_to(server)
    assert [ask(transport, server.url, "POST").content for _ in range(2)] == [b"{}", b"{}"]
    assert server.accepted == 2


@pytest.mark.parametrize(("size", "is_taken"), [(MAX_HEAD, True), (MAX_HEAD + 1, False)])
def test_a_head_has_a_size_that_it_may_have(serve: Site, transport_to: To, size: int, is_taken: bool) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X: %b\r\n" % (b"y" * 30_000)
    rest = size - len(start) - len(b"X: \r\n\r\n")
    server = serve(answering(start + b"X: %b\r\n\r\n{}" % (b"y" * rest)), tls=False)
    if is_taken:
        assert ask(transport_to(server), server.url).content == b"{}"
    else:
        assert unavailable(transport_to(server), server.url) == "the answer is not HTTP"


# Chunks.


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"-5\r\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"-1\r\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"+2\r\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"0x2\r\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"0_2\r\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"2\r\n{}\r\n", "the answer was cut off"),
        (b"3\r\n{}", "the answer was cut off"),
        (b"\r\n", "the answer was cut off"),
        (b"2\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"2;a\n{}\r\n0\r\n\r\n", "the answer was cut off"),
        (b"f" * 60_000 + b"\r\n{}", "the answer was cut off"),
        (b"2;" + b"a" * MAX_LINES + b"\r\n{}\r\n0\r\n\r\n", "the answer is not HTTP"),
        (
            b"2\r\n{}\r\n0\r\n" + b"X: %b\r\n" % (b"y" * 995) * (MAX_LINES // 1000 + 1) + b"\r\n",
            "the answer is not HTTP",
        ),
        (b"2\r\n{}\r\n0\r\nX: \0\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}\r\n0\r\nno field\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}\r\n0\r\n folded\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}}\r\n0\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}\r\v0\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}\n0\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}0\r\n\r\n", "the answer is not HTTP"),
        (b"2\r\n{}\r\n0\r\n", "the answer was cut off"),
    ],
    ids=[
        "minus-5",
        "minus-1",
        "plus-2",
        "hexadecimal-prefix",
        "underscore",
        "no-end",
        "too-long",
        "no-size",
        "line-feed-behind-its-size",
        "line-feed-behind-more",
        "huge",
        "long-line",
        "trailers",
        "nul",
        "no-trailer",
        "folded-into-nothing",
        "longer-than-its-size",
        "two-other-bytes-at-its-end",
        "line-feed-at-its-end",
        "nothing-at-its-end",
        "no-last-line",
    ],
)
@PLAIN_AND_TLS
def test_chunks_that_lie_are_no_answer(serve: Site, transport_to: To, body: bytes, reason: str, tls: bool) -> None:
    server = serve(answering_once(with_head(CHUNKED, body)), tls)
    assert unavailable(transport_to(server), server.url, "POST") == reason
