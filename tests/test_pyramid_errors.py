"""What a visitor, a program, the log and the observers learn of a login that failed."""

from __future__ import annotations

import json
import logging
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from bs4 import BeautifulSoup
from fakes import ACCESS_TOKEN, REFRESH_TOKEN, TOKEN, make_kit, plugins_with
from pyramid.response import Response
from pyramid.tweens import EXCVIEW
from pyramid_apps import (
    CODE,
    STATUSES,
    acme,
    answer_of,
    assert_safe_headers,
    call,
    handled_by,
    make_app,
    named,
    server_session,
    signed_cookie_session,
)

from authkit import errors

pytestmark = pytest.mark.pyramid

BY_CODE = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.AuthkitError) and STATUSES.get(kind.code) == kind.status
}


def raising(error):
    """Return a login handler that raises `error`."""

    def handler(request, login):
        raise error

    return handler


def fields(line):
    return dict(pair.split("=", 1) for pair in line.split(" ", 5))


# Every code.


@pytest.mark.parametrize("code", STATUSES)
def test_every_code_has_its_status_its_page_and_one_audit_line(new_world, code):
    error = BY_CODE[code]("why: why-it-was")
    world = new_world(handled_by(raising(error)))
    browser = world.browser()

    response = world.refused(browser, world.callback(world.start(browser)), code, exchanges=1)

    page = BeautifulSoup(response.text, "html.parser")
    assert response.content_type == "text/html"
    assert [found.text for found in page.select("code")] == [code, error.correlation_id]
    assert BY_CODE[code].message in page.get_text()
    assert "why-it-was" not in response.text
    assert fields(world.audit[-1])["ref"] == error.correlation_id
    assert world.audit[-1].endswith("cause=why: why-it-was")
    assert fields(world.audit[-1])["registration"] == "acme"


@pytest.mark.parametrize("code", STATUSES)
def test_every_code_has_the_same_status_as_json(new_world, code):
    error = BY_CODE[code]("why-it-was")
    world = new_world(handled_by(raising(error)))
    browser = world.browser()

    response = world.refused(
        browser,
        world.callback(world.start(browser)),
        code,
        exchanges=1,
        headers={"Accept": "application/json"},
    )

    assert response.json == {
        "error": {"code": code, "message": BY_CODE[code].message, "correlation_id": error.correlation_id}
    }
    assert "why-it-was" not in response.text


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (None, "text/html"),
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
        ("application/json, text/html", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "text/html"),
        ("application/json, */*;q=0.1", "application/json"),
        ("application/*, text/html;q=0.5", "application/json"),
        ("text/html;q=0, application/json;q=0.1", "application/json"),
        ("image/webp", "text/html"),
        ("application/json;q=0", "text/html"),
        ("this is no header ,,;;==", "text/html"),
        ("\xff\xfe", "text/html"),
    ],
)
def test_json_is_given_to_who_prefers_it_and_the_page_to_everybody_else(world, accept, expected):
    environ = {} if accept is None else {"HTTP_ACCEPT": accept}

    answer = world.refused_raw("unknown_provider", "/auth/nope", **environ)

    assert (answer.get("Content-Type") or "").partition(";")[0] == expected


def test_the_reference_on_the_page_is_the_one_in_the_log(world):
    first = world.refused(world.browser(), "/auth/nope", "unknown_provider")
    second = world.refused(world.browser(), "/auth/nope", "unknown_provider")

    refs = [BeautifulSoup(response.text, "html.parser").select("code")[1].text for response in (first, second)]
    assert refs == [fields(line)["ref"] for line in world.audit]
    assert refs[0] != refs[1]


# Retry-After and Allow.


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    ("kind", "seconds", "expected"),
    [
        (errors.ProviderUnavailable, None, "30"),
        (errors.ProviderRateLimited, 120, "120"),
        (errors.StoreUnavailable, None, "30"),
        (errors.ProviderMisconfigured, None, "30"),
        (errors.RateLimited, 7, "7"),
        (errors.ProviderRejected, 7, None),
        (errors.ProviderProtocolError, None, None),
    ],
)
def test_who_may_try_again_is_told_when(new_world, kind, seconds, expected, accept):
    world = new_world(handled_by(raising(kind(retry_after=seconds))))
    browser = world.browser()

    path = world.callback(world.start(browser))
    response = world.refused(browser, path, kind.code, exchanges=1, headers={"Accept": accept})

    assert response.headers.get("Retry-After") == expected


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/auth/acme", "POST", "GET"),
        ("/auth/acme/callback", "POST", "GET"),
        ("/auth/", "POST", "GET"),
        ("/auth/logout", "GET", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_one(world, path, method, allowed, accept):
    answer = call(world.app, path, method=method, HTTP_ACCEPT=accept)

    assert (answer.status, answer.all("Allow")) == (405, [allowed])
    assert_safe_headers(answer)
    assert len(world.told) == len(world.audit) == 1


# The app's own login page.


def test_a_failure_goes_to_the_app_s_login_page_with_the_code_and_the_reference(new_world):
    world = new_world(settings={"authkit.login_url": "/login"})

    response = world.browser().get("/auth/nope", status=303)

    [line] = world.audit
    ref = fields(line)["ref"]
    assert response.location == f"https://app.example/login?error=unknown_provider&ref={ref}"
    assert response.body == b""
    assert world.told == [("failed", ref)]
    assert_safe_headers(answer_of(response))


def test_a_login_page_that_has_a_query_keeps_it(new_world):
    world = new_world(settings={"authkit.login_url": "https://www.app.example/in?lang=de&x=%26"})

    location = world.browser().get("/auth/nope", status=303).location

    assert location.startswith("https://www.app.example/in?lang=de&x=%26&")
    assert [name for name, _ in parse_qsl(urlsplit(location).query)] == ["lang", "x", "error", "ref"]


def test_a_callback_that_fails_clears_its_cookie_on_the_way_to_the_login_page(new_world):
    world = new_world(settings={"authkit.login_url": "/login"})
    browser = world.browser()
    state = world.start(browser)

    browser.get(world.path("/acme/callback", error="access_denied", state=state), status=303)

    assert browser.cookies == {}


def test_a_program_gets_json_even_where_there_is_a_login_page(new_world):
    world = new_world(settings={"authkit.login_url": "/login"})

    world.refused(world.browser(), "/auth/nope", "unknown_provider", headers={"Accept": "application/json"})


# One record each.


def test_what_the_query_says_cannot_break_the_audit_line(world):
    query = "error=x%0aoutcome=success+code=ok&error_description=%1b[2J%e2%80%ae%00&log_id=1"

    world.refused_raw("state_invalid", "/auth/acme/callback", query)

    [record] = [record for record in world.caplog.records if record.name == "authkit.audit"]
    assert record.levelno == logging.WARNING
    assert record.getMessage().count("outcome=") == 2, "the second is a part of the cause"
    assert "\\n" in record.getMessage()


def test_an_observer_that_raises_breaks_no_login_and_no_error_page(new_world):
    def boom(**_):
        raise RuntimeError("an observer")

    observers = {"authkit_login_failed": lambda error: boom(), "authkit_login_succeeded": lambda login: boom()}
    world = new_world(plugins=plugins_with(acme, **observers), providers=())

    browser = world.browser()
    browser.get("/auth/nope", status=404)
    world.log_in(browser)

    assert len(world.audit) == 2


def test_observers_get_the_error_with_its_reason_and_its_registration():
    seen = []

    def observer(error):
        seen.append(error)

    kit = make_kit(plugins=plugins_with(acme, authkit_login_failed=observer))

    call(make_app(kit), "/auth/acme/callback", f"code={CODE}")

    [error] = seen
    assert (error.code, error.registration) == ("state_invalid", "acme")
    assert error.reason == "the callback has no state"


# An exception of the app's own.


def boom(request, login):
    """Fail as an app does, and say more than it should."""
    try:
        return {}[login.token.access_token.reveal()]
    except KeyError as exc:
        refresh = login.token.refresh_token
        raise RuntimeError(f"no room for {refresh.reveal() if refresh else None}") from exc


def test_an_exception_of_the_handler_is_a_page_with_a_reference_and_a_traceback_in_the_log(new_world):
    world = new_world(handled_by(boom))
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "store_unavailable", exchanges=1)

    [record] = [record for record in world.caplog.records if record.name == "authkit.pyramid.handlers"]
    text = record.getMessage()
    assert record.levelno == logging.ERROR
    assert "RuntimeError: no room for [redacted]" in text
    assert "KeyError: '[redacted]'" in text
    assert re.search(r"test_pyramid_errors\.py.*in boom", text)
    assert ACCESS_TOKEN not in text
    assert REFRESH_TOKEN not in text
    assert world.audit[-1].endswith("cause=the login handler raised RuntimeError")


def test_an_exception_of_the_handler_is_logged_where_there_is_no_refresh_token(new_world):
    world = new_world(handled_by(boom))
    world.network.replies["token"] = {name: TOKEN[name] for name in ("access_token", "token_type")}
    browser = world.browser()

    world.refused(browser, world.callback(world.start(browser)), "store_unavailable", exchanges=1)

    assert "RuntimeError: no room for None" in world.caplog.text


def test_a_failing_handler_ends_the_transaction_as_any_exception_does(new_world):
    seen = []

    def recorder(handler, registry):
        def tween(request):
            try:
                response = handler(request)
            except Exception as exc:
                seen.append(("abort", type(exc).__name__))
                raise
            seen.append(("commit", response.status_int))
            return response

        return tween

    TWEENS["recorder"] = recorder
    world = new_world(handled_by(boom), with_recorder)
    browser = world.browser()

    world.log_in(browser, status=503)

    assert seen == [("commit", 302), ("abort", "StoreUnavailable")]


TWEENS = {}


def recorder_factory(handler, registry):
    return TWEENS["recorder"](handler, registry)


def with_recorder(config):
    config.add_tween("test_pyramid_errors.recorder_factory", under=EXCVIEW)


# Views of the app's own.


def test_the_app_s_own_view_for_our_errors_answers_and_still_gets_our_headers(new_world):
    def own_view(error, request):
        return Response(f"own page: {error.code}", status=418)

    world = new_world(named(lambda config: config.add_exception_view(own_view, context=errors.AuthkitError)))
    browser = world.browser()
    state = world.start(browser)

    response = browser.get(world.path("/acme/callback", error="access_denied", state=state), status=418)

    assert response.text == "own page: access_denied"
    assert_safe_headers(answer_of(response))
    assert browser.cookies == {}, "the transaction's cookie is cleared there as well"
    assert len(world.told) == len(world.audit) == 1


def test_the_app_s_own_view_may_be_for_a_single_error(new_world):
    def own_view(error, request):
        return Response("maybe next time", status=403)

    world = new_world(named(lambda config: config.add_exception_view(own_view, context=errors.AccessDenied)))
    browser = world.browser()
    state = world.start(browser)

    assert browser.get(world.path("/acme/callback", error="access_denied", state=state), status=403).text == (
        "maybe next time"
    )
    world.refused(browser, "/auth/nope", "unknown_provider")


@pytest.mark.parametrize("session", [server_session(), signed_cookie_session])
def test_the_app_s_page_for_every_exception_is_not_for_our_errors(new_world, session):
    def sorry(exc, request):
        return Response("sorry", status=500)

    world = new_world(session, named(lambda config: config.add_exception_view(sorry, context=Exception)))
    browser = world.browser()

    world.refused(browser, "/auth/nope", "unknown_provider")
    world.refused_raw("invalid_request", "/auth/\xff")
    world.log_in(browser)


def test_json_answers_are_utf_8_and_stand_on_their_own(world):
    answer = world.refused_raw("unknown_provider", "/auth/nope", HTTP_ACCEPT="application/json")

    assert json.loads(answer.body)["error"]["code"] == "unknown_provider"
    assert answer.get("Content-Type") == "application/json"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json", "application/json"),
        ("text/html, application/json", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
        ("image/png", "text/html; charset=utf-8"),
        ("nonsense", "text/html; charset=utf-8"),
    ],
)
def test_who_does_not_want_json_more_than_anything_gets_a_page(world, accept, expected):
    assert world.refused_raw("unknown_provider", "/auth/nope", HTTP_ACCEPT=accept).get("Content-Type") == expected


def test_a_login_that_failed_offers_another_of_the_same_registration(world):
    browser = world.browser()
    page = world.refused(browser, world.path("/acme/callback", error="access_denied", state="x"), "state_invalid")

    [again, _] = BeautifulSoup(page.text, "html.parser").select("a.button")
    assert (again.text, again["href"]) == ("Try again", world.kit.site.start_path("acme"))


def test_a_page_of_an_error_without_a_registration_offers_no_other_try(world):
    page = world.refused_raw("unknown_provider", "/auth/nope").text

    assert [link.text for link in BeautifulSoup(page, "html.parser").select("a.button")] == ["Back to the site"]


def test_a_page_is_html_in_utf_8_and_says_what_it_loads(world):
    for answer in (call(world.app, "/auth/"), world.refused_raw("unknown_provider", "/auth/nope")):
        assert answer.get("Content-Type") == "text/html; charset=utf-8"
        nonce = re.search('<style nonce="([^"]+)">', answer.text)[1]
        assert f"style-src 'self' 'nonce-{nonce}';" in answer.get("Content-Security-Policy")


# A path that is no UTF-8.


def test_a_path_below_our_prefix_that_is_no_utf_8_is_an_invalid_request(world):
    for path in ("/auth/\xff", "/auth/acme/\xe9", "/auth/\xed\xa0\x80/callback"):
        world.refused_raw("invalid_request", path)


def test_a_path_of_the_app_s_own_that_is_no_utf_8_is_left_to_the_app(new_world):
    def own_view(error, request):
        return Response("own page for garbled paths", status=400)

    def include(config):
        config.add_exception_view(own_view, context=UnicodeDecodeError)

    world = new_world(named(include))

    assert call(world.app, "/elsewhere/\xff").text == "own page for garbled paths"
    world.refused_raw("invalid_request", "/auth/\xff")


def test_without_a_view_of_the_app_s_own_pyramid_says_what_it_always_says(world):
    with pytest.raises(UnicodeDecodeError):
        call(world.app, "/elsewhere/\xff")
