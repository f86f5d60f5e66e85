"""What a provider answers is judged by its body, and nothing of it is taken on trust."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fakes import TOKEN, acme, answer
from hypothesis import given
from hypothesis import strategies as st
from requests import PreparedRequest, Response

from authkit import Refusal, errors, read_refusal
from authkit.errors import AuthkitError, ProviderProtocolError
from authkit.models import Secret
from authkit.replies import answer_of, guarded, read_reply, read_token, refusal_error

CANARY = "canary-code"
OPEN = replace(acme, subject_param="open_id")

KEYS = st.sampled_from(
    ["access_token", "refresh_token", "token_type", "expires_in", "scope", "open_id", "error", "error_description"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(), inner, max_size=6),
)


def reply(status: int = 200, body: Any = b"", **headers: str) -> Response:
    return answer(PreparedRequest(), status, body, **headers)


def refused(response: Response, **options: Any) -> AuthkitError:
    with pytest.raises(AuthkitError) as caught:
        read_reply(response, read_refusal, **options)
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


# Whole answers


@pytest.mark.parametrize("status", [200, 201, 299])
def test_a_good_answer_is_its_json_object(status: int) -> None:
    assert read_reply(reply(status, {"a": [1]}), read_refusal) == {"a": [1]}


def test_an_empty_answer_is_good_where_it_may_be_empty() -> None:
    assert read_reply(reply(200, b" \r\n"), read_refusal, empty_is_fine=True) == {}
    assert read_reply(reply(200, {"a": 1}), read_refusal, empty_is_fine=True) == {"a": 1}


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, errors.ProviderRejected, "HTTP 400, and no reason in the body"),
        (404, errors.ProviderRejected, "HTTP 404, and no reason in the body"),
        (500, errors.ProviderUnavailable, "HTTP 500"),
        (502, errors.ProviderUnavailable, "HTTP 502"),
    ],
)
@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", {"message": "oops"}], ids=["empty", "html", "list", "object"]
)
def test_flt_04_a_bad_status_counts_where_the_body_says_nothing(
    status: int, kind: type[AuthkitError], reason: str, body: Any
) -> None:
    error = refused(reply(status, body), empty_is_fine=True)

    assert (type(error), error.reason) == (kind, reason)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"x"',
        b"123",
        b"true",
        b"<html>",
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"[" * 99999,
    ],
)
def test_flt_10_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    assert type(refused(reply(200, body))) is ProviderProtocolError


def test_flt_10_an_answer_truncated_at_any_byte_is_refused() -> None:
    whole = json.dumps(TOKEN).encode()

    for length in range(len(whole)):
        assert type(refused(reply(200, whole[:length]))) is ProviderProtocolError
    assert read_reply(reply(200, whole), read_refusal) == TOKEN


@pytest.mark.parametrize("status", [200, 400, 401, 500])
@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("access_denied", errors.AccessDenied),
        ("insufficient_scope", errors.ScopeMissing),
        ("invalid_client", errors.ProviderMisconfigured),
        ("invalid_grant", errors.ProviderRejected),
        ("invalid_request", errors.ProviderRejected),
        ("invalid_scope", errors.ProviderMisconfigured),
        ("invalid_token", errors.ProviderRejected),
        ("server_error", errors.ProviderUnavailable),
        ("slow_down", errors.ProviderRateLimited),
        ("temporarily_unavailable", errors.ProviderUnavailable),
        ("unauthorized_client", errors.ProviderMisconfigured),
        ("unsupported_grant_type", errors.ProviderMisconfigured),
        ("unsupported_response_type", errors.ProviderMisconfigured),
    ],
)
def test_flt_07_the_body_says_what_is_wrong_whatever_the_status(
    word: str, kind: type[AuthkitError], status: int
) -> None:
    error = refused(reply(status, {"error": word, "error_description": "because", "access_token": "token-1"}))

    assert (type(error), error.reason) == (kind, f"{word}: because")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, errors.ProviderRejected), (499, errors.ProviderRejected), (500, errors.ProviderUnavailable)],
)
def test_an_unknown_error_means_what_the_status_means(status: int, kind: type[AuthkitError]) -> None:
    assert type(refused(reply(status, {"error": "oops"}))) is kind


def test_json_of_another_kind_is_named() -> None:
    assert refused(reply(200, [1])).reason == "the answer is JSON, but no object"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 99999, "it is not JSON"),
        (b'{"a": 1, "a": 1}', "an object has a name twice"),
        (b'{"a": [-Infinity]}', "it has the number -Infinity"),
    ],
)
def test_what_cannot_be_read_is_named(body: bytes, reason: str) -> None:
    assert refused(reply(200, body)).reason == f"the answer cannot be read: {reason}"


def test_a_redirect_is_no_good_answer() -> None:
    assert type(refused(reply(300, {"a": 1}))) is ProviderProtocolError
    assert type(refused(reply(300, b""), empty_is_fine=True)) is ProviderProtocolError


def test_what_the_plugin_says_a_refusal_means_wins() -> None:
    refusal = Refusal("invalid_grant", "no", log_id="log-1", meaning=errors.ScopeMissing)

    error = refusal_error(refusal, 500)

    assert (type(error), error.reason, error.log_id) == (errors.ScopeMissing, "invalid_grant: no", "log-1")


def test_a_read_error_that_raises_is_a_protocol_error() -> None:
    def broken(data: Mapping[str, Any]) -> Refusal | None:
        raise LookupError(data["error"])

    with pytest.raises(ProviderProtocolError) as caught:
        read_reply(reply(200, {"error": CANARY}), broken)

    assert CANARY not in caught.value.reason
    assert caught.value.reason.startswith("LookupError at test_replies.py:")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("30", 30),
        ("0", 1),
        ("300", 300),
        ("301", 300),
        ("9999999999", 300),
        ("99999999999", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("abc", None),
        ("-1", None),
        ("1.5", None),
        ("３０", None),  # noqa: RUF001
        ("", None),
    ],
)
def test_flt_05_a_rate_limit_says_how_long_to_wait_within_bounds(value: str, seconds: int | None) -> None:
    error = refused(reply(429, {"error": "invalid_client"}, Retry_After=value))

    assert (type(error), error.reason, error.retry_after) == (errors.ProviderRateLimited, "invalid_client", seconds)


def test_a_rate_limit_need_not_say_how_long_to_wait() -> None:
    error = refused(reply(429))
    assert (error.reason, error.retry_after) == ("HTTP 429", None)


@given(JSON, st.sampled_from([200, 204, 400, 404, 429, 500, 503]))
def test_any_json_is_an_object_or_an_error_of_ours(value: Any, status: int) -> None:
    try:
        data = read_reply(reply(status, value), read_refusal, secrets=[Secret(CANARY)])
    except AuthkitError:
        return
    assert data == value
    assert status < 300


def test_the_provider_s_own_sentence_is_kept_apart() -> None:
    error = refused(reply(400, {"error": "invalid_grant", "error_description": "The code is bad.\r\né"}))

    assert (error.said, error.reason) == ("The code is bad.\\r\\n\\xe9", "invalid_grant: The code is bad.\\r\\n\\xe9")
    assert refused(reply(400, {"error": "invalid_grant"})).said == ""
    assert refused(reply(429, {"error": "e", "error_description": "Slow down."})).said == "Slow down."
    assert refused(reply(400, {"error": "e", "error_description": "a" * 501})).said == "a" * 497 + "..."
    assert refused(reply(400, {"error": "e", "error_description": "a" * 1001})).said == "(1001 characters)"


# Secrets that come back


@pytest.mark.parametrize("place", ["error", "error_description"])
def test_g_4_what_was_sent_does_not_come_back_in_the_error(place: str) -> None:
    data = {"error": "invalid_grant", place: f"the code {CANARY} is bad"}

    error = refused(reply(400, data), secrets=[Secret(CANARY)])
    assert CANARY not in error.reason
    assert CANARY not in error.said


@pytest.mark.parametrize("filler", [480, 490, 495, 500])
def test_g_4_a_secret_across_the_end_of_the_reason_does_not_come_back_in_part(filler: int) -> None:
    data = {"error": "e", "error_description": "." * filler + CANARY}

    assert "can" not in refused(reply(400, data), secrets=[Secret(CANARY)]).reason


@pytest.mark.parametrize(("numbers", "shown"), [(250, "[redacted]"), (1000, "(3728 characters)")])
def test_g_4_a_long_secret_does_not_come_back_in_part(numbers: int, shown: str) -> None:
    code = "".join(f"{number:x}+" for number in range(numbers))

    error = refused(reply(400, {"error": "e", "error_description": code}), secrets=[Secret(code)])

    assert error.reason == f"e: {shown}"


@pytest.mark.parametrize("token", ["canary-token", "\ud800canary-token"])
def test_g_4_tokens_in_a_refusal_stay_out_of_its_error(token: str) -> None:
    data = {"error": "e", "error_description": f"for {token}", "access_token": token, "id_token": token, "x_token": 1}

    assert refused(reply(200, data)).reason == "e: for [redacted]"


def test_g_4_the_log_id_is_redacted_too() -> None:
    assert refusal_error(Refusal("e", log_id=CANARY), 400, [Secret(CANARY)]).log_id == ""


# What runs on a stranger's data


def test_a_guarded_call_returns_what_it_returns() -> None:
    assert guarded(lambda: 5) == 5


def test_a_guarded_call_lets_our_errors_pass() -> None:
    def refuse() -> None:
        raise errors.ScopeMissing("no")

    with pytest.raises(errors.ScopeMissing):
        guarded(refuse)


def test_a_guarded_call_keeps_the_type_and_the_place_of_any_other_error() -> None:
    def fail() -> None:
        raise ValueError(CANARY)

    with pytest.raises(ProviderProtocolError) as caught:
        guarded(fail)

    line = fail.__code__.co_firstlineno + 1
    assert caught.value.reason == f"ValueError at test_replies.py:{line} while reading the provider's answer"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_plugin_s_function_that_exits_ends_the_login_and_not_the_process() -> None:
    with pytest.raises(ProviderProtocolError, match=r"^provider_protocol: SystemExit at test_replies\.py:"):
        answer_of(lambda: sys.exit(CANARY), str)


def test_a_guarded_call_during_which_the_process_is_told_to_end_ends_it() -> None:
    with pytest.raises(SystemExit):
        guarded(lambda: sys.exit(0))


def test_a_guarded_call_that_somebody_interrupts_is_interrupted() -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        guarded(interrupted)


# Token answers


def token_of(**changes: Any) -> dict[str, Any]:
    """Read a good token answer with `changes`; a value of ... takes a member out."""
    reply = {name: value for name, value in {**TOKEN, **changes}.items() if value is not ...}
    return read_token(reply, acme)


def test_a_token_answer_is_brought_into_the_form_of_rfc_6749() -> None:
    reply = {
        **TOKEN,
        "token_type": "bearer",
        "refresh_expires_in": "7200",
        "scope": "a,b a",
        "open_id": "u",
        "junk": 1,
    }

    assert read_token(reply, OPEN) == {
        "token_type": "Bearer",
        "access_token": TOKEN["access_token"],
        "refresh_token": TOKEN["refresh_token"],
        "expires_in": 3600,
        "refresh_expires_in": 7200,
        "scope": "a b",
        "subject": "u",
    }


def test_a_token_answer_may_have_nothing_but_an_access_token() -> None:
    assert read_token({"access_token": "a"}, acme) == {"token_type": "Bearer", "access_token": "a"}


@pytest.mark.parametrize("value", [..., "", None, 1, True, [], "a\r\nb", "a b", "a\x7f", "é", "a" * 8193])
def test_flt_25_an_access_token_that_is_no_token_is_refused(value: Any) -> None:
    with pytest.raises(ProviderProtocolError, match="access_token"):
        token_of(access_token=value)


@pytest.mark.parametrize("token", ["a" * 8192, "!az-._~+/=|~"])
def test_flt_25_a_long_or_odd_access_token_is_kept(token: str) -> None:
    assert token_of(access_token=token)["access_token"] == token


@pytest.mark.parametrize("value", [..., "", None])
def test_there_need_be_no_refresh_token(value: Any) -> None:
    assert "refresh_token" not in token_of(refresh_token=value)


@pytest.mark.parametrize("value", [1, True, [], "a b", "a\r\nb", "a" * 8193])
def test_a_refresh_token_that_is_no_token_is_refused(value: Any) -> None:
    with pytest.raises(ProviderProtocolError, match="refresh_token"):
        token_of(refresh_token=value)


@pytest.mark.parametrize("value", ["mac", "", None, 1, ["Bearer"]])
def test_a_token_of_another_type_is_refused(value: Any) -> None:
    with pytest.raises(ProviderProtocolError, match="the token is not of type Bearer"):
        token_of(token_type=value)


@pytest.mark.parametrize("value", [..., "Bearer", "bearer", "BEARER"])
def test_a_bearer_token_is_accepted_however_it_is_written(value: Any) -> None:
    assert token_of(token_type=value)["token_type"] == "Bearer"


@pytest.mark.parametrize("name", ["expires_in", "refresh_expires_in"])
@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1, 1),
        (3600, 3600),
        ("3600", 3600),
        ("0000003600", 3600),
        ("00000003600", None),
        (315_360_000, 315_360_000),
        (315_360_001, None),
        (..., None),
        (None, None),
        (0, None),
        (-1, None),
        (3600.5, None),
        (3600.0, 3600),
        (315_360_000.0, 315_360_000),
        (315_360_001.0, None),
        (-0.0, None),
        (1e300, None),
        ("3600.0", None),
        ("", None),
        ("abc", None),
        ("-1", None),
        ("1_000", None),
        ("１６３３", None),  # noqa: RUF001
        ("9" * 5000, None),
        (10**18, None),
        (True, None),
        ([3600], None),
    ],
)
def test_flt_22_only_sane_seconds_count(name: str, value: Any, seconds: int | None) -> None:
    assert token_of(**{name: value}).get(name) == seconds


@pytest.mark.parametrize(
    ("value", "scope"),
    [
        ("a", "a"),
        ("a b", "a b"),
        ("a,b", "a b"),
        (" a , b  a ", "a b"),
        (["b", "a", "b"], "b a"),
        ("", ""),
        (" ", ""),
        ([], ""),
        (..., None),
        (None, None),
        (["a,b", "c d", "a"], "a b c d"),
        (["", " a "], "a"),
        ("a\tb\n", "a b"),
        ("a" * 16_384, "a" * 16_384),
        ("a " * 100_000, "a"),
        ("https://acme.example/auth/a.b:c_d-e~!", "https://acme.example/auth/a.b:c_d-e~!"),
    ],
)
def test_flt_24_the_granted_scope_is_read_in_every_form(value: Any, scope: str | None) -> None:
    assert token_of(scope=value).get("scope") == scope


@pytest.mark.parametrize("value", [1, True, {}, [1], [None], ["a", ["b"]]])
def test_flt_24_a_granted_scope_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(ProviderProtocolError, match="the granted scope is neither"):
        token_of(scope=value)


@pytest.mark.parametrize("value", ["a\0", "a \ud800", "a \x1b[2J", "é", "a\x7f", ["a", "b\0"], "a" * 16_385, 1, {}])
def test_flt_24_a_granted_scope_that_not_every_database_can_keep_is_refused_and_loses_no_rotated_token(
    value: Any,
) -> None:
    with pytest.raises(ProviderProtocolError, match="or none that can be kept"):
        token_of(scope=value)
    assert "scope" not in read_token({**TOKEN, "scope": value}, acme, on_refresh=True)


MALFORMED = [1, 0, True, False, [], {}, "a b", "a\r\nb", "\xe9", "a" * 65_537]


def left_out(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what the log says of the answer to a refresh."""
    assert all(record.levelname == "WARNING" for record in caplog.records)
    return [record.getMessage() for record in caplog.records if record.name == "authkit.replies"]


@pytest.mark.parametrize("value", MALFORMED)
def test_ref_02_a_rotated_token_is_kept_whatever_the_id_token_beside_it(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reply = {**TOKEN, "id_token": value}
    with pytest.raises(ProviderProtocolError, match="id_token"):
        read_token(reply, acme)

    assert read_token(reply, acme, on_refresh=True) == read_token(TOKEN, acme)

    assert left_out(caplog) == ["acme: the id_token of a refresh is left out: it is malformed"]


@pytest.mark.parametrize("value", [*MALFORMED, "a" * 8193])
def test_ref_02_a_malformed_refresh_token_costs_neither_the_access_token_nor_the_old_one(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    reply = {"access_token": "a", "refresh_token": value, "expires_in": 60, "refresh_expires_in": 120}
    with pytest.raises(ProviderProtocolError, match="refresh_token"):
        read_token(reply, acme)

    token = read_token(reply, acme, on_refresh=True)

    assert token == {"token_type": "Bearer", "access_token": "a", "expires_in": 60}
    assert left_out(caplog) == ["acme: the refresh_token of a refresh is left out: it is malformed"]


def test_all_that_is_malformed_in_a_refresh_is_named(caplog: pytest.LogCaptureFixture) -> None:
    reply = {"access_token": "a", "refresh_token": 1, "id_token": 2, "scope": 3}

    assert read_token(reply, acme, on_refresh=True) == {"token_type": "Bearer", "access_token": "a"}

    assert [line.split()[2] for line in left_out(caplog)] == ["id_token", "refresh_token", "scope"]


def test_nothing_is_said_of_what_a_refresh_leaves_out_itself(caplog: pytest.LogCaptureFixture) -> None:
    reply = {"access_token": "a", "refresh_token": "", "id_token": None, "scope": None, "refresh_expires_in": 120}

    token = read_token(reply, acme, on_refresh=True)

    assert token == {"token_type": "Bearer", "access_token": "a", "refresh_expires_in": 120}
    assert left_out(caplog) == []


@pytest.mark.parametrize("changed", [{"access_token": 1}, {"access_token": "a b"}, {"token_type": "DPoP"}])
def test_an_access_token_that_must_not_be_used_is_refused_on_a_refresh_too(changed: dict[str, Any]) -> None:
    with pytest.raises(ProviderProtocolError):
        read_token({**TOKEN, **changed}, acme, on_refresh=True)


@pytest.mark.parametrize("value", [None, "", " ", 0, 123, True, [], ["a"], {}, 1.5])
def test_flt_12_a_token_answer_without_the_users_id_is_refused(value: Any) -> None:
    reply = {**TOKEN, "open_id": value}

    with pytest.raises(ProviderProtocolError, match="the token answer has no open_id"):
        read_token(reply, OPEN)
    assert "subject" not in read_token(reply, OPEN, on_refresh=True)
    assert "subject" not in read_token(reply, acme)


@given(st.dictionaries(KEYS | st.text(), JSON, max_size=8), st.booleans())
def test_any_token_answer_is_a_token_or_a_protocol_error(reply: dict[str, Any], on_refresh: bool) -> None:
    try:
        token = read_token({"access_token": "a", **reply}, OPEN, on_refresh=on_refresh)
    except ProviderProtocolError:
        return
    assert set(token) <= {
        *("token_type", "access_token", "refresh_token", "scope", "subject"),
        *("expires_in", "refresh_expires_in"),
    }
    assert json.loads(json.dumps(token)) == token


def test_a_description_made_to_be_slow_to_search_costs_nothing() -> None:
    code = "a" * 4000 + "b"
    began = time.thread_time()
    error = refusal_error(Refusal("invalid_grant", "a" * 1_000_000), 400, [Secret(code)])
    assert error.reason == "invalid_grant: (1000000 characters)"
    assert time.thread_time() - began < 2


# What a plugin's function makes of it


def nonsense(data: str) -> str:
    raise ProviderProtocolError(f"no {data}")


def test_an_error_of_a_plugin_s_function_names_it_and_stays_fit_for_the_log() -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        answer_of(nonsense, str, "sense\n")
    assert caught.value.reason == r"no sense\\n; in the plugin's function test_replies.nonsense"

    with pytest.raises(ProviderProtocolError) as caught:
        answer_of(nonsense, str, "x" * 490)
    assert len(caught.value.reason) == 500


def test_an_error_of_a_function_of_ours_names_no_function() -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        answer_of(read_token, dict, {}, acme)
    assert caught.value.reason == "the token answer has no access_token"


def test_what_has_no_name_of_its_own_is_not_named() -> None:
    with pytest.raises(ProviderProtocolError) as caught:
        answer_of(partial(nonsense), str, "sense")
    assert caught.value.reason == "no sense"


@pytest.mark.parametrize("on_refresh", [True, False])
def test_an_id_token_may_be_longer_than_other_tokens(on_refresh: bool) -> None:
    reply = {**TOKEN, "id_token": "a" * 65_536}

    assert read_token(reply, acme, on_refresh=on_refresh)["id_token"] == reply["id_token"]
    with pytest.raises(ProviderProtocolError, match="the id_token is too long"):
        read_token({**reply, "id_token": "a" * 65_537}, acme)


def test_a_method_of_a_built_in_type_may_be_a_plugin_s_function() -> None:
    known = {"1000001": "Ada"}
    assert known.get.__module__ is None

    assert answer_of(known.get, str, "1000001") == "Ada"
    with pytest.raises(ProviderProtocolError) as caught:
        answer_of(known.get, str, "1000002")
    assert caught.value.reason == "the plugin returned a NoneType, not a str"
