"""Looking names up: in helper threads, a few at a time, and never for longer than there is time."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from authkit.resolver import LOOK_UPS_AT_ONCE, Resolver, _wait, look_up

FOUND = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 443))]


def test_only_streams_are_looked_up() -> None:
    assert {address[1] for address in look_up("localhost", 80)} == {socket.SOCK_STREAM}


def test_an_address_needs_no_thread() -> None:
    (address,) = Resolver(lambda *_: pytest.fail("it was looked up")).resolve("127.0.0.1", 80, 1)

    assert address[1:] == (socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))


def test_a_thread_that_hangs_keeps_no_process_alive_and_says_whose_it_is() -> None:
    threads: list[threading.Thread] = []

    def ask(*_: object) -> list[tuple[object, ...]]:
        threads.append(threading.current_thread())
        return FOUND

    assert Resolver(ask).resolve("acme.example", 443, 5) == FOUND
    assert [(thread.daemon, thread.name) for thread in threads] == [(True, "authkit-resolver")]


def test_each_look_up_makes_room_for_the_next() -> None:
    resolver = Resolver(lambda *_: FOUND)

    for _ in range(LOOK_UPS_AT_ONCE + 1):
        assert resolver.resolve("acme.example", 443, 0.5) == FOUND


@pytest.mark.parametrize("error", [socket.gaierror(-2, "no such name"), UnicodeError("label too long")])
def test_what_goes_wrong_in_the_thread_is_raised_to_whoever_waits(error: Exception) -> None:
    def ask(*_: object) -> list[tuple[object, ...]]:
        raise error

    with pytest.raises(type(error)):
        Resolver(ask).resolve("acme.example", 443, 5)


def test_whoever_does_not_say_so_does_not_give_up_early() -> None:
    def ask(*_: object) -> list[tuple[object, ...]]:
        threading.Event().wait(0.15)
        return FOUND

    assert Resolver(ask).resolve("acme.example", 443, 5) == FOUND


def test_whoever_waits_looks_again_now_and_then_and_not_all_the_time() -> None:
    end, looks = threading.Event(), []

    def ask(*_: object) -> list[tuple[object, ...]]:
        end.wait(5)
        return FOUND

    def gives_up() -> bool:
        looks.append(None)
        return False

    with pytest.raises(TimeoutError):
        Resolver(ask).resolve("acme.example", 443, 0.15, gives_up)
    end.set()
    assert len(looks) <= 3


def test_while_all_look_ups_hang_a_further_one_waits_for_as_long_as_it_has_time() -> None:
    end, asked = threading.Event(), []

    def ask(*question: object) -> list[tuple[object, ...]]:
        asked.append(question)
        end.wait(5)
        return FOUND

    resolver = Resolver(ask)
    for _ in range(LOOK_UPS_AT_ONCE):
        with pytest.raises(TimeoutError):
            resolver.resolve("acme.example", 443, 0)
    with pytest.raises(TimeoutError):
        resolver.resolve("late.example", 443, 0.05)
    end.set()
    assert ("late.example", 443) not in asked


def test_whoever_gives_up_need_not_wait_until_the_time_is_over() -> None:
    end = threading.Event()

    def ask(*_: object) -> list[tuple[object, ...]]:
        end.wait(3)
        return FOUND

    with pytest.raises(TimeoutError):
        Resolver(ask).resolve("acme.example", 443, 30, lambda: True)
    end.set()


def test_nobody_waits_for_longer_than_there_is_time() -> None:
    moments: list[float] = []

    def step(seconds: float) -> bool:
        moments.append(seconds)
        return False

    with pytest.raises(TimeoutError):
        _wait(step, time.monotonic() + 0.05, lambda: False)
    assert 0 <= min(moments) <= max(moments) <= 0.05
