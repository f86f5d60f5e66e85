"""Faults: how they are written, when they are due, and what they make of an answer."""

from __future__ import annotations

import gzip
import io
import json
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
from faulty_provider import ERROR, NOON, PAGE, TOKEN, USER, NoSwitches, Provider, ask
from hypothesis import given
from hypothesis import strategies as st

from authkit.emulator import (
    KINDS,
    AdjustableClock,
    Answer,
    Delivery,
    Endpoint,
    Fault,
    Faults,
    Request,
    Switchboard,
    Workbench,
)
from authkit.emulator.spoil import AFTERWARDS, INSTEAD

ENDPOINTS = ("token", "userinfo")
GOOD_BODY = json.dumps(TOKEN, separators=(",", ":")).encode()
TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40)
MILLIONTHS = st.integers(1, 10**6 - 1).map(lambda parts: parts / 10**6)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz-*", min_size=1, max_size=10)


# How a fault is written.


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("token:reset", Fault(endpoint="token", kind="reset")),
        ("token:reset:always", Fault(endpoint="token", kind="reset")),
        ("token:reset:once", Fault(endpoint="token", kind="reset", times=1)),
        ("token:reset:3", Fault(endpoint="token", kind="reset", times=3)),
        ("*:500:0.25", Fault(endpoint="*", kind="500", probability=0.25)),
        ("*:500:.25", Fault(endpoint="*", kind="500", probability=0.25)),
        ("*:500:25%", Fault(endpoint="*", kind="500", probability=0.25)),
        ("*:500:12.3456%", Fault(endpoint="*", kind="500", probability=0.123456)),
        ("*:500:100%", Fault(endpoint="*", kind="500")),
        ("token:silent=1.5:once", Fault(endpoint="token", kind="silent", value="1.5", times=1)),
        ("token:skew=-60", Fault(endpoint="token", kind="skew", value="-60")),
        ("token:429=Sat, 21 Nov 2026 12:00:00 GMT", None),
        ("token:redirect=https://evil.example/x", None),
        ("token:redirect=https://evil.example:8443/x:once", None),
        ('userinfo:bad-id={"a":1}:2', Fault(endpoint="userinfo", kind="bad-id", value='{"a":1}', times=2)),
        ("userinfo:bad-id=1e400", Fault(endpoint="userinfo", kind="bad-id", value="1e400")),
    ],
)
def test_a_fault_is_read_as_it_is_written(text, fault):
    read = Fault.parse(text)

    assert fault in {None, read}
    assert Fault.parse(str(read)) == read


def test_what_follows_the_last_colon_of_an_address_may_need_always_behind_it():
    times = Fault.parse("token:redirect=https://evil.example:8443")
    port = Fault.parse("token:redirect=https://evil.example:8443:always")

    assert (times.value, times.times) == ("https://evil.example", 8443)
    assert (port.value, port.times) == ("https://evil.example:8443", None)
    assert str(port) == "token:redirect=https://evil.example:8443:always"


@given(
    NAMES, st.sampled_from(["redirect", "429"]), TEXT, st.none() | st.integers(1, 10**6), MILLIONTHS | st.just(1.0)
)
def test_whatever_is_written_is_read_back(endpoint, kind, value, times, probability):
    chance = 1.0 if times or probability > 0.9 else probability
    fault = Fault(endpoint=endpoint, kind=kind, value=value, times=times, probability=chance)

    assert Fault.parse(str(fault)) == fault


@given(st.text())
def test_any_text_is_a_fault_or_a_value_error(text):
    for candidate in (text, f"token:{text}", f"token:silent={text}", f"token:json={text}"):
        try:
            fault = Fault.parse(candidate)
        except ValueError:
            continue
        assert Fault.parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("token", "a fault is written ENDPOINT:KIND[=VALUE][:WHEN], not 'token'"),
        (":reset", "a fault is written ENDPOINT:KIND[=VALUE][:WHEN], not ':reset'"),
        ("token:silent=", "a fault is written ENDPOINT:KIND[=VALUE][:WHEN], not 'token:silent='"),
        ("token:reste", "no kind of fault is called 'reste'; did you mean reset?"),
        ("token:zzzzzz", f"no kind of fault is called 'zzzzzz'; there are: {', '.join(KINDS)}"),
        (
            "token:reset:twice",
            "WHEN is once, a number of times, a probability such as 0.25 or 25%, or always, not 'twice'",
        ),
        (
            "token:reset:0",
            "WHEN is once, a number of times, a probability such as 0.25 or 25%, or always; "
            "it is more than 0, and at most 1000000 times",
        ),
        ("token:reset=1", "reset takes no value"),
        ("token:silent=long", "silent takes a number of seconds, from 0 to 3600, not 'long'"),
        ("token:silent=3601", "silent takes a number of seconds, from 0 to 3600, not '3601'"),
        ("token:silent=\uff11", "the value of silent is printable ASCII, 1 to 2000 characters"),
        ("token:huge=101", "huge takes a number of MB, from 1 to 100, not '101'"),
        ("token:truncated=-1", "truncated takes a number of bytes, from 0 to 1000000, not '-1'"),
        ("token:redirect=https://a\r\nX: 1", "the value of redirect is printable ASCII, 1 to 2000 characters"),
        ("token:json={", "json takes JSON, not '{'"),
    ],
)
def test_a_fault_that_cannot_be_read_says_what_is_possible(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        Fault.parse(text)

    assert str(caught.value) == message


@pytest.mark.parametrize("text", ["token:reset:0%", "token:reset:0.0", "token:reset:101%", "token:reset:1000001"])
def test_a_fault_that_is_never_or_more_than_always_due_is_refused(text):
    with pytest.raises(ValueError, match="WHEN is once"):
        Fault.parse(text)


@pytest.mark.parametrize("when", [{"probability": 1 / 3}, {"times": 2, "probability": 0.5}, {"times": 0}])
def test_a_fault_that_could_not_be_written_is_refused(when):
    with pytest.raises(ValueError, match="WHEN is once"):
        Fault(endpoint="token", kind="reset", **when)


def test_deeply_nested_json_is_refused():
    with pytest.raises(ValueError, match="json takes JSON"):
        Fault.parse(f"token:json={'[' * 1900}")


# When a fault is due.


def taken(faults, endpoint="token", count=1):
    return [str(faults.take(endpoint) or "") for _ in range(count)]


def test_a_fault_is_due_as_often_as_it_says():
    faults = Faults(ENDPOINTS, ["token:500:once", "token:502:2", "token:503"])

    assert taken(faults, count=5) == ["token:500:once", "token:502:2", "token:502:once", "token:503", "token:503"]


def test_what_is_left_of_a_fault_can_be_seen():
    faults = Faults(ENDPOINTS, ["token:500:3", "*:reset"])
    taken(faults)

    assert [str(fault) for fault in faults] == ["token:500:2", "*:reset"]


def test_a_fault_disturbs_its_endpoint_or_any():
    faults = Faults(ENDPOINTS, ["userinfo:500", "*:502:once"])

    assert taken(faults, "token", 2) == ["*:502:once", ""]
    assert taken(faults, "userinfo") == ["userinfo:500"]


def test_a_seed_repeats_a_run():
    def run(seed):
        return taken(Faults(ENDPOINTS, ["token:500:30%"], seed), count=1000)

    assert run(7) == run(7)
    assert run(7) != run(8)
    assert 250 < sum(map(bool, run(7))) < 350


def test_a_fault_that_is_not_drawn_leaves_the_turn_to_the_next():
    faults = Faults(ENDPOINTS, ["token:500:50%", "token:502"])

    assert set(taken(faults, count=100)) == {"token:500:0.5", "token:502"}


def test_a_new_seed_begins_the_draw_anew():
    faults = Faults(ENDPOINTS, ["token:500:50%"])
    first = taken(faults, count=50)
    faults.reseed(0)

    assert taken(faults, count=50) == first


def test_faults_are_added_and_removed():
    faults = Faults(ENDPOINTS)
    added = faults.add("token:reset:1")
    faults.add("token:500")
    faults.remove("token:reset:once")

    assert added == Fault(endpoint="token", kind="reset", times=1)
    assert [str(fault) for fault in faults] == ["token:500"]
    faults.clear()
    assert list(faults) == []


def test_what_is_not_there_cannot_be_removed():
    with pytest.raises(ValueError, match="the fault 'token:reset' is not present"):
        Faults(ENDPOINTS, ["token:500"]).remove("token:reset")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tokn:reset", "no endpoint is called 'tokn'; did you mean token?"),
        ("zzz:reset", "no endpoint is called 'zzz'; there are: token, userinfo, *"),
    ],
)
def test_a_fault_at_an_unknown_endpoint_is_refused(text, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        Faults(ENDPOINTS, [text])

    assert str(caught.value) == message


def test_a_hundred_faults_are_enough():
    faults = Faults(ENDPOINTS, ["token:reset"] * 100)

    with pytest.raises(ValueError, match="there are 100 faults already"):
        faults.add("token:reset")


def test_many_threads_share_the_times_of_a_fault():
    faults = Faults(ENDPOINTS, ["token:500:500"])

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: faults.take("token") is not None, range(2000)))

    assert sum(found) == 500


def test_a_connection_that_is_there_is_not_slow_to_come_about():
    faults = Faults(ENDPOINTS, ["token:slow-connect:once", "token:500:once"])

    assert str(faults.take("token", is_connected=True)) == "token:500:once"
    assert str(faults.take("token")) == "token:slow-connect:once"


def test_a_connection_is_slow_whatever_the_endpoint_and_as_often_as_the_fault_says():
    faults = Faults(ENDPOINTS, ["token:500", "userinfo:slow-connect=2:once"])

    assert [str(faults.take_connecting() or "") for _ in range(2)] == ["userinfo:slow-connect=2:once", ""]


# What is said of them.


def test_every_kind_does_something_and_says_whether_the_request_is_processed():
    assert set(KINDS) == {*INSTEAD, *AFTERWARDS, "skew"}
    assert {name for name, kind in KINDS.items() if kind.effect == "not processed"} == {*INSTEAD, "slow-connect"}
    assert all(kind.help.endswith(".") for kind in KINDS.values())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_default_of_a_kind_is_a_value_that_it_takes(kind):
    if KINDS[kind].default:
        KINDS[kind].check(KINDS[kind].default)


@pytest.mark.parametrize("kind", sorted({*KINDS} - {"slow-connect"}))
def test_a_request_is_processed_as_its_kind_says(kind):
    provider = Provider(f"token:{kind}")
    provider.workbench.answer(Request("POST", "/token"))

    assert provider.processed == (["token"] if KINDS[kind].effect == "processed" else [])


# What they make of an answer.


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_failing_provider_answers_with_html(status):
    answer = ask(Provider(f"token:{status}"))

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert answer.text.startswith(f"<!doctype html><title>{status} ")


@pytest.mark.parametrize(
    ("fault", "retry_after"), [("429", "30"), ("429=99999999999", "99999999999"), ("429=abc", "abc")]
)
def test_a_limit_says_when_to_try_again(fault, retry_after):
    answer = ask(Provider(f"token:{fault}"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, retry_after)


@pytest.mark.parametrize(
    ("fault", "status", "location"),
    [
        ("redirect", 302, "https://evil.example/"),
        ("redirect=//evil", 302, "//evil"),
        ("301", 301, "https://evil.example/"),
        ("303", 303, "https://evil.example/"),
        ("307=http://acme.example/token", 307, "http://acme.example/token"),
        ("308", 308, "https://evil.example/"),
    ],
)
def test_a_redirect_leads_elsewhere(fault, status, location):
    answer = ask(Provider(f"token:{fault}"))

    assert (answer.status_code, answer.headers["Location"]) == (status, location)


@pytest.mark.parametrize(
    ("fault", "content_type"), [("html", "text/html; charset=utf-8"), ("html-as-json", "application/json")]
)
def test_a_login_page_comes_instead_of_json(fault, content_type):
    answer = ask(Provider(f"token:{fault}"))

    assert (answer.status_code, answer.headers["Content-Type"]) == (200, content_type)
    assert answer.text.startswith("<!doctype html><title>Log in</title>")


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        ("empty", b""),
        ("json", b"null"),
        ('json="x"', b'"x"'),
        ("truncated", GOOD_BODY[: len(GOOD_BODY) // 2]),
        ("truncated=0", b""),
        ("truncated=5", b'{"acc'),
    ],
)
def test_a_body_is_not_what_it_should_be_and_its_length_agrees(fault, body):
    answer = ask(Provider(f"token:{fault}"))

    assert (answer.status_code, answer.content) == (200, body)
    assert answer.headers["Content-Length"] == str(len(body))


def test_a_huge_answer_is_valid_json():
    answer = ask(Provider("token:huge"))

    assert len(answer.content) == 10_000_000
    assert answer.json() == TOKEN


def test_a_gzip_bomb_is_small_on_the_wire_and_valid_json():
    answer = ask(Provider("token:gzip-bomb=5"), stream=True)
    wire = answer.raw.read(decode_content=False)

    assert len(wire) < 10_000
    assert json.load(io.BytesIO(gzip.decompress(wire))) == TOKEN
    assert len(gzip.decompress(wire)) > 5_000_000


def test_the_usual_gzip_bomb_expands_to_200_megabytes():
    answer = ask(Provider("token:gzip-bomb"), stream=True)
    wire = answer.raw.read(decode_content=False)

    assert len(wire) < 300_000
    with gzip.open(io.BytesIO(wire)) as unpacked:
        assert sum(len(piece) for piece in iter(lambda: unpacked.read(1 << 20), b"")) > 200_000_000


def test_every_type_of_the_json_is_another():
    answer = ask(Provider("token:wrong-types"))

    assert answer.json() == {
        "access_token": 5,
        "expires_in": "3600",
        "fresh": "true",
        "hint": "null",
        "scopes": [1, "1"],
    }


@pytest.mark.parametrize(
    ("fault", "user"),
    [
        ("no-id", {"name": "Ada"}),
        ("empty-id", {"id": "", "name": "Ada"}),
        ("bad-id", {"id": None, "name": "Ada"}),
        ('bad-id=["a"]', {"id": ["a"], "name": "Ada"}),
        ("bad-id=1e400", {"id": float("inf"), "name": "Ada"}),
    ],
)
def test_an_identity_is_missing_or_odd_wherever_it_stands(fault, user):
    answer = ask(Provider(f"userinfo:{fault}"), "/me", "GET")

    assert answer.json() == {**USER, "data": {"users": [user]}}


def test_a_number_that_python_cannot_write_goes_out_as_it_is():
    assert b'"id":1e400' in ask(Provider("userinfo:bad-id=1e400"), "/me", "GET").content


def test_the_fields_that_say_who_somebody_is_are_the_emulators():
    answer = ask(Provider("userinfo:no-id", identity_fields=frozenset({"name"})), "/me", "GET")

    assert answer.json()["data"] == {"users": [{"id": "ada"}]}


def test_an_error_comes_with_status_200():
    answer = ask(Provider("token:error-in-200"))

    assert (answer.status_code, answer.json()) == (200, ERROR)


def test_an_endpoint_without_an_error_of_its_own_has_a_plain_one():
    answer = ask(Provider("userinfo:error-in-200"), "/me", "GET")

    assert (answer.status_code, answer.json()) == (200, {"error": "server_error"})


def test_a_good_answer_has_an_error_in_it():
    answer = ask(Provider("token:mixed"))

    assert (answer.status_code, answer.json()) == (200, {**TOKEN, **ERROR})


@pytest.mark.parametrize("refusal", [Answer.json({"error": "no"}, 401), Answer.json({"error": "no"}).refused("no")])
def test_a_refusal_is_no_good_answer_to_mix_an_error_into(refusal):
    bench = Workbench(
        "Strict",
        [Endpoint("token", "POST", ("/token",), lambda request: refusal, lambda: Answer.json(ERROR, 500))],
        clock=AdjustableClock(lambda: NOON),
        switches=Switchboard(NoSwitches()),
        faults=["token:mixed"],
    )

    assert ask(bench).json() == {"error": "no"}


@pytest.mark.parametrize("kind", ["wrong-types", "no-id", "empty-id", "bad-id", "mixed"])
def test_what_has_to_be_json_and_is_none_stays_as_it_is(kind):
    answer = ask(Provider(f"*:{kind}"), "/consent", "GET")

    assert (answer.status_code, answer.text) == (200, PAGE)


@pytest.mark.parametrize("value", ["7200", "-7200"])
def test_a_skewed_clock_is_wrong_for_one_request(value):
    provider = Provider(f"token:skew={value}:once")
    dates = [ask(provider).headers.get("Date") for _ in range(2)]

    assert provider.times == [NOON + int(value), NOON]
    assert parsedate_to_datetime(dates[0]).timestamp() == NOON + int(value)
    assert dates[1] is None


@pytest.mark.parametrize("seconds", ["3e8", "300000001"])
def test_a_clock_cannot_be_off_by_more_than_a_date_can_show(seconds):
    with pytest.raises(ValueError, match="skew takes a number of seconds"):
        Fault.parse(f"token:skew={seconds}")


@pytest.mark.parametrize(
    ("fault", "delivery"),
    [
        ("silent", Delivery(silence=60)),
        ("slow-headers=0.5", Delivery(head_pause=0.5)),
        ("drip", Delivery(body_pause=1)),
        ("reset", Delivery(reset="answer")),
        ("reset-headers", Delivery(reset="headers")),
        ("reset-body", Delivery(reset="body")),
        ("slow-connect", Delivery()),
        ("500", Delivery()),
    ],
)
def test_what_happens_to_a_connection_is_left_to_the_server(fault, delivery):
    assert Provider(f"token:{fault}").workbench.answer(Request("POST", "/token")).delivery == delivery


# Faults and the request log.


def test_the_request_log_names_the_fault_and_the_status_that_went_out():
    provider = Provider("token:503:once")
    ask(provider)
    ask(provider)

    assert [(recorded.fault, recorded.status) for recorded in provider.workbench.requests] == [
        ("token:503:once", 503),
        ("", 200),
    ]


def test_a_body_that_is_too_large_is_refused_though_a_fault_is_due():
    answer = ask(Provider("token:mixed"), data=b"x" * 70_000)

    assert (answer.status_code, answer.content) == (413, b"")


def test_what_no_endpoint_answers_uses_up_no_fault():
    provider = Provider("*:500:once")
    statuses = [ask(provider, path, "GET").status_code for path in ("/nowhere", "/token", "/me")]

    assert statuses == [404, 405, 500]


def test_a_server_that_does_no_damage_leaves_the_silence_to_the_application():
    started = []

    def start_response(status, headers, exc_info=None):
        started.append(status)

    provider = Provider("token:silent=0.01", "userinfo:reset", "consent:slow-connect=0.01")
    for method, path in [("POST", "/token"), ("GET", "/me"), ("GET", "/consent")]:
        provider({"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO()}, start_response)

    assert started == ["200 OK"] * 3
