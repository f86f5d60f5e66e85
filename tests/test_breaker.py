"""The breaker: who may ask a provider that does not answer, who gives up, and when all is well again."""

from __future__ import annotations

import logging
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from fakes import Clock

from authkit.breaker import FAILURES, LONGEST_SILENCE, MAX_WAITING, PAUSE, SILENCE, Breaker
from authkit.errors import AccessDenied, AuthkitError, ProviderProtocolError, ProviderRateLimited, ProviderUnavailable


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker("acme", timer=clock)


@pytest.fixture
def held() -> Iterator[ExitStack]:
    """Give what holds operations under way until the end of the test."""
    with ExitStack() as stack:
        yield stack


def fail(breaker: Breaker, wait: Callable[[], None], error: AuthkitError | None = None) -> None:
    """Have one operation fail after some waiting."""
    with suppress(AuthkitError), breaker.operation():
        wait()
        raise error or ProviderUnavailable("no answer came in time")


def later(clock: Clock, seconds: float = SILENCE) -> Callable[[], None]:
    def wait() -> None:
        clock.now += seconds

    return wait


def refused(breaker: Breaker) -> ProviderUnavailable:
    with pytest.raises(ProviderUnavailable) as caught, breaker.operation():
        pytest.fail("the provider would have been asked")
    return caught.value


def closed(breaker: Breaker, clock: Clock) -> Breaker:
    for _ in range(FAILURES):
        fail(breaker, later(clock))
    return breaker


# As long as the provider answers


def test_a_provider_that_answers_is_asked_by_as_many_as_there_are(
    breaker: Breaker, clock: Clock, held: ExitStack
) -> None:
    for _ in range(64):
        operation = held.enter_context(breaker.operation())
        clock.now += 0.01
        operation.heard()

    assert held.enter_context(breaker.operation()).gives_up_at() == clock.now + SILENCE


def test_a_burst_at_a_provider_that_was_never_asked_is_let_through(breaker: Breaker, held: ExitStack) -> None:
    assert len([held.enter_context(breaker.operation()) for _ in range(64)]) == 64


# Who waits, and who gives up


def test_the_first_wait_on_and_the_others_give_up(breaker: Breaker, clock: Clock, held: ExitStack) -> None:
    operations = [held.enter_context(breaker.operation()) for _ in range(MAX_WAITING + 2)]

    ends = [operation.gives_up_at() for operation in operations]

    assert ends == [math.inf] * MAX_WAITING + [clock.now + SILENCE] * 2


def test_an_answer_to_anybody_gives_the_others_more_time(breaker: Breaker, clock: Clock, held: ExitStack) -> None:
    first, _, third = (held.enter_context(breaker.operation()) for _ in range(3))
    clock.now += 0.25

    first.heard()

    assert third.gives_up_at() == clock.now + SILENCE


def test_whoever_becomes_one_of_the_first_waits_on(breaker: Breaker, held: ExitStack) -> None:
    with breaker.operation():
        held.enter_context(breaker.operation())
        third = held.enter_context(breaker.operation())
        assert third.gives_up_at() < math.inf

    assert third.gives_up_at() == math.inf


def test_a_patient_operation_waits_on_whoever_else_waits(breaker: Breaker, held: ExitStack) -> None:
    for _ in range(MAX_WAITING):
        held.enter_context(breaker.operation())

    assert held.enter_context(breaker.operation(is_patient=True)).gives_up_at() == math.inf


def test_when_enough_wait_in_silence_the_next_is_refused_at_once(
    breaker: Breaker, clock: Clock, held: ExitStack
) -> None:
    waiting = [held.enter_context(breaker.operation()) for _ in range(MAX_WAITING)]
    clock.now += SILENCE

    error = refused(breaker)

    assert error.reason == "the provider does not answer, and enough are waiting for it"
    assert error.retry_after == PAUSE
    waiting[0].heard()
    with breaker.operation():
        pass


def test_one_lost_call_among_many_refuses_nobody(breaker: Breaker, clock: Clock, held: ExitStack) -> None:
    held.enter_context(breaker.operation())
    clock.now += 9
    held.enter_context(breaker.operation())

    with breaker.operation() as third:
        assert third.gives_up_at() == clock.now + SILENCE


def test_an_answer_to_anybody_lets_others_in(breaker: Breaker, clock: Clock, held: ExitStack) -> None:
    *_, third = (held.enter_context(breaker.operation()) for _ in range(3))
    clock.now += 9
    third.heard()

    with breaker.operation():
        pass


def test_how_many_wait_can_be_set(clock: Clock, held: ExitStack) -> None:
    breaker = Breaker("acme", 3, timer=clock)
    ends = [held.enter_context(breaker.operation()).gives_up_at() for _ in range(4)]

    assert ends == [math.inf] * 3 + [clock.now + SILENCE]


def test_a_slow_provider_has_twice_as_long_as_it_took_of_late(
    breaker: Breaker, clock: Clock, held: ExitStack
) -> None:
    first, second = (held.enter_context(breaker.operation()) for _ in range(2))

    def patience() -> float:
        with breaker.operation() as operation:
            return round(operation.gives_up_at() - clock.now, 3)

    clock.now += 0.5
    first.heard()
    assert patience() == 1.0
    first.heard()
    assert patience() == 0.9
    clock.now += 0.91
    refused(breaker)
    clock.now += 1
    second.heard()
    assert patience() == 4.82
    clock.now += 3
    second.heard()
    assert patience() == LONGEST_SILENCE


def test_what_was_promised_holds_when_answers_come_faster(breaker: Breaker, clock: Clock, held: ExitStack) -> None:
    first, _, third = (held.enter_context(breaker.operation()) for _ in range(3))
    clock.now += 0.7
    first.heard()
    promised = third.gives_up_at()
    for _ in range(20):
        first.heard()

    assert third.gives_up_at() == promised
    assert round(promised - clock.now, 3) == 1.4


# Closed


def test_after_failures_in_a_row_all_are_refused_for_a_while(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(FAILURES - 1):
        fail(breaker, later(clock))
    with breaker.operation():
        pass
    fail(breaker, later(clock))

    error = refused(breaker)
    clock.now += PAUSE - 0.5
    last = refused(breaker)

    assert (error.reason, error.retry_after) == ("the provider did not answer; it is asked again in 10 s", PAUSE)
    assert (last.reason, last.retry_after) == ("the provider did not answer; it is asked again in 1 s", 1)
    assert caplog.record_tuples == [
        ("authkit.breaker", logging.WARNING, "the provider of acme does not answer; nobody asks it for 10 s")
    ]


@pytest.mark.parametrize(
    "error",
    [AccessDenied("no"), ProviderProtocolError("nonsense"), ProviderRateLimited("slowly")],
    ids=lambda error: error.code,
)
def test_only_a_provider_that_cannot_be_reached_counts(breaker: Breaker, clock: Clock, error: AuthkitError) -> None:
    for _ in range(2 * FAILURES):
        fail(breaker, later(clock), error)

    with breaker.operation():
        pass


def test_failures_that_come_at_once_count_for_nothing(breaker: Breaker, clock: Clock) -> None:
    for _ in range(2 * FAILURES):
        fail(breaker, later(clock, SILENCE - 0.01))

    with breaker.operation():
        pass


def test_what_counts_is_the_wait_since_the_last_answer(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        with suppress(ProviderUnavailable), breaker.operation() as operation:
            clock.now += 5
            operation.heard()
            clock.now += SILENCE - 0.01
            raise ProviderUnavailable("reset")

    with breaker.operation():
        pass


def test_an_answer_ends_the_row(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        fail(breaker, later(clock))
        with breaker.operation() as operation:
            operation.heard()

    with breaker.operation():
        pass


def test_an_operation_that_asked_nobody_ends_no_row(breaker: Breaker, clock: Clock) -> None:
    for _ in range(FAILURES):
        fail(breaker, later(clock))
        with suppress(ProviderUnavailable), breaker.operation():
            pass

    assert refused(breaker).retry_after == PAUSE


def test_being_refused_is_no_failure(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)
    clock.now += PAUSE / 2
    for _ in range(FAILURES):
        refused(breaker)
    clock.now += PAUSE / 2

    with breaker.operation():
        pass


# One tries


def test_after_the_pause_one_tries_and_the_others_are_refused(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)
    clock.now += PAUSE

    with breaker.operation():
        error = refused(breaker)

    assert error.reason == "the provider did not answer; somebody is trying it just now"
    assert error.retry_after == PAUSE


def test_a_try_that_is_answered_lets_all_through(
    breaker: Breaker, clock: Clock, held: ExitStack, caplog: pytest.LogCaptureFixture
) -> None:
    closed(breaker, clock)
    clock.now += PAUSE
    held.enter_context(breaker.operation()).heard()

    for _ in range(5):
        held.enter_context(breaker.operation())

    assert caplog.messages[1:] == ["the provider of acme answers again"]


def test_a_try_that_was_answered_once_is_no_try_any_more(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    closed(breaker, clock)
    clock.now += PAUSE
    with suppress(ProviderUnavailable), breaker.operation() as operation:
        operation.heard()
        clock.now += 5
        raise ProviderUnavailable("no answer came in time")

    assert caplog.messages[2:] == []
    with breaker.operation():
        pass


def test_a_try_in_vain_begins_the_pause_anew(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)
    clock.now += PAUSE
    fail(breaker, later(clock))

    assert refused(breaker).retry_after == PAUSE
    clock.now += PAUSE
    with breaker.operation():
        pass


def test_a_try_that_asked_nobody_leaves_it_to_the_next(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)
    clock.now += PAUSE
    with breaker.operation():
        pass

    with breaker.operation():
        refused(breaker)


def test_what_began_before_the_pause_does_not_prolong_it(breaker: Breaker, clock: Clock) -> None:
    with suppress(ProviderUnavailable), breaker.operation():
        closed(breaker, clock)
        clock.now += PAUSE - 1
        raise ProviderUnavailable("late")

    assert refused(breaker).retry_after == 1


def test_what_began_before_the_pause_may_end_it(breaker: Breaker, clock: Clock) -> None:
    with breaker.operation() as operation:
        closed(breaker, clock)
        refused(breaker)
        operation.heard()

        with breaker.operation():
            pass


# Threads, processes, and others


def test_one_like_it_has_a_clean_record(breaker: Breaker, clock: Clock) -> None:
    with closed(breaker, clock).renewed().operation():
        refused(breaker)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_of_a_fork_has_a_record_of_its_own(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)
    child = os.fork()
    if child == 0:  # pragma: no cover - in the child
        with suppress(BaseException), breaker.operation():
            os._exit(0)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    refused(breaker)


def test_threads_leave_nothing_behind(held: ExitStack) -> None:
    breaker = Breaker("acme")

    def work() -> None:
        for number in range(500):
            with suppress(ProviderUnavailable), breaker.operation() as operation:
                operation.gives_up_at()
                if number % 2:
                    operation.heard()
                raise ProviderUnavailable("reset")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ends = [held.enter_context(breaker.operation()).gives_up_at() for _ in range(MAX_WAITING + 1)]
    assert ends[:MAX_WAITING] == [math.inf] * MAX_WAITING
    assert ends[MAX_WAITING] < math.inf


def test_one_that_began_long_before_does_not_end_the_try_of_another(
    breaker: Breaker, clock: Clock, held: ExitStack
) -> None:
    with breaker.operation():
        closed(breaker, clock)
        clock.now += PAUSE
        held.enter_context(breaker.operation())

    assert refused(breaker).reason == "the provider did not answer; somebody is trying it just now"


def test_clk_04_to_have_waited_for_exactly_so_long_counts(clock: Clock) -> None:
    breaker = Breaker("acme", timer=clock)
    for _ in range(FAILURES):
        clock.now = 0.0
        fail(breaker, later(clock))

    assert refused(breaker).retry_after == PAUSE


def test_clk_04_silence_of_exactly_so_long_refuses_the_next(clock: Clock, held: ExitStack) -> None:
    clock.now = 0.0
    breaker = Breaker("acme", timer=clock)
    for _ in range(MAX_WAITING):
        held.enter_context(breaker.operation())
    clock.now = SILENCE

    refused(breaker)


def test_an_answer_outside_of_a_pause_is_no_news(
    breaker: Breaker, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    fail(breaker, later(clock))
    with breaker.operation() as operation:
        operation.heard()

    assert caplog.messages == []


def test_an_answer_takes_back_every_failure(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, later(clock))
    with breaker.operation() as operation:
        operation.heard()
    for _ in range(FAILURES - 1):
        fail(breaker, later(clock))

    with breaker.operation():
        pass


def test_a_renewed_breaker_knows_nothing_and_counts_with_the_same_timer(breaker: Breaker, clock: Clock) -> None:
    closed(breaker, clock)

    with breaker.renewed().operation() as operation:
        operation.heard()
        for _ in range(MAX_WAITING):
            operation.heard()
    renewed = closed(breaker.renewed(), clock)
    clock.now += PAUSE

    with renewed.operation():
        refused(renewed)


def enter_and_leave(breaker: Breaker) -> None:
    with breaker.operation():
        pass


@pytest.mark.parametrize("is_answered", [True, False])
def test_con_02_operations_change_the_record_one_after_the_other(is_answered: bool) -> None:
    waited: list[bool] = []

    def look_around() -> float:
        if threading.current_thread() is threading.main_thread():
            other = threading.Thread(target=enter_and_leave, args=(breaker,))
            other.start()
            other.join(0.02)
            waited.append(other.is_alive())
            others.append(other)
        return 0.0

    others: list[threading.Thread] = []
    breaker = Breaker("acme", timer=look_around)
    with breaker.operation() as operation:
        if is_answered:
            operation.heard()

    for other in others:
        other.join(5)
    assert waited == [True] * (3 if is_answered else 2)
