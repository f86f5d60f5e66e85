"""Provider events: what the core makes of a delivery, whatever the plugin does."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from acme_events import NOW, AcmeEvents, event_body, signed
from fakes import CLIENT_SECRET, Clock, acme, make_kit, plugins_with
from hypothesis import given
from hypothesis import strategies as st

from authkit import AuthKit, ProviderEvent
from authkit.errors import (
    AuthkitError,
    ConfigError,
    InvalidRequest,
    ProviderProtocolError,
    ProviderUnavailable,
    StoreUnavailable,
    UnknownProvider,
    WebhookRejected,
)
from authkit.events import MAX_BODY, Received, accepted, receive, rejected

DAY = 24 * 3600
EVENT = ProviderEvent(
    "happened", "acme-client", "user-1", datetime.fromtimestamp(NOW, timezone.utc), registration="acme"
)


class World:
    """A kit whose provider has webhooks."""

    def __init__(self, reader: Any = None, **settings: str) -> None:
        self.clock = Clock()
        self.reader = reader or AcmeEvents()
        own = {f"authkit.{name.replace('__', '.')}": value for name, value in settings.items()}
        self.kit = make_kit(settings=own, provider=replace(acme, events=self.reader), clock=self.clock)

    def receive(self, body: bytes | None = None, **options: Any) -> Received:
        body = event_body() if body is None else body
        return receive(self.kit, "acme", signed(body, **options), body)

    def refuse(self, body: bytes | None = None, kind: type[AuthkitError] = WebhookRejected, **options: Any) -> str:
        error = refuse(kind, lambda: self.receive(body, **options))
        assert error.registration == "acme"
        return error.reason


def refuse(kind: type[AuthkitError], call: Callable[[], object]) -> AuthkitError:
    """Return the error of `call`, which is of `kind`, and holds nothing of another exception."""
    with pytest.raises(kind) as caught:
        call()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)
    return caught.value


class Fixed:
    """A plugin's reader that does as it is told."""

    def __init__(self, verify: Any = NOW, read: Any = EVENT) -> None:
        self._verify, self._read = verify, read

    def verify(self, *_: object) -> Any:
        return _answer(self._verify)

    def read(self, _: bytes) -> Any:
        return _answer(self._read)


def _answer(answer: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return answer


# What is received


def test_whk_01_what_is_signed_is_received() -> None:
    world = World()

    received = world.receive(event_body(reason="why", content={"a": [1]}))

    assert received == Received(
        event=ProviderEvent(
            name="gone",
            client="acme-client",
            subject="user-1",
            created_at=datetime.fromtimestamp(NOW, timezone.utc),
            ends_authorization=True,
            reason="why",
            content={"a": (1,)},
            registration="acme",
        ),
        key=received.key,
        is_late=False,
        correlation_id=received.correlation_id,
    )
    assert re.fullmatch("[0-9a-f]{64}", received.key)
    assert re.fullmatch("[0-9a-f]{16}", received.correlation_id)
    assert world.reader.asked == ["verify", "read"]


def test_what_is_received_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        World().receive().is_late = True  # type: ignore[misc]


def test_a_plugin_does_not_say_which_registration_it_was() -> None:
    reader = Fixed(read=replace(EVENT, registration="other"))

    assert World(reader).receive().event.registration == "acme"


@pytest.mark.parametrize("name", ["acme", "nobody", "", "webhook"])
def test_an_unknown_registration_or_one_without_events_is_unknown(name: str) -> None:
    kit = make_kit()

    error = refuse(UnknownProvider, lambda: receive(kit, name, {}, b""))

    assert (error.registration, error.reason) == (
        name,
        f"no registration is named {name!r}, or its provider sends no events",
    )


def test_a_provider_of_its_own_kind_may_have_events() -> None:
    class Own:
        name, title, default_scope = "own", "Own", ()
        events: Any = AcmeEvents()

        def client(self, *_: object) -> Any:
            return None

    settings = {"authkit.own.client_id": "own-client", "authkit.own.client_secret": "s"}
    kit, body = make_kit(settings=settings, plugins=plugins_with(acme, Own())), event_body(client="own-client")

    assert receive(kit, "own", signed(body, secret="s"), body).event.client == "own-client"
    Own.events = None
    refuse(UnknownProvider, lambda: receive(kit, "own", signed(body, secret="s"), body))


def test_a_client_without_a_secret_has_no_webhook_because_anybody_could_sign() -> None:
    reader = AcmeEvents()
    public = replace(acme, token_auth="none", events=reader)
    kit, body = make_kit(settings={"authkit.acme.client_secret": None}, provider=public), event_body()

    error = refuse(WebhookRejected, lambda: receive(kit, "acme", signed(body, secret=""), body))

    assert error.reason == "the registration has no client secret, so that anybody could sign"
    assert reader.asked == []


@pytest.mark.parametrize("size", [MAX_BODY + 1, 1_000_000])
def test_a_body_that_is_too_long_is_not_even_verified(size: int) -> None:
    world = World()

    assert world.refuse(b"x" * size, InvalidRequest) == "the body is longer than 65536 bytes"
    assert refuse(InvalidRequest, lambda: world.receive(b"x" * size)).status == 413
    assert world.reader.asked == []


def test_a_body_may_be_as_long_as_that() -> None:
    body = event_body(content={"a": ""})
    body = event_body(content={"a": "x" * (MAX_BODY - len(body))})

    assert len(body) == MAX_BODY
    assert World().receive(body).event.name == "gone"


# The headers


@pytest.mark.parametrize("name", ["Acme-Signature", "acme-signature", "ACME-SIGNATURE", "aCmE-sIgNaTuRe"])
def test_names_of_headers_come_in_any_case(name: str) -> None:
    body = event_body()
    (value,) = signed(body).values()

    assert receive(World().kit, "acme", {"Host": "app.example", name: value}, body).event.name == "gone"


def test_a_header_that_is_there_twice_is_shown_to_the_plugin_as_both() -> None:
    body, seen = event_body(), []

    class Reader(AcmeEvents):
        def verify(self, headers: Mapping[str, str], *_: Any) -> int:
            seen.append(headers)
            raise WebhookRejected("no")

    refuse(WebhookRejected, lambda: receive(World(Reader()).kit, "acme", {"X-A": "1", "x-a": "2", "B": ""}, body))

    assert seen == [{"x-a": "1, 2", "b": ""}]


# The signature


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Acme-Signature": ""},
        {"Acme-Signature": "garbage"},
        signed(b"other"),
        signed(event_body(), secret="other"),
        {"Acme-Signature": signed(event_body())["Acme-Signature"].replace(str(NOW), str(NOW + 1))},
    ],
)
def test_whk_02_whk_03_without_a_good_signature_nothing_of_the_body_is_read(headers: Mapping[str, str]) -> None:
    world = World()

    error = refuse(WebhookRejected, lambda: receive(world.kit, "acme", headers, event_body()))

    assert (error.reason, error.status, world.reader.asked) == ("the signature is wrong", 401, ["verify"])
    assert CLIENT_SECRET not in str(error)


@pytest.mark.parametrize("age", [299, 0, -60])
def test_whk_04_a_signature_holds_for_the_tolerance(age: int) -> None:
    assert World().receive(at=NOW - age).is_late is False


@pytest.mark.parametrize("age", [300, 301, DAY, NOW])
def test_clk_04_a_signature_of_exactly_the_tolerance_is_too_old(age: int) -> None:
    world = World()

    assert world.refuse(at=NOW - age) == "it was signed too long ago; authkit.webhook.tolerance is 300 s"
    assert world.reader.asked == ["verify"]


@pytest.mark.parametrize("tolerance", ["1", "60", "9999999"])
def test_whk_04_the_tolerance_is_a_setting(tolerance: str) -> None:
    world = World(webhook__tolerance=tolerance)

    assert world.receive(at=NOW - int(tolerance) + 1).is_late is False
    assert world.refuse(at=NOW - int(tolerance)).endswith(f"tolerance is {tolerance} s")


@pytest.mark.parametrize("accept_late", ["no", "yes"])
@pytest.mark.parametrize("ahead", [61, 3600, 10**12, 10**400])
def test_a_signature_of_the_future_is_refused_late_or_not(ahead: int, accept_late: str) -> None:
    world = World(Fixed(verify=NOW + ahead), webhook__accept_late=accept_late)

    assert world.refuse() == "it was signed in the future: a clock is wrong"


@pytest.mark.parametrize(
    ("age", "is_late"), [(0, False), (299, False), (300, True), (DAY, True), (7 * DAY - 1, True)]
)
def test_a_late_delivery_is_taken_where_the_settings_say_so(age: int, is_late: bool) -> None:
    assert World(webhook__accept_late="yes").receive(at=NOW - age).is_late is is_late


@pytest.mark.parametrize("age", [7 * DAY, 30 * DAY, NOW])
def test_a_delivery_later_than_a_week_is_a_replay(age: int) -> None:
    assert World(webhook__accept_late="yes").refuse(at=NOW - age).startswith("it was signed too long ago")


def test_a_tolerance_of_more_than_a_week_holds_for_late_ones_too() -> None:
    world = World(webhook__accept_late="yes", webhook__tolerance=str(10 * DAY))

    assert world.receive(at=NOW - 8 * DAY).is_late is False
    assert world.refuse(at=NOW - 10 * DAY).startswith("it was signed too long ago")


def test_the_age_goes_by_the_kit_s_clock() -> None:
    world = World()
    world.clock.now += 299.9
    assert world.receive().is_late is False

    world.clock.now += 0.1
    assert world.refuse().startswith("it was signed too long ago")


# The event


@pytest.mark.parametrize("client", ["other-client", "ACME-CLIENT", "", "acme-client "])
def test_whk_09_an_event_for_another_client_is_refused(client: str) -> None:
    assert World().refuse(event_body(client=client)) == "the event is for another client"


@pytest.mark.parametrize("subject", ["", " ", "\u00a0"])
def test_an_authorization_of_nobody_does_not_end(subject: str) -> None:
    assert World().refuse(event_body(subject=subject)) == "the event ends the authorization of nobody"
    assert World().receive(event_body("happened", subject=subject)).event.subject == subject


# The key


def test_whk_05_a_delivery_that_is_signed_anew_has_the_same_key() -> None:
    world = World(webhook__accept_late="yes")
    keys = {world.receive(at=NOW - age).key for age in (0, 1, 200, 300, DAY)}
    respelled = event_body().replace(b": ", b":  ").replace(b"user-1", b"\\u0075ser-1")

    assert keys == {world.receive(respelled).key}
    assert len({world.receive().correlation_id for _ in range(9)}) == 9


def test_another_event_has_another_key() -> None:
    world = World()
    bodies = [
        event_body(),
        event_body("happened"),
        event_body(subject="user-2"),
        event_body(at=NOW + 1),
        event_body(content={"a": 1}),
        event_body(content={"a": "1"}),
        event_body(content={"a": [1]}),
        event_body("x", subject="yz"),
        event_body("xy", subject="z"),
    ]

    assert len({world.receive(body).key for body in bodies}) == len(bodies)


def test_two_registrations_have_each_their_own_key() -> None:
    settings = {
        "authkit.twin.provider": "acme",
        "authkit.twin.client_id": "acme-client",
        "authkit.twin.client_secret": "s",
    }
    kit = make_kit(settings=settings, provider=replace(acme, events=AcmeEvents()))
    body = event_body()

    assert receive(kit, "twin", signed(body, secret="s"), body).key != receive(kit, "acme", signed(body), body).key


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=4))
def test_the_order_of_the_content_does_not_matter(content: dict[str, Any]) -> None:
    world = World()
    backwards = dict(reversed(content.items()))

    assert world.receive(event_body(content=content)).key == world.receive(event_body(content=backwards)).key


def test_a_key_is_made_of_any_content_and_of_the_moment_whatever_its_zone() -> None:
    moment = EVENT.created_at
    event = replace(EVENT, content={"at": moment, "text": "\ud800"})
    elsewhere = replace(event, created_at=moment.astimezone(timezone(timedelta(hours=9))))

    assert World(Fixed(read=event)).receive().key == World(Fixed(read=elsewhere)).receive().key


# Plugins that misbehave


@pytest.mark.parametrize("step", ["verify", "read"])
@pytest.mark.parametrize(
    "raised",
    [ZeroDivisionError("canary"), KeyError("canary"), RecursionError(), UnicodeDecodeError("utf-8", b"", 0, 1, "x")],
)
def test_plg_08_whatever_a_plugin_raises_is_a_delivery_that_makes_no_sense(step: str, raised: Exception) -> None:
    reason = World(Fixed(**{step: raised})).refuse()

    assert re.fullmatch(rf"{type(raised).__name__} at test_events.py:\d+ while reading the provider's answer", reason)


@pytest.mark.parametrize("raised", [ConfigError("why"), ProviderProtocolError("why")])
def test_plg_08_an_error_of_ours_that_makes_no_sense_here_is_one_too(raised: AuthkitError) -> None:
    assert World(Fixed(read=raised)).refuse().endswith("why")


def test_a_plugin_may_say_that_it_cannot_tell_now() -> None:
    assert World(Fixed(verify=ProviderUnavailable("no keys"))).refuse(None, ProviderUnavailable) == "no keys"


@pytest.mark.parametrize("answer", [None, True, 1.5, "1800000000", object()])
def test_plg_08_a_time_of_another_type_is_refused(answer: Any) -> None:
    assert World(Fixed(verify=answer)).refuse() == f"the plugin returned a {type(answer).__name__}, not a int"


@pytest.mark.parametrize("answer", [None, {}, "event", ("a",)])
def test_plg_08_an_event_of_another_type_is_refused(answer: Any) -> None:
    reason = World(Fixed(read=answer)).refuse()

    assert reason == f"the plugin returned a {type(answer).__name__}, not a ProviderEvent"


@pytest.mark.parametrize("changes", [{"created_at": None}, {"created_at": 1800000000}, {"content": {1: 1, "a": 2}}])
def test_plg_08_an_event_with_members_of_other_types_is_refused(changes: Mapping[str, Any]) -> None:
    assert "Error at " in World(Fixed(read=replace(EVENT, **changes))).refuse()


def test_plg_08_an_event_with_control_characters_is_refused() -> None:
    assert World().refuse(event_body("gone\r\nSet-Cookie: x")).startswith("a text of the event is of another type")


def test_the_example_for_plugin_authors_works() -> None:
    page = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")
    example = page.partition("## Events\n")[2].partition("```python\n")[2].partition("\n\n\nacme = ")[0]
    names: dict[str, Any] = {}
    exec(example, names)
    world = World(names["AcmeEvents"]())
    said = {"name": "disconnected", "client_id": "acme-client", "user_id": "user-1", "at": NOW}

    event = world.receive(json.dumps(said).encode()).event

    assert event == replace(EVENT, name="disconnected", ends_authorization=True, content=said)
    assert refuse(WebhookRejected, lambda: receive(world.kit, "acme", {}, b"{}")).reason == "the signature is wrong"


# The log


def test_g_7_a_delivery_that_was_taken_is_one_audit_record(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = World(webhook__accept_late="yes")
    received = world.receive(event_body("it happened/code=x", content={"a": "canary"}), at=NOW - 300)

    accepted(world.kit, received, is_new=True)
    accepted(world.kit, replace(received, is_late=False), is_new=False)

    ref = f"ref={received.correlation_id}"
    line = f"outcome=success code=ok provider=acme registration=acme {ref} event=it%20happened%2Fcode%3Dx"
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        ("authkit.audit", "INFO", f"{line} new=yes late=yes"),
        ("authkit.audit", "INFO", f"{line} new=no late=no"),
    ]


@pytest.mark.parametrize(
    ("name", "told"), [("acme", "provider=acme registration=acme"), ("x\ny", "provider=- registration=-")]
)
def test_g_7_a_delivery_that_was_refused_is_one_audit_record(
    name: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    observed: list[AuthkitError] = []

    def note(error: AuthkitError) -> None:
        observed.append(error)

    plugins = plugins_with(acme, authkit_login_failed=note)
    kit: AuthKit = make_kit(plugins=plugins)
    error = StoreUnavailable("why\nnot", registration=name)

    rejected(kit, error)
    rejected(kit, WebhookRejected(registration=name))

    (first, second) = caplog.messages
    assert (
        first == f"outcome=failure code=store_unavailable {told} ref={error.correlation_id} event=- cause=why\\nnot"
    )
    assert second.endswith("event=- cause=-")
    assert {(record.name, record.levelname) for record in caplog.records} == {("authkit.audit", "WARNING")}
    assert observed == []
