"""The deadline of an operation, and the watchdog that enforces it on real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from authkit.deadline import Deadline, _Watchdog, _watchdog
from authkit.errors import ProviderUnavailable


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Return two sockets that are connected to each other; nothing comes over them unless a test sends it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


class Queue:
    """Says when an operation gives up, as the breaker does."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.times_heard = 0

    def gives_up_at(self) -> float:
        return self.ends_at

    def heard(self) -> None:
        self.times_heard += 1


class BusyLock:
    """A lock that somebody else has, which becomes free when it is asked for the last of `times`."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.timeouts: list[float] = []

    def acquire(self, timeout: float) -> bool:
        self.timeouts.append(timeout)
        return len(self.timeouts) == self.times


def watchdogs() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "authkit-watchdog"]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - a number is all that is wanted


def test_there_is_no_deadline_outside_of_an_operation() -> None:
    assert Deadline.current() is None


def test_the_deadline_is_current_inside_its_block_only() -> None:
    with Deadline(5) as deadline:
        assert Deadline.current() is deadline
    assert Deadline.current() is None


def test_another_thread_does_not_see_the_deadline() -> None:
    seen: list[Deadline | None] = []
    with Deadline(5):
        thread = threading.Thread(target=lambda: seen.append(Deadline.current()))
        thread.start()
        thread.join()
    assert seen == [None]


def test_what_remains_is_the_time_to_the_end() -> None:
    deadline = Deadline(5)
    assert 4.5 < deadline.remaining() <= 5
    assert not deadline.expired


def test_an_operation_has_15_seconds_unless_told_otherwise() -> None:
    assert 14.5 < Deadline().remaining() <= 15


def test_asking_for_what_remains_fails_once_the_time_is_over() -> None:
    deadline = Deadline(0)
    assert deadline.expired
    with pytest.raises(ProviderUnavailable) as caught:
        deadline.remaining()
    assert caught.value.reason == "the deadline of 0 s passed"


def test_a_longer_deadline_inside_a_shorter_one_keeps_the_shorter() -> None:
    with Deadline(1) as outer, Deadline(5) as inner:
        assert inner.ends_at == outer.ends_at
        assert inner.seconds == 1


def test_a_shorter_deadline_inside_a_longer_one_holds() -> None:
    with Deadline(5) as outer:
        with Deadline(1) as inner:
            assert inner.remaining() <= 1
        assert Deadline.current() is outer


def test_a_socket_is_shut_when_the_time_is_over(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    started = time.monotonic()
    with Deadline(0.3) as deadline:
        deadline.watch(ours)
        assert ours.recv(1) == b""
        assert deadline.expired
    assert 0.25 < time.monotonic() - started < 4


def test_a_deadline_earlier_than_the_one_slept_for_is_met_too(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    started = time.monotonic()
    with Deadline(30) as long:
        long.watch(theirs)
        with Deadline(0.2) as short:
            short.watch(ours)
            assert ours.recv(1) == b""
    assert time.monotonic() - started < 4


def test_a_socket_is_left_alone_after_its_operation(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    with Deadline(0.1) as deadline:
        deadline.watch(ours)
    time.sleep(0.3)
    theirs.sendall(b"x")
    assert ours.recv(1) == b"x"


def test_only_the_socket_watched_last_is_shut(pair: tuple[socket.socket, socket.socket]) -> None:
    first, second = pair
    other, another = socket.socketpair()
    with other, another, Deadline(0.2) as deadline:
        deadline.watch(first)
        deadline.watch(other)
        assert other.recv(1) == b""
        second.sendall(b"x")
        assert first.recv(1) == b"x"


def test_a_socket_that_was_shut_is_watched_no_longer(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    with Deadline(0.1) as deadline:
        deadline.watch(ours)
        assert ours.recv(1) == b""
        with _watchdog._changed:
            assert deadline not in _watchdog._watched


def test_a_socket_cannot_be_watched_after_the_end(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(0) as deadline, pytest.raises(ProviderUnavailable):
        deadline.watch(pair[0])


def test_a_socket_that_is_not_connected_is_no_trouble_to_the_watchdog() -> None:
    with socket.socket() as never_connected, Deadline(0.1) as deadline:
        deadline.watch(never_connected)
        time.sleep(0.3)
    assert len(watchdogs()) == 1


def test_the_watchdog_keeps_no_process_alive(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(5) as deadline:
        deadline.watch(pair[0])

    assert [thread.daemon for thread in watchdogs()] == [True]


def test_many_operations_leave_one_thread_and_no_descriptor(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(5) as deadline:
        deadline.watch(pair[0])
    before = open_descriptors()
    for _ in range(200):
        with Deadline(5) as deadline:
            deadline.watch(pair[0])
            deadline.watch(pair[1])
    assert open_descriptors() == before
    assert len(watchdogs()) == 1


def test_operations_of_one_length_do_not_wake_the_watchdog(pair: tuple[socket.socket, socket.socket]) -> None:
    def wake_ups() -> int:
        status = Path(f"/proc/self/task/{watchdogs()[0].native_id}/status").read_text()
        return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)

    with Deadline(60) as longest:
        longest.watch(pair[0])
        time.sleep(0.1)
        before = wake_ups()
        for _ in range(200):
            with Deadline(70) as deadline:
                deadline.watch(pair[0])
        assert wake_ups() - before < 10


def test_a_reset_closes_what_was_watched(pair: tuple[socket.socket, socket.socket]) -> None:
    watchdog = _Watchdog()
    watchdog._watched[Deadline(5)] = pair[0]
    watchdog.reset()
    assert pair[0].fileno() == -1
    assert watchdog._watched == {}


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")  # that is the test
def test_a_forked_child_has_a_watchdog_of_its_own(pair: tuple[socket.socket, socket.socket]) -> None:
    with Deadline(5) as deadline:
        deadline.watch(pair[0])
        child = os.fork()
        if child == 0:
            code = 1
            try:
                ours, _theirs = socket.socketpair()
                ours.settimeout(5)
                with Deadline(0.2) as short:
                    short.watch(ours)
                    code = 0 if ours.recv(1) == b"" and len(watchdogs()) == 1 else 2
            finally:
                os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_importing_starts_no_thread_and_makes_no_tls_context() -> None:
    program = (
        "import threading, ssl\n"
        "def refuse(*args): raise AssertionError('a TLS context at import')\n"
        "ssl.SSLContext.__new__ = refuse\n"
        "import authkit.deadline, authkit.pool, authkit.transport\n"
        "authkit.transport.Transport()\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# Giving up for the sake of others


def test_whoever_has_to_give_up_is_told_why() -> None:
    with Deadline(5, Queue(-1)) as deadline:
        assert deadline.expired
        with pytest.raises(ProviderUnavailable) as caught:
            deadline.remaining()
    assert caught.value.reason == "the provider does not answer, and enough are waiting for it"


def test_until_then_there_is_the_whole_time_of_the_deadline() -> None:
    with Deadline(5, Queue(1)) as deadline:
        assert 4.5 < deadline.remaining() <= 5


def test_a_deadline_inside_has_to_give_up_as_well() -> None:
    queue = Queue(5)
    with Deadline(10, queue), Deadline(1) as inner:
        assert not inner.expired
        queue.ends_at = 0
        assert inner.expired


def test_a_socket_is_shut_when_it_is_time_to_give_up(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    started = time.monotonic()
    with Deadline(30) as first, Deadline(30, Queue(0.2)) as second:
        first.watch(theirs)
        second.watch(ours)
        assert ours.recv(1) == b""
    assert 0.15 < time.monotonic() - started < 4


def test_a_socket_is_left_alone_when_there_is_more_time_after_all(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    queue = Queue(0.2)
    with Deadline(30, queue) as deadline:
        deadline.watch(ours)
        queue.ends_at += 30
        time.sleep(0.4)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


def test_a_time_that_was_over_stays_so_although_there_is_more() -> None:
    queue = Queue(-1)
    deadline = Deadline(5, queue)
    assert deadline.expired
    queue.ends_at += 10
    assert deadline.expired


def test_an_answer_is_passed_on_unless_the_time_was_over() -> None:
    queue = Queue(5)
    with Deadline(5, queue), Deadline(1) as inner:
        inner.heard()
        queue.ends_at = 0
        assert inner.expired
        inner.heard()
        Deadline(1).heard()
    Deadline(1).heard()
    assert queue.times_heard == 2


def test_a_lock_is_acquired_if_it_is_free_in_time() -> None:
    lock = threading.Lock()
    assert Deadline(5).acquire(lock)
    threading.Timer(0.15, lock.release).start()
    assert Deadline(5).acquire(lock)


def test_a_lock_is_waited_for_until_it_is_time_to_give_up() -> None:
    lock = threading.Lock()
    started = time.monotonic()
    with lock:
        assert not Deadline(5, Queue(0.2)).acquire(lock)
    assert 0.15 < time.monotonic() - started < 4


def test_who_waits_for_a_lock_looks_again_ten_times_a_second() -> None:
    busy: Any = BusyLock(times=3)
    assert Deadline(60).acquire(busy)
    assert busy.timeouts == [0.1] * 3


def test_nobody_waits_for_a_lock_for_longer_than_there_is_time() -> None:
    busy: Any = BusyLock(times=-1)
    assert not Deadline(0.05).acquire(busy)
    assert all(0 <= timeout <= 0.05 for timeout in busy.timeouts)
