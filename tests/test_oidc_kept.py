"""What is fetched when it is first needed, and kept for a time."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

import pytest
from fakes import Clock

from authkit.deadline import Deadline
from authkit.errors import ProviderUnavailable
from authkit.oidc.kept import Kept

HOUR, DAY = 3600, 24 * 3600


class Source:
    """A provider's end that counts: its first answer is 1, its second 2."""

    def __init__(self) -> None:
        self.asked = 0
        self.is_down = False

    def __call__(self) -> int:
        self.asked += 1
        if self.is_down:
            raise ProviderUnavailable("nobody is there")
        return self.asked


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def kept(source: Source, clock: Clock) -> Kept[int]:
    return Kept("the number", source, clock)


def test_nothing_is_fetched_before_it_is_needed(source: Source, kept: Kept[int]) -> None:
    assert source.asked == 0
    assert kept.get() == 1


def test_it_is_fetched_once_an_hour(source: Source, kept: Kept[int], clock: Clock) -> None:
    assert kept.get() == 1
    clock.now += HOUR - 1
    assert kept.get() == 1
    clock.now += 1
    assert (kept.get(), kept.get()) == (2, 2)


def test_a_clock_that_was_put_back_makes_it_old(kept: Kept[int], clock: Clock) -> None:
    kept.get()
    clock.now -= 1

    assert kept.get() == 2


def test_a_clock_that_was_wrong_for_a_moment_keeps_nothing_from_being_fetched(
    source: Source, kept: Kept[int], clock: Clock
) -> None:
    kept.get()
    clock.now += 365 * DAY
    kept.renewed()
    clock.now -= 365 * DAY

    assert (kept.get(), kept.renewed()) == (3, 4)
    assert (kept.renewed(), source.asked) == (4, 4)


def test_while_the_source_fails_the_old_value_serves_for_a_day(
    source: Source, kept: Kept[int], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    kept.get()
    source.is_down = True
    clock.now += HOUR

    assert kept.get() == 1
    assert caplog.record_tuples == [
        (
            "authkit.oidc.kept",
            logging.WARNING,
            "the number could not be fetched anew, what was known is used on: nobody is there",
        )
    ]
    clock.now += DAY - HOUR - 1
    assert kept.get() == 1
    clock.now += 1
    with pytest.raises(ProviderUnavailable, match="nobody is there"):
        kept.get()


def test_after_a_failure_a_minute_passes_before_the_next_try(source: Source, kept: Kept[int], clock: Clock) -> None:
    kept.get()
    source.is_down = True
    clock.now += HOUR
    kept.get()
    source.is_down = False

    assert (kept.get(), source.asked) == (1, 2)
    clock.now += 59
    assert (kept.get(), source.asked) == (1, 2)
    clock.now += 1
    assert (kept.get(), source.asked) == (3, 3)


def test_without_a_value_each_call_tries(source: Source, kept: Kept[int]) -> None:
    source.is_down = True
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            kept.get()

    source.is_down = False
    assert kept.get() == 3


def test_it_is_renewed_at_once_and_then_every_ten_seconds_at_most(
    source: Source, kept: Kept[int], clock: Clock
) -> None:
    kept.get()

    assert (kept.renewed(), kept.renewed(), kept.get()) == (2, 2, 2)
    clock.now += 9
    assert kept.renewed() == 2
    clock.now += 1
    assert kept.renewed() == 3


def test_what_was_never_fetched_is_fetched_by_a_renewal(kept: Kept[int]) -> None:
    assert kept.renewed() == 1


def test_a_clock_that_was_never_set_keeps_nothing_from_being_fetched(source: Source) -> None:
    assert Kept("the number", source, lambda: 0.0).renewed() == 1


def test_a_renewal_that_fails_leaves_what_there_is(source: Source, kept: Kept[int], clock: Clock) -> None:
    kept.get()
    source.is_down = True

    assert (kept.renewed(), source.asked) == (1, 2)
    clock.now += 59
    assert (kept.renewed(), source.asked) == (1, 2)
    clock.now += 1
    assert (kept.renewed(), source.asked) == (1, 3)


def test_a_renewal_of_nothing_that_fails_raises_and_soon_after_nothing_is_asked(
    source: Source, kept: Kept[int]
) -> None:
    source.is_down = True
    with pytest.raises(ProviderUnavailable, match="nobody is there"):
        kept.renewed()
    with pytest.raises(ProviderUnavailable, match="the number could not be fetched"):
        kept.renewed()
    assert source.asked == 1


# Several threads


def in_threads(count: int, call: Callable[[], object]) -> list[object]:
    """Return what `call` returns, or raises, in each of some threads at once."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(call())
        except ProviderUnavailable as error:
            results.append(error.reason)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class SlowSource(Source):
    """A source that answers when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()

    def __call__(self) -> int:
        self.is_asked.set()
        assert self.may_answer.wait(10)
        return super().__call__()


def test_many_threads_fetch_once(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    release = threading.Timer(0.05, source.may_answer.set)
    release.start()

    assert in_threads(8, kept.get) == [1] * 8
    release.join()


@pytest.mark.parametrize("is_first", [True, False])
def test_many_threads_wait_for_one_failure(clock: Clock, is_first: bool) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    if not is_first:
        source.may_answer.set()
        kept.get()
        source.may_answer.clear()
        clock.now += DAY
    source.is_down, source.asked = True, 0
    release = threading.Timer(0.2, source.may_answer.set)
    release.start()

    failures = in_threads(8, kept.get)

    assert sorted(map(str, failures)) == ["nobody is there", *["the number could not be fetched"] * 7]
    assert source.asked == 1
    release.join()


def test_while_one_thread_fetches_anew_the_others_use_the_old_value(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    source.may_answer.set()
    kept.get()
    source.may_answer.clear()
    source.is_asked.clear()
    clock.now += HOUR
    fetching = threading.Thread(target=kept.get)
    fetching.start()
    assert source.is_asked.wait(10)

    assert kept.get() == 1

    source.may_answer.set()
    fetching.join()
    assert kept.get() == 2


def test_whoever_waits_for_a_first_value_waits_no_longer_than_its_deadline(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    fetching = threading.Thread(target=kept.get)
    fetching.start()
    assert source.is_asked.wait(10)

    with Deadline(0.05), pytest.raises(ProviderUnavailable, match="is being fetched, and that takes too long"):
        kept.get()
    with Deadline(0.05), pytest.raises(ProviderUnavailable, match="is being fetched, and that takes too long"):
        kept.renewed()

    source.may_answer.set()
    fetching.join()


def test_renewals_at_the_same_moment_fetch_once(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    source.may_answer.set()
    kept.get()
    source.may_answer.clear()
    release = threading.Timer(0.05, source.may_answer.set)
    release.start()

    assert in_threads(8, kept.renewed) == [2] * 8
    release.join()


def test_whoever_waited_for_a_renewal_asks_for_no_other_however_long_it_took(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    source.may_answer.set()
    kept.get()
    source.may_answer.clear()

    def answer() -> None:
        clock.now += 11
        source.may_answer.set()

    release = threading.Timer(0.2, answer)
    release.start()

    assert in_threads(8, kept.renewed) == [2] * 8
    release.join()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_child_does_not_wait_for_a_thread_of_its_parent(clock: Clock) -> None:
    source = SlowSource()
    kept = Kept("the number", source, clock)
    fetching = threading.Thread(target=kept.get)
    fetching.start()
    assert source.is_asked.wait(10)

    child = os.fork()
    if child == 0:
        source.may_answer = threading.Event()  # the parent's may be locked for good
        source.may_answer.set()
        os._exit(0 if kept.get() == 1 else 1)
    source.may_answer.set()
    fetching.join()

    assert os.waitpid(child, 0)[1] == 0
