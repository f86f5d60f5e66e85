"""The contract of adapters itself: what it says, and what it does about what an adapter does not have."""

from __future__ import annotations

import pytest
from test_contract_bare import TESTS, BareApp

import authkit.testing
from authkit.testing import AdapterContract
from authkit.testing.adapter.wire import call
from authkit.testing.verdicts import expect, lacks

REQUEST = {"REQUEST_METHOD": "GET", "PATH_INFO": "/auth/acme"}


class SmallAdapter(AdapterContract):
    has_login_handler = False

    def make_app(self, kit, on_login=None):
        return BareApp(kit)


def test_what_an_adapter_does_not_have_is_skipped_with_the_reason():
    skipped = {}
    for name in TESTS:
        try:
            getattr(SmallAdapter(), f"test_{name}")()
        except pytest.skip.Exception as reason:
            skipped[name] = str(reason)

    assert len(skipped) == 14
    assert skipped["the_handler_gets_each_login_once"] == (
        "there is no login handler; once there is, declare it: has_login_handler = True"
    )
    assert 'declare it: sessions = "cookie", or "server"' in skipped["content_from_before_a_login_is_gone"]
    assert 'declare it: sessions = "server"' in skipped["an_ended_session_is_ended_on_the_server"]


def test_a_page_where_a_program_wants_json_is_a_verdict():
    class Deaf(SmallAdapter):
        def make_app(self, kit, on_login=None):
            app = BareApp(kit)
            return lambda environ, start: app({**environ, "HTTP_ACCEPT": "text/html"}, start)

    with pytest.raises(pytest.fail.Exception, match="an error was answered as text/html"):
        Deaf().test_a_program_gets_the_error_as_json()


def test_a_contract_without_an_application_says_what_to_write():
    class Forgetful(AdapterContract):
        pass

    with pytest.raises(NotImplementedError, match=r"Forgetful has no make_app\(kit, on_login=None\)"):
        Forgetful().test_a_login_signs_in()


def test_a_verdict_says_what_is_wrong_why_it_matters_and_how_to_fix_it():
    expect(True, "nothing", why="", fix="")
    with pytest.raises(pytest.fail.Exception) as failed:
        expect(False, "the cookie is stale", why="nobody eats it.", fix="bake another one.")

    assert str(failed.value) == (
        "the cookie is stale\n  Why it matters: nobody eats it.\n  How to fix it:  bake another one."
    )
    assert failed.value.pytrace is False


def test_what_is_lacking_is_named_with_how_to_declare_it():
    with pytest.raises(pytest.skip.Exception, match="there is no oven; once there is, declare it: oven = True"):
        lacks("oven", declare="oven = True")


def test_an_exception_out_of_the_application_is_a_verdict():
    def app(environ, start_response):
        raise KeyError("HTTP_HOST")

    with pytest.raises(pytest.fail.Exception, match="GET '/auth/acme' made the application raise KeyError"):
        call(app, REQUEST)


def test_a_line_break_in_a_header_is_a_verdict():
    def app(environ, start_response):
        start_response("302 Found", [("Location", "/\r\nSet-Cookie: a=b")])
        return []

    with pytest.raises(pytest.fail.Exception, match="with a line break in a header"):
        call(app, REQUEST)


def test_an_application_may_write_its_body_and_wants_to_be_closed():
    closed = []

    class Chunks(list):
        def close(self):
            closed.append(True)

    def app(environ, start_response):
        start_response("200 OK", [])(b"written, ")
        return Chunks([b"returned"])

    assert (call(app, REQUEST).body, closed) == (b"written, returned", [True])


def test_authkit_testing_has_no_other_names():
    assert authkit.testing.AdapterContract is AdapterContract
    with pytest.raises(AttributeError, match=r"'authkit\.testing' has no attribute 'Missing'"):
        authkit.testing.Missing  # noqa: B018
