"""The CSRF token of our forms, and the forms themselves, however they are sent."""

from __future__ import annotations

import pytest
from account_apps import ADA, BEN, AccountApp, checksum, key_of
from fakes import SECRET, make_kit
from pyramid.response import Response
from pyramid_apps import assert_safe_headers, call, named

from authkit.seal import Sealer

pytest_plugins = ["account_fixtures"]
pytestmark = pytest.mark.pyramid

LINK = "/auth/acme/link"
HOURS = 3600


@pytest.fixture
def ada(small_app):
    """Give a browser in which Ada is signed in."""
    return small_app.signed_in(ADA)


def links(browser, token, **more):
    """Whether a token lets the browser begin to connect an account."""
    return browser.post(LINK, {"csrf_token": token, **more}).status_int == 303


def test_a_token_is_good_for_twelve_hours_and_as_often_as_one_likes(small_app, ada):
    token = small_app.token(ada)

    assert [links(ada, token), links(ada, token)] == [True, True]
    small_app.world.clock.now += 12 * HOURS - 1
    assert links(ada, token)
    small_app.world.clock.now += 1
    small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": token})
    assert small_app.world.audit[-1].endswith("cause=the CSRF token was made 43200 s ago, 43200 s are allowed")


def test_a_token_may_come_in_a_header(small_app, ada):
    token = small_app.token(ada)

    ada.post(LINK, headers={"X-CSRF-Token": token}, status=303)
    ada.post(LINK, {"return_to": "/x"}, headers={"X-CSRF-Token": token}, status=303)


def test_two_tokens_are_never_the_same(small_app, ada):
    assert small_app.token(ada) != small_app.token(ada)


def test_a_token_survives_the_clocks_of_several_servers(small_app, ada):
    token = small_app.token(ada)

    small_app.world.clock.now -= 60
    assert links(ada, token)
    small_app.world.clock.now -= 1
    small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": token})


def test_a_token_survives_another_login_of_the_same_person_and_a_rotated_secret(new_world, sqlite):
    app = AccountApp(new_world, sqlite)
    token = app.token(app.signed_in())
    rotated = AccountApp(
        new_world, sqlite, settings={"authkit.secret": f"a-new-secret-that-is-long-enough-for-all {SECRET}"}
    )

    assert links(rotated.signed_in(), token)


@pytest.mark.parametrize("fields", [{}, {"csrf_token": ""}])
def test_a_form_without_a_token_is_refused(small_app, ada, fields):
    small_app.refused(ada, LINK, "cross_site", fields=fields)

    assert small_app.world.audit[-1].endswith("cause=the CSRF token is missing")


@pytest.mark.parametrize("token", ["x", "é" * 50, "=" * 60, "x" * 8000])
def test_sta_19_a_token_that_is_not_ours_is_refused(small_app, ada, token):
    small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": token})

    assert small_app.world.audit[-1].endswith("cause=the CSRF token is damaged, or somebody else's")


def sealed(content, place, purpose="csrf", secret=SECRET):
    return Sealer(make_kit(settings={"authkit.secret": secret}).secrets, purpose, lambda size: b"n" * size).seal(
        content, place
    )


def test_a_token_of_another_user_purpose_or_secret_is_refused(small_app, ada):
    account_id = small_app.account_of(ADA)
    now = str(int(small_app.world.clock())).encode()
    bens = small_app.token(small_app.signed_in(BEN))

    for token in (
        bens,
        sealed(now, ""),
        sealed(now, account_id, purpose="transaction"),
        sealed(now, account_id, secret="another-secret-that-is-long-enough-for-all"),
        sealed(now, account_id)[:-1],
    ):
        small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": token})
    assert links(ada, sealed(now, account_id))


def test_a_token_is_of_no_use_to_whoever_has_signed_out(small_app, ada):
    token = small_app.token(ada)
    ada.post("/auth/logout", status=303)

    small_app.refused(ada, LINK, "reauth_required", fields={"csrf_token": token})


def test_a_form_of_the_app_s_own_gets_its_token_from_the_request(new_world, sqlite):
    def include(config):
        config.add_route("own", "/own")
        config.add_view(lambda request: Response(request.authkit_csrf_token()), route_name="own")

    app = AccountApp(new_world, sqlite, named(include))
    browser = app.signed_in()

    assert app.world.browser().get("/own").text == ""
    assert links(browser, browser.get("/own").text)


def test_what_makes_the_token_does_not_keep_the_request(new_world, sqlite):
    kept = []

    def include(config):
        config.add_route("own", "/own")
        config.add_view(lambda request: kept.append(request.authkit_csrf_token) or Response(""), route_name="own")

    call(AccountApp(new_world, sqlite, named(include)).world.app, "/own")

    with pytest.raises(ReferenceError, match="the request is gone"):
        kept[0]()


# Requests that no browser sends.


def cookie_of(browser):
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookiejar)


FORM = {"CONTENT_TYPE": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        pytest.param(b"return_to=%FF", FORM, id="no UTF-8"),
        pytest.param(b"return_to=\xff", FORM, id="no ASCII"),
        pytest.param(b"\xff", FORM, id="one byte"),
        pytest.param(b"a=1&a=2", FORM, id="twice"),
        pytest.param(b"&".join(b"a%d=1" % number for number in range(101)), FORM, id="too many fields"),
        pytest.param(b"a=1", {**FORM, "CONTENT_LENGTH": "10"}, id="cut off"),
    ],
)
def test_a_malformed_form_is_refused(small_app, ada, body, environ):
    before = checksum(small_app.database)
    headers = {"HTTP_COOKIE": cookie_of(ada), "HTTP_X_CSRF_TOKEN": small_app.token(ada), **environ}

    small_app.world.refused_raw("invalid_request", LINK, method="POST", body=body, **headers)

    assert checksum(small_app.database) == before


def test_a_form_that_is_too_long_is_refused_as_such(small_app, ada):
    headers = {"HTTP_COOKIE": cookie_of(ada), "HTTP_X_CSRF_TOKEN": small_app.token(ada), **FORM}

    answer = call(small_app.world.app, LINK, method="POST", body=b"a=" + b"1" * 8191, **headers)

    assert (answer.status, "invalid_request" in answer.text) == (413, True)
    assert_safe_headers(answer)


@pytest.mark.parametrize(
    ("body", "environ"),
    [
        pytest.param(b"", {}, id="no body"),
        pytest.param(b"", {**FORM, "CONTENT_LENGTH": ""}, id="no length"),
        pytest.param(b"a=1", {**FORM, "CONTENT_LENGTH": "three"}, id="a length that is no number"),
        pytest.param(b"a=1&a=2", {**FORM, "CONTENT_LENGTH": "-1"}, id="a negative length"),
        pytest.param(b"a=1&a=2", {**FORM, "CONTENT_LENGTH": "", "wsgi.input_terminated": "1"}, id="an endless body"),
        pytest.param(b'{"a": 1}', {"CONTENT_TYPE": "application/json"}, id="JSON"),
        pytest.param(b"--x", {"CONTENT_TYPE": "multipart/form-data; boundary=x"}, id="multipart"),
        pytest.param(b"--x", {"CONTENT_TYPE": "multipart/form-data"}, id="multipart without a boundary"),
        pytest.param(b"a=" + b"1" * 8190, FORM, id="as long as may be"),
    ],
)
def test_what_is_no_form_has_no_fields(small_app, ada, body, environ):
    headers = {"HTTP_COOKIE": cookie_of(ada), **environ}
    small_app.world.refused_raw("cross_site", LINK, method="POST", body=body, **headers)
    with_token = {**headers, "HTTP_X_CSRF_TOKEN": small_app.token(ada)}
    answer = call(small_app.world.app, LINK, method="POST", body=body, **with_token)

    assert answer.status == 303


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/x-www-form-urlencoded", 303),
        ("Application/X-WWW-Form-URLencoded; charset=x", 303),
        ("text/plain", 403),
        ("application/json", 403),
        ("", 403),
    ],
)
def test_only_a_form_has_fields(small_app, ada, content_type, status):
    """Another site can send ``text/plain`` without being asked, for one."""
    body = f"csrf_token={small_app.token(ada)}".encode()
    answer = call(
        small_app.world.app, LINK, method="POST", body=body, HTTP_COOKIE=cookie_of(ada), CONTENT_TYPE=content_type
    )

    assert answer.status == status


def test_a_field_wins_over_the_header(small_app, ada):
    token = small_app.token(ada)

    small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": "x"}, headers={"X-CSRF-Token": token})


def test_the_token_of_a_refused_request_is_in_no_answer_and_no_log(small_app, ada):
    token = small_app.token(ada)
    small_app.world.clock.now += 12 * HOURS
    answer = small_app.refused(ada, LINK, "cross_site", fields={"csrf_token": token, "identity": key_of(ADA)})

    assert token not in answer.text
    assert all(token not in line for line in small_app.world.audit)
