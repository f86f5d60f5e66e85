"""The request log: what it keeps and selects, and that many threads and bad observers do it no harm."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from emulator_fakes import SECRET, recorded

from authkit.emulator import RequestLog


def add(log, endpoint="token", **changes):
    return log.add(lambda number: recorded(number=number, endpoint=endpoint, **changes))


def numbers(requests):
    return [request.number for request in requests]


@pytest.fixture
def log():
    """Give a log of two requests to the token endpoint with one to another between them."""
    log = RequestLog()
    for endpoint in ("token", "userinfo", "token"):
        add(log, endpoint)
    return log


def test_requests_are_numbered_from_one_and_kept_in_order(log):
    assert numbers(log) == [1, 2, 3]
    assert (len(log), log.total) == (3, 3)


def test_calling_it_selects_by_endpoint_and_by_number(log):
    assert numbers(log()) == [1, 2, 3]
    assert numbers(log("token")) == [1, 3]
    assert numbers(log("token", after=1)) == [3]
    assert numbers(log(after=2)) == [3]
    assert numbers(log("nothing")) == []


def test_it_is_a_sequence(log):
    assert log[0].endpoint == "token"
    assert log[-1].number == 3
    assert numbers(log[1:]) == [2, 3]
    assert log[1] in log
    assert numbers(reversed(log)) == [3, 2, 1]


def test_single_returns_the_only_one(log):
    assert log("userinfo").single().number == 2
    assert log[1:2].single().number == 2


def test_single_lists_what_there_is_instead_and_shows_no_secret(log):
    add(log, form={"client_secret": SECRET}, headers={"Authorization": SECRET}, location=SECRET, query={"a": SECRET})
    with pytest.raises(AssertionError) as caught:
        log("token").single()

    message = str(caught.value)
    assert message.startswith("expected a single request, there are 3:\n  Recorded(number=1, ")
    assert SECRET not in message


def test_single_says_that_there_is_none(log):
    with pytest.raises(AssertionError, match=r"^expected a single request, there are 0: none$"):
        log("nothing").single()


def test_the_last_thousand_are_kept():
    log = RequestLog()
    for _ in range(1003):
        add(log)

    assert (len(log), log[0].number, log[-1].number, log.total) == (1000, 4, 1003, 1003)


def test_clearing_forgets_the_requests_and_goes_on_counting(log):
    log.clear()
    add(log)

    assert (numbers(log), log.total) == ([4], 4)


def test_every_observer_is_told_of_every_request(log):
    first, second = [], []
    log.observers += [first.append, second.append]
    add(log)

    assert numbers(first) == numbers(second) == [4]


def test_an_observer_that_raises_is_logged_and_keeps_nothing_from_the_others(log, caplog):
    def fail(request):
        raise RuntimeError("the terminal is gone")

    seen = []
    log.observers += [fail, seen.append]
    returned = add(log)

    assert seen == [returned]
    assert [(entry.name, entry.levelname) for entry in caplog.records] == [("authkit.emulator", "ERROR")]
    assert "the terminal is gone" in caplog.text


def test_an_observer_may_look_into_the_log_and_leave(log):
    def once(request):
        seen.append(len(log("token")))
        log.observers.remove(once)

    seen = []
    log.observers += [once, lambda request: seen.append("next")]
    add(log)
    add(log)

    assert seen == [3, "next", "next"]


def test_many_threads_give_every_request_a_number_of_its_own():
    log = RequestLog()

    def slowly(number):
        time.sleep(0.0001)
        return recorded(number=number)

    def work(_):
        for _ in range(50):
            log.add(slowly)
            log("token", after=log.total - 3)
            list(log)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert log.total == 400
    assert numbers(log) == list(range(1, 401))


def test_an_endpoint_that_is_none_is_no_empty_selection():
    log = RequestLog(["token", "userinfo"])

    with pytest.raises(ValueError, match=r"^no endpoint is called 'tokn'; there are: token, userinfo$"):
        log("tokn")
    assert log("token") == ()
