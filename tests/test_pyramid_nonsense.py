"""What a provider may answer, each by its row: an app's visitors are signed in by a good answer, and by no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest
from fakes import TOKEN, USER, acme, answer
from pyramid.response import Response
from pyramid_apps import KEY, handled_by, other

from authkit import Refusal

pytestmark = pytest.mark.pyramid

ENDPOINTS = pytest.mark.parametrize("endpoint", ["token", "me"])


def reply(text):
    """Return a reply of a network that is exactly `text`."""
    return (200, text if isinstance(text, bytes) else text.encode())


def token(**members):
    """Return a reply whose members are JSON as it is written here."""
    known = {name: json.dumps(value) for name, value in TOKEN.items()}
    written = {name: text for name, text in {**known, **members}.items() if text is not None}
    return reply("{" + ", ".join(f'"{name}": {text}' for name, text in written.items()) + "}")


def user(identifier):
    """Return a reply whose id is JSON as it is written here; None leaves it out."""
    return reply('{"name": "Ada"}' if identifier is None else f'{{"id": {identifier}, "name": "Ada"}}')


def refuse(world, code="provider_protocol"):
    """Sign in, which fails with `code`, and return the answer."""
    browser = world.browser()
    return world.refused(browser, world.callback(world.start(browser)), code, exchanges=1)


@pytest.fixture
def seen():
    """Give the logins that the app's handler was called with."""
    return []


@pytest.fixture
def noting(new_world, seen):
    """Give what makes an app that notes its logins."""

    def make(**options):
        def handler(request, login):
            seen.append(login)
            return Response("noted")

        return new_world(handled_by(handler), **options)

    return make


@pytest.mark.parametrize("given", ["30", "Wed, 21 Oct 2026 07:28:00 GMT", "abc", "-1", "99999999999"])
@ENDPOINTS
def test_flt_05_a_rate_limit_is_passed_on_within_bounds_and_nothing_is_asked_again(world, endpoint, given):
    world.network.replies[endpoint] = lambda request: answer(request, 429, b"", Retry_After=given)

    assert 1 <= int(refuse(world, "provider_rate_limited").headers["Retry-After"]) <= 300
    assert len(world.network.to(endpoint)) == 1


@pytest.mark.parametrize("status", [200, 400])
@ENDPOINTS
def test_flt_07_an_error_is_one_whatever_the_status(world, endpoint, status):
    error = {"error": "invalid_grant", "error_description": "no", "log_id": "L1"}
    world.network.replies[endpoint] = (status, {**TOKEN, **USER, **error})

    refuse(world, "provider_rejected")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b'"x"', b"123", b"true", b"NaN", b"{", b"\xff", b"[" * 100_000]
)
@ENDPOINTS
def test_flt_10_what_is_no_json_object_is_no_answer(world, endpoint, body):
    world.network.replies[endpoint] = reply(body)

    refuse(world)


@ENDPOINTS
def test_flt_10_an_answer_that_is_cut_off_anywhere_is_none(world, endpoint):
    whole = json.dumps(world.network.replies[endpoint]).encode()

    for length in range(len(whole)):
        world.network.replies[endpoint] = reply(whole[:length])
        refuse(world)
        world.caplog.clear()


@pytest.mark.parametrize("identifier", [None, "null", '""', '"  "'], ids=["missing", "null", "empty", "blanks"])
def test_flt_11_nobody_is_signed_in_without_an_id(world, identifier):
    world.network.replies["me"] = user(identifier)

    refuse(world)


@pytest.mark.parametrize("identifier", ["0", "123", "true", "[]", '["a"]', "{}", "1.5", "1e400"])
def test_flt_12_an_id_of_another_type_is_not_made_into_text(world, identifier):
    world.network.replies["me"] = user(identifier)

    refuse(world)


def read_error(data):
    """Return what TikTok's user info says is wrong; in all its good answers, the code is "ok"."""
    error = data.get("error")
    code = error.get("code") if isinstance(error, Mapping) else "ok"
    return None if code == "ok" else Refusal(str(code))


@pytest.mark.parametrize(("code", "is_good"), [("ok", True), ("access_token_invalid", False)])
def test_flt_14_an_answer_with_a_user_and_an_error_is_an_error(new_world, code, is_good):
    world = new_world(providers=(replace(acme, read_error=read_error), other))
    world.network.replies["me"] = {**USER, "error": {"code": code}}

    if is_good:
        world.log_in(browser := world.browser())
        assert world.me(browser) == KEY
    else:
        refuse(world, "provider_rejected")


@pytest.mark.parametrize(
    ("lifetime", "seconds"),
    [("3600", 3600), ('"3600"', 3600)]
    + [(text, None) for text in ("null", "0", "-1", "3600.5", '"abc"', "1e400", "true", str(10**18))]
    + [(None, None)],
)
def test_flt_22_a_lifetime_that_is_not_sane_is_unknown(noting, seen, lifetime, seconds):
    world = noting()
    world.network.replies["token"] = token(expires_in=lifetime)

    world.log_in(world.browser(), status=200)

    ends = seen[0].token.expires_at
    assert (ends and ends.timestamp() - world.clock.now) == seconds


@pytest.mark.parametrize(
    ("scope", "granted"),
    [
        ('"profile"', ("profile",)),
        ('""', ()),
        (None, ("profile", "e-mail")),
        ('"e-mail,profile"', ("e-mail", "profile")),
        ('"profile e-mail"', ("profile", "e-mail")),
        ('["profile", "e-mail"]', ("profile", "e-mail")),
        ('"profile e-mail admin"', ("profile", "e-mail", "admin")),
    ],
    ids=["subset", "empty", "missing", "comma", "blank", "list", "more"],
)
def test_flt_24_what_was_granted_is_what_the_app_is_told(noting, seen, scope, granted):
    world = noting(settings={"authkit.acme.scope": "profile e-mail"})
    world.network.replies["token"] = token(scope=scope)

    world.log_in(world.browser(), status=200)

    assert seen[0].token.scope == granted


@pytest.mark.parametrize("scope", ['"e-mail"', '""', '"admin"'])
def test_flt_24_a_login_without_a_scope_that_is_required_is_refused(new_world, scope):
    world = new_world(settings={"authkit.acme.scope": "profile e-mail", "authkit.acme.required_scope": "profile"})
    world.network.replies["token"] = token(scope=scope)

    refuse(world, "scope_missing")
    assert world.network.to("/me") == []


@pytest.mark.parametrize(
    "text",
    [None, '""', "null", "1", '"a\\r\\nX-Evil: 1"', '"a b"', json.dumps("a" * 16_384)],
    ids=["missing", "empty", "null", "number", "line-break", "blank", "long"],
)
def test_flt_25_what_is_no_token_is_not_sent_on(world, text):
    world.network.replies["token"] = token(access_token=text)

    refuse(world)
    assert world.network.to("/me") == []
