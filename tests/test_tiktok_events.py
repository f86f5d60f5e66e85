"""TikTok's webhooks: the signature byte by byte, and the envelope member by member."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit import ProviderEvent, Secret
from authkit.errors import WebhookRejected
from authkit_tiktok.emulator import App
from authkit_tiktok.emulator.events import EXAMPLE_CONTENTS, Event, sign
from authkit_tiktok.events import TikTokEvents
from authkit_tiktok.provider import tiktok

KEY, OPEN_ID = "awexamplekey00001", "-000AbCdEfGhIjKlMnOpQrStUvWxYz01"
SECRET = Secret("example-client-secret-0123456789abcd")
SIGNED_AT = 1795219201
BODY = (
    b'{"client_key":"awexamplekey00001","event":"authorization.removed","create_time":1795219200,'
    b'"user_openid":"-000AbCdEfGhIjKlMnOpQrStUvWxYz01","content":"{\\"reason\\":1}"}'
)
MAC = "bea800cefa739160defd1fff5905dfb684d42e9609d668d4b74ce69daba55ef3"
HAPPENED_AT = datetime(2026, 11, 21, 0, 0, tzinfo=timezone.utc)

reader = TikTokEvents()


def verify(header, body=BODY, secret=SECRET):
    return reader.verify({"tiktok-signature": header}, body, secret)


def refuse_signature(header, body=BODY, secret=SECRET):
    with pytest.raises(WebhookRejected) as caught:
        verify(header, body, secret)
    assert MAC not in caught.value.reason
    assert SECRET.reveal() not in caught.value.reason
    return caught.value.reason


def envelope(**changes):
    """The envelope of the test vector, changed; ... takes a member away."""
    usual = {
        "client_key": KEY,
        "event": "authorization.removed",
        "create_time": 1795219200,
        "user_openid": OPEN_ID,
        "content": '{"reason":1}',
    }
    return json.dumps({name: value for name, value in (usual | changes).items() if value is not ...}).encode()


def refuse(body):
    with pytest.raises(WebhookRejected) as caught:
        reader.read(body)
    assert caught.value.__context__ is None
    return caught.value.reason


def test_the_plugin_reads_webhooks():
    assert isinstance(tiktok.events, TikTokEvents)


# The signature


def test_whk_01_the_test_vector_is_verified_and_read():
    assert verify(f"t={SIGNED_AT},s={MAC}") == SIGNED_AT
    assert reader.read(BODY) == ProviderEvent(
        name="authorization.removed",
        client=KEY,
        subject=OPEN_ID,
        created_at=HAPPENED_AT,
        ends_authorization=True,
        reason="the user disconnected the app",
        content={"reason": 1},
    )


@pytest.mark.parametrize("name", EXAMPLE_CONTENTS)
def test_what_the_emulator_signs_is_verified_and_read(name):
    app = App(KEY, SECRET.reveal())
    event = Event(
        app, name, SIGNED_AT, "" if name == "portability.download.ready" else OPEN_ID, EXAMPLE_CONTENTS[name]
    )

    assert verify(sign(SECRET.reveal(), SIGNED_AT, event.body()), event.body()) == SIGNED_AT
    assert reader.read(event.body()).content == dict(EXAMPLE_CONTENTS[name])


@pytest.mark.parametrize(
    "header",
    [
        f"s={MAC},t={SIGNED_AT}",
        f" t={SIGNED_AT} , s={MAC} ",
        f"t = {SIGNED_AT},\ts = {MAC}",
        f"t={SIGNED_AT},s={MAC.upper()}",
        f"t={SIGNED_AT},s={MAC},v=1",
        f"t={SIGNED_AT},s={MAC},",
    ],
)
def test_the_header_may_be_written_in_other_ways(header):
    assert verify(header) == SIGNED_AT


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "there is no TikTok-Signature"),
        ("garbage", "the TikTok-Signature has no t"),
        (",", "the TikTok-Signature has no t"),
        (MAC, "the TikTok-Signature has no t"),
        ("t=", "the TikTok-Signature has no t"),
        (f"t={SIGNED_AT}", "the TikTok-Signature has no s"),
        (f"t={SIGNED_AT},s=", "the TikTok-Signature has no s"),
        (f"s={MAC}", "the TikTok-Signature has no t"),
        (f"t=,s={MAC}", "the TikTok-Signature has no t"),
        (f"T={SIGNED_AT},S={MAC}", "the TikTok-Signature has no t"),
        (f"t={SIGNED_AT};s={MAC}", "the TikTok-Signature has no t"),
        (f"t={SIGNED_AT},t={SIGNED_AT},s={MAC}", "the TikTok-Signature has no t"),
        (f"t={SIGNED_AT},t=1,s={MAC}", "the TikTok-Signature has no t"),
        (f"t={SIGNED_AT},s={MAC},s={MAC}", "the TikTok-Signature has no s"),
        (f"t={SIGNED_AT},s={'0' * 64},s={MAC}", "the TikTok-Signature has no s"),
        (f"t={SIGNED_AT},s={MAC}, t={SIGNED_AT},s={MAC}", "the TikTok-Signature has no t"),
        *(
            (f"t={text},s={MAC}", "the TikTok-Signature has no t")
            for text in ("-1", "+1", "1.0", "1_0", "0", "01", "1e9", "0x10", "1 0", "\uff11", "\u0661", "\u00b2", "x")
        ),
        (f"t={'9' * 13},s={MAC}", "the TikTok-Signature has no t"),
        (f"t={'9' * 5000},s={MAC}", "the TikTok-Signature has no t"),
        *(
            (f"t={SIGNED_AT},s={text}", "the TikTok-Signature has no s")
            for text in (MAC[:-1], MAC + "0", MAC[:-2], "g" * 64, "\uff10" * 64, "é" * 64, "\ud800", f"0x{MAC[2:]}")
        ),
        (f"t={SIGNED_AT},s={MAC[:40]}", "the TikTok-Signature has no s"),
    ],
)
def test_whk_02_a_missing_or_broken_header_is_refused(header, reason):
    assert refuse_signature(header).startswith(reason)


def test_whk_02_no_header_at_all_is_refused():
    with pytest.raises(WebhookRejected, match="there is no TikTok-Signature"):
        reader.verify({"signature": f"t={SIGNED_AT},s={MAC}"}, BODY, SECRET)


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        (f"t={SIGNED_AT + 1},s={MAC}", SECRET),
        (f"t={SIGNED_AT},s={MAC}", Secret("another-client-secret")),
        (f"t={SIGNED_AT},s={MAC}", Secret("")),
        (f"t={SIGNED_AT},s={'0' * 64}", SECRET),
        (f"t={SIGNED_AT},s={MAC[1:]}0", SECRET),
        (f"t={SIGNED_AT},s={MAC[:-1]}4", SECRET),
        (f"t={SIGNED_AT},s=4{MAC[1:]}", SECRET),
        (f"t={SIGNED_AT},s={hashlib.sha256(BODY).hexdigest()}", SECRET),
        (f"t={SIGNED_AT},s={hmac.digest(SECRET.reveal().encode(), BODY, 'sha256').hex()}", SECRET),
    ],
    ids=[
        "other-time",
        "other-secret",
        "no-secret",
        "zeros",
        "shifted",
        "last-digit",
        "first-digit",
        "no-hmac",
        "no-time",
    ],
)
def test_whk_03_a_wrong_signature_is_refused(header, secret):
    assert refuse_signature(header, secret=secret).startswith("the signature is wrong")


@pytest.mark.parametrize("algorithm", ["sha3_256", "blake2s"])
def test_whk_03_the_hex_of_another_algorithm_is_refused(algorithm):
    mac = hmac.new(SECRET.reveal().encode(), b"%d." % SIGNED_AT + BODY, algorithm).hexdigest()

    assert len(mac) == 64
    assert refuse_signature(f"t={SIGNED_AT},s={mac}").startswith("the signature is wrong")


@pytest.mark.parametrize(
    "body",
    [
        BODY + b"\n",
        BODY + b" ",
        b"\xef\xbb\xbf" + BODY,
        BODY.replace(b'":"', b'": "'),
        BODY.replace(b"awexample", b"\\u0061wexample"),
        json.dumps(json.loads(BODY), sort_keys=True, separators=(",", ":")).encode(),
        BODY.decode().encode("utf-16"),
        b"",
    ],
    ids=["newline", "blank", "bom", "spacing", "escapes", "order", "utf-16", "empty"],
)
def test_whk_07_the_bytes_are_signed_and_not_the_meaning(body):
    assert refuse_signature(f"t={SIGNED_AT},s={MAC}", body).startswith("the signature is wrong")


@given(st.integers(0, len(BODY) - 1), st.integers(0, 255))
def test_whk_07_a_change_of_any_byte_is_noticed(position, byte):
    body = BODY[:position] + bytes([byte]) + BODY[position + 1 :]
    if body != BODY:
        refuse_signature(f"t={SIGNED_AT},s={MAC}", body)


@given(st.text(max_size=120))
def test_whk_02_no_header_breaks_the_reader(header):
    refuse_signature(header)


@pytest.mark.parametrize("secret", ["é", "\U0001f511"])
def test_a_secret_beyond_ascii_and_a_body_that_is_no_text_can_be_signed(secret):
    body = b"\xff\x00"
    mac = hmac.digest(secret.encode(), b"7." + body, "sha256").hex()

    assert verify(f"t=7,s={mac}", body, Secret(secret)) == 7


# The envelope


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (0, "unknown"),
        (1, "the user disconnected the app"),
        (2, "the user's account was deleted"),
        (3, "the user's age changed"),
        (4, "the user's account was banned"),
        (5, "the developer revoked the authorization"),
        (6, "reason 6"),
        (-1, "reason -1"),
    ],
)
def test_every_reason_for_a_removed_authorization_has_its_words(number, words):
    event = reader.read(envelope(content=json.dumps({"reason": number})))

    assert (event.ends_authorization, event.reason, event.content) == (True, words, {"reason": number})


@pytest.mark.parametrize("content", ["{}", "", None, ...])
def test_a_removed_authorization_without_a_reason_is_one_all_the_same(content):
    event = reader.read(envelope(content=content))

    assert (event.ends_authorization, event.reason, event.content) == (True, "unknown", {})


@pytest.mark.parametrize("content", ["{}", '{"share_id":"x","reason":"new"}'])
@pytest.mark.parametrize(
    "name", ["video.publish.completed", "post.publish.complete", "something.new", "authorization"]
)
def test_another_event_ends_nothing_and_an_unknown_one_is_read(name, content):
    assert reader.read(envelope(event=name, content=content, more={"x": [1]})) == ProviderEvent(
        name=name, client=KEY, subject=OPEN_ID, created_at=HAPPENED_AT, content=json.loads(content)
    )


@pytest.mark.parametrize("open_id", [..., None, ""])
def test_an_event_may_be_about_nobody_unless_it_removes_an_authorization(open_id):
    event = reader.read(envelope(event="portability.download.ready", user_openid=open_id, content='{"request_id":7}'))

    assert (event.subject, event.content) == ("", {"request_id": 7})
    assert refuse(envelope(user_openid=open_id)) == "authorization.removed without user_openid"


@pytest.mark.parametrize("member", ["client_key", "event"])
@pytest.mark.parametrize("value", [..., None, 0, 1, True, 1.5, [], ["x"], {}, {"a": "b"}])
def test_a_text_of_another_type_is_refused(member, value):
    assert refuse(envelope(**{member: value})) == f"{member} is missing, or no text"


@pytest.mark.parametrize("member", ["user_openid", "content"])
@pytest.mark.parametrize("value", [0, 1, False, True, 1.5, [], ["x"], {}, {"reason": 1}])
def test_what_may_be_missing_is_a_text_if_it_is_there(member, value):
    assert refuse(envelope(**{member: value})) == f"{member} is missing, or no text"


@pytest.mark.parametrize(
    "value", [..., None, True, False, "1795219200", 1795219200.0, 0, -1, 253402300800, 10**30, []]
)
def test_a_time_is_a_number_of_seconds(value):
    assert refuse(envelope(create_time=value)) == "create_time is no number of seconds"


def test_the_last_second_is_one_and_so_is_the_first():
    assert reader.read(envelope(create_time=253402300799)).created_at.year == 9999
    assert reader.read(envelope(create_time=1)).created_at.timestamp() == 1


@pytest.mark.parametrize("reason", ["1", None, True, 1.0, [], {}])
def test_a_reason_is_a_number(reason):
    assert refuse(envelope(content=json.dumps({"reason": reason}))) == "the reason is no number"


DEEP = b'{"a":' * 30_000 + b"1" + b"}" * 30_000


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"true",
        b"1",
        b'"x"',
        b"[]",
        b"[{}]",
        b"{",
        b"{}x",
        b"{'a': 1}",
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1,}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        b"[" * 60_000,
        DEEP,
    ],
    ids=lambda value: value[:20].decode("latin-1"),
)
def test_a_document_that_is_no_json_object_is_refused(document):
    assert refuse(document) == "the body is no JSON object"
    if document:
        text = document.decode("utf-8")
        assert refuse(envelope(content=text)) == "the content is no JSON object"


@pytest.mark.parametrize("body", [b"\xff{}", b'{"event":"\xc3"}', "{}".encode("utf-16"), "{}".encode("utf-32-le")])
def test_a_body_that_is_no_utf_8_is_refused(body):
    assert refuse(body) == "the body is no JSON object"


def test_a_member_twice_is_refused_however_it_is_written():
    assert refuse(BODY[:-1] + b',"\\u0065vent":"x"}') == "the body is no JSON object"


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps).map(str.encode)
)
def test_no_body_breaks_the_reader(body):
    refuse(body)


def test_an_event_with_another_user_is_another_event():
    assert reader.read(envelope(user_openid="x")) == replace(reader.read(BODY), subject="x")
