"""What every adapter takes from the core."""

from __future__ import annotations

import logging
import math

import pytest
from bare_adapter import BareApp
from fakes import ACCESS_TOKEN, Browser, make_kit

from authkit import adapters, errors
from authkit.site import Site

SITE = Site("https://app.example")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", None),
        ("return_to=", None),
        ("return_to=/inbox", "/inbox"),
        ("return_to=%2Fa%3Fb%3D1&x=y", "/a?b=1"),
        ("return_to=/first&return_to=/second", "/first"),
        ("return_to=//evil.example", None),
        ("return_to=https://evil.example/", None),
        ("return_to=/%5Cevil.example", None),
    ],
)
def test_a_return_to_is_a_local_path_or_none(query, expected):
    assert adapters.return_to(query) == expected


def test_a_query_that_is_no_utf_8_has_no_return_to():
    with pytest.raises(errors.InvalidRequest):
        adapters.return_to("return_to=%ff")


def test_a_method_is_the_one_that_is_allowed_or_refused():
    adapters.require_method("GET", "GET")
    with pytest.raises(errors.MethodNotAllowed) as raised:
        adapters.require_method("HEAD", "GET")
    assert adapters.error_headers(raised.value) == {"Allow": "GET"}


@pytest.mark.parametrize(("mode", "destination"), [(None, None), ("navigate", "document"), ("navigate", None)])
def test_a_navigation_of_a_whole_page_may_start(mode, destination):
    adapters.require_navigation(mode, destination)


@pytest.mark.parametrize(("mode", "destination"), [("cors", None), ("navigate", "iframe"), ("", "")])
def test_anything_else_may_not_start(mode, destination):
    with pytest.raises(errors.CrossSite):
        adapters.require_navigation(mode, destination)


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [(None, None), ("same-origin", "null"), ("none", None), (None, "https://app.example")],
)
def test_a_form_of_our_own_is_taken(fetch_site, origin):
    adapters.require_same_origin(SITE, fetch_site, origin)


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [("cross-site", None), ("same-site", "https://app.example"), (None, "null"), (None, "http://app.example")],
)
def test_a_form_of_another_site_is_refused(fetch_site, origin):
    with pytest.raises(errors.CrossSite):
        adapters.require_same_origin(SITE, fetch_site, origin)


def test_who_may_try_again_is_told_when():
    assert adapters.error_headers(errors.StoreUnavailable()) == {"Retry-After": "30"}
    assert adapters.error_headers(errors.RateLimited(retry_after=7)) == {"Retry-After": "7"}
    assert adapters.error_headers(errors.StateInvalid(retry_after=7)) == {}


def test_a_program_learns_what_a_page_says_and_no_more():
    error = errors.AccessDenied("the reason is the operator's")

    assert adapters.error_object(error) == {
        "error": {"code": "access_denied", "message": error.message, "correlation_id": error.correlation_id}
    }


def test_a_handler_that_raises_is_a_store_that_is_away_and_the_log_has_the_traceback_without_tokens(caplog):
    login = Browser().sign_in(make_kit())

    failure = adapters.handler_failure(login, RuntimeError(f"no room for {ACCESS_TOKEN}"), logging.getLogger("own"))

    assert (failure.code, failure.registration) == ("store_unavailable", "acme")
    assert failure.reason == "the login handler raised RuntimeError"
    assert "RuntimeError: no room for [redacted]" in caplog.text
    assert ACCESS_TOKEN not in caplog.text


@pytest.mark.parametrize("path", ["/auth/acme", "/auth/acme/callback"])
def test_an_adapter_asks_the_app_s_limiter_before_it_begins_or_completes_a_login(path):
    asked, answered = [], []

    def limiter(request, kind):
        asked.append(kind)
        return 7

    app = BareApp(make_kit(), limiter=limiter)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": ""}
    app(environ, lambda status, headers: answered.append((status, dict(headers).get("Retry-After"))))

    assert asked == ["callback" if path.endswith("callback") else "start"]
    assert answered == [("429 Too Many Requests", "7")]


# Whether there is room for a request


LOGGER = logging.getLogger("test_adapters")


def test_where_there_is_room_a_request_goes_on(caplog):
    adapters.require_room(lambda: None, LOGGER)

    assert caplog.messages == []


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        (1, 1),
        (1.2, 2),
        (30, 30),
        (0, 1),
        (-5, 1),
        (0.5, 1),
        (86_400, 86_400),
        (86_401, 86_400),
        (float("inf"), 86_400),
    ],
)
def test_where_there_is_none_a_time_to_wait_is_told_in_whole_seconds_up_to_a_day(wait, told):
    with pytest.raises(errors.RateLimited) as raised:
        adapters.require_room(lambda: wait, LOGGER)

    assert (type(raised.value.retry_after), raised.value.retry_after) == (int, told)


@pytest.mark.parametrize("wrong", [True, False, "5", [], math.nan], ids=repr)
def test_a_limiter_that_says_something_else_keeps_nobody_out(caplog, wrong):
    adapters.require_room(lambda: wrong, LOGGER)

    (said,) = caplog.messages
    assert said == f"the limiter returned {type(wrong).__name__!r}, neither None nor seconds, so the request goes on"


def test_a_limiter_that_fails_keeps_nobody_out_and_the_log_says_where(caplog):
    def fail():
        raise LookupError("canary")

    def limiter():
        fail()

    adapters.require_room(limiter, LOGGER)

    line = fail.__code__.co_firstlineno + 1
    assert caplog.messages == [f"the limiter raised LookupError at test_adapters.py:{line}, so the request goes on"]
    assert "canary" not in caplog.text


def test_a_refusal_of_a_limiter_s_own_comes_out_as_it_is():
    def refuse():
        raise errors.RateLimited("mine", retry_after=7)

    with pytest.raises(errors.RateLimited, match="mine"):
        adapters.require_room(refuse, LOGGER)


def test_a_browser_that_vouches_for_the_site_vouches_for_no_other_origin():
    with pytest.raises(errors.CrossSite, match="Origin names another site"):
        adapters.require_same_origin(SITE, "same-origin", "https://evil.example")
