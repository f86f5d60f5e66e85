"""The workbench: routing, recording, and many threads at once."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

from emulator_fakes import NOON, TOKEN, acme_token, call, make_workbench, post_form

from authkit.emulator import Answer, Endpoint, HasWorkbench, Request, Rule


class Emulator:
    """An emulator as a plugin brings it."""

    workbench = make_workbench()


def test_a_request_is_answered_by_the_endpoint_at_its_path():
    acme = make_workbench()
    answers = [call(acme, "GET", path, query="state=x")[0] for path in ("/authorize", "/authorize/", "/me")]

    assert answers == [302, 302, 200]
    assert [request.endpoint for request in acme.requests] == ["authorize", "authorize", "userinfo"]


def test_where_a_provider_has_nothing_is_404_and_recorded_without_a_name():
    acme = make_workbench()
    status, _, body = call(acme, "GET", "/nowhere")

    assert (status, body) == (404, b"")
    assert acme.requests("").single().path == "/nowhere"


def test_a_method_that_a_provider_does_not_have_is_405_with_those_it_has():
    acme = make_workbench(
        (Endpoint("show", "GET", ("/x",), acme_token), Endpoint("decide", "POST", ("/x",), acme_token))
    )
    status, headers, _ = call(acme, "PUT", "/x")

    assert (status, headers["Allow"]) == (405, "GET, POST")
    assert acme.requests().single().status == 405


def test_everything_of_a_request_and_its_answer_is_recorded():
    rule = Rule("A1", "No.", "Page")
    answer = Answer.redirect("https://app.example/cb").refused("no", rule)
    acme = make_workbench((Endpoint("token", "POST", ("/token",), lambda request: answer),))
    acme.clock.advance(5)
    post_form(acme, "/token", code=TOKEN)
    recorded = acme.requests("token").single()

    assert (recorded.number, recorded.at, recorded.method, recorded.path) == (1, NOON + 5, "POST", "/token")
    assert (dict(recorded.query), dict(recorded.form)) == ({}, {"code": TOKEN})
    assert recorded.headers["Host"] == "127.0.0.1:8787"
    assert (recorded.status, recorded.location) == (302, "https://app.example/cb")
    assert (recorded.verdict, recorded.broken, recorded.fault) == ("no", rule, "")


def test_a_body_of_more_than_64_kib_never_reaches_an_endpoint():
    acme = make_workbench()

    assert post_form(acme, "/token", code="x" * 65536)[0] == 413
    assert acme.requests("token").single().status == 413


def test_of_what_is_too_large_nothing_is_kept():
    acme = make_workbench()
    many = {f"p{number}": "x" for number in range(201)}

    assert post_form(acme, "/token", **many)[0] == 413
    assert acme.requests("token").single().form == {}
    assert call(acme, "GET", "/authorize", query="q" * 16385)[0] == 413
    assert acme.requests[-1].query == {}


def test_as_much_as_that_is_taken():
    acme = make_workbench()
    many = {f"p{number}": "x" for number in range(200)}

    assert post_form(acme, "/token", **many)[0] != 413
    assert len(acme.requests("token").single().form) == 200


def test_it_answers_without_a_server_too():
    acme = make_workbench()

    assert json.loads(acme.answer(Request("GET", "/me")).body) == {"id": "ada", "name": "Ada"}
    assert acme.requests().single().endpoint == "userinfo"


def test_an_emulator_that_stands_on_one_is_known_by_it():
    assert isinstance(Emulator(), HasWorkbench)
    assert not isinstance(object(), HasWorkbench)


def test_two_endpoints_may_share_a_name():
    acme = make_workbench(
        (Endpoint("token", "POST", ("/a",), acme_token), Endpoint("token", "GET", ("/b",), acme_token))
    )

    assert acme.endpoints == ("token",)


def test_an_observer_that_raises_does_not_break_the_answer(caplog):
    def fail(request):
        raise RuntimeError("the terminal is gone")

    acme = make_workbench()
    acme.requests.observers.append(fail)

    assert call(acme, "GET", "/me")[0] == 200
    assert "the terminal is gone" in caplog.text


def test_one_request_is_answered_at_a_time():
    def count(request):
        before = counter["value"]
        time.sleep(0.0001)
        counter["value"] = before + 1
        return Answer(200)

    counter = {"value": 0}
    acme = make_workbench((Endpoint("count", "GET", ("/count",), count),))
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: call(acme, "GET", "/count")[0], range(200)))

    assert (set(statuses), counter["value"]) == ({200}, 200)
    assert [request.number for request in acme.requests] == list(range(1, 201))


def test_the_control_page_is_used_while_requests_come_in():
    def use(number):
        call(acme, "GET", "/me")
        body = json.dumps({"advance": 1}).encode()
        call(acme, "POST", "/_emulator/api/clock", body=body, content_type="application/json")
        return call(acme, "GET", "/_emulator/api/state", query=f"after={number}")[0]

    acme = make_workbench()
    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(use, range(100)))

    assert set(statuses) == {200}
    assert (acme.clock.ahead, acme.requests.total) == (100, 100)


def test_nothing_is_answered_while_something_is_changed():
    acme = make_workbench()
    with ThreadPoolExecutor(1) as pool, acme.exclusively():
        pool.submit(call, acme, "GET", "/me")
        time.sleep(0.05)
        assert len(acme.requests) == 0
        acme.clock.advance(60)
        changed_at = acme.clock()
    assert acme.requests("userinfo").single().at >= changed_at
