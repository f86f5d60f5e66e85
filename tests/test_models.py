"""The values of a login: frozen, checked, and silent about secrets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import datetime, timezone
from pprint import pformat
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit import Identity, Login, Profile, ProviderEvent, Secret, Token
from authkit.errors import ProviderProtocolError
from authkit.models import freeze, is_plain, traceback_without

CANARY = "canary-access-token"
NOON = datetime(2027, 1, 15, 12, tzinfo=timezone.utc)
TOKEN = Token(Secret(CANARY), Secret("canary-refresh-token"), scope=("profile",), subject="user-1")
PROFILE = Profile("user-1", raw={"id": "user-1"})
LOGIN = Login(
    registration="acme",
    identity=Identity("acme", "acme-client", "user-1"),
    profile=PROFILE,
    token=TOKEN,
    granted_scopes=("profile",),
    missing_scopes=(),
    return_to="/",
    correlation_id="0123456789abcdef",
)


def test_a_secret_gives_its_text_only_when_asked() -> None:
    secret = Secret(CANARY)

    assert secret.reveal() == CANARY
    assert {repr(secret), str(secret), f"{secret}", "%r" % (secret,)} == {"<secret: call .reveal()>"}  # noqa: UP031


def test_a_secret_equals_the_same_text_and_nothing_else() -> None:
    assert Secret(CANARY) == Secret(CANARY) == CANARY
    assert Secret(CANARY) != Secret("other")
    assert Secret(CANARY) != "other"
    assert Secret("1") != 1
    assert (Secret("1") == 1) is False
    assert Secret("é\ud800") == "é\ud800"
    assert len({Secret(CANARY), Secret(CANARY), Secret("other")}) == 2


def test_an_empty_secret_is_false() -> None:
    assert not Secret("")
    assert Secret("x")


EVENT = ProviderEvent("something.happened", "acme-client", "user-1", NOON, content={"raw": "canary"})


@pytest.mark.parametrize("value", [TOKEN, PROFILE, LOGIN, EVENT], ids=["token", "profile", "login", "event"])
@pytest.mark.parametrize("show", [repr, str, pformat, "{}".format], ids=["repr", "str", "pformat", "format"])
def test_lek_02_no_value_shows_a_secret_or_what_the_provider_sent(
    value: object, show: Callable[[object], str]
) -> None:
    assert "canary" not in show(value)
    assert "raw" not in show(value)


@pytest.mark.parametrize("dump", [repr, lambda fields: json.dumps(fields, default=str)], ids=["repr", "json"])
def test_lek_02_a_dump_of_a_token_shows_no_secret(dump: Callable[[object], str]) -> None:
    assert "canary" not in dump(dataclasses.asdict(TOKEN))


@pytest.mark.parametrize(
    ("value", "field"),
    [(TOKEN, "scope"), (PROFILE, "subject"), (LOGIN, "token"), (LOGIN.identity, "subject"), (EVENT, "name")],
)
def test_plg_12_every_value_is_frozen(value: object, field: str) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)


def test_plg_12_what_the_provider_sent_is_read_only_and_a_copy() -> None:
    sent: dict[str, Any] = {"id": "user-1", "tags": ["a", {"b": 1}]}
    profile = Profile("user-1", raw=sent)
    sent["tags"][1]["b"] = 2

    assert profile.raw["tags"][1] == {"b": 1}
    assert profile.raw["tags"][0] == "a"
    with pytest.raises(TypeError):
        profile.raw["id"] = "user-2"  # type: ignore[index]


def test_freezing_makes_tuples_of_lists() -> None:
    assert freeze({"a": [1, (2, [3])], "b": "text"}) == {"a": (1, (2, (3,))), "b": "text"}


def test_a_profile_holds_what_it_is_given() -> None:
    profile = Profile(
        subject="user-1",
        display_name="Ada\x00 L\ud800ovelace",
        username="ada",
        avatar_url="https://cdn.example/a.png",
        email="ada@example.org",
        email_verified=True,
        union_id="union-1",
    )

    assert (profile.subject, profile.display_name, profile.username) == ("user-1", "Ada Lovelace", "ada")
    assert (profile.email, profile.email_verified) == ("ada@example.org", True)
    assert (profile.avatar_url, profile.union_id) == ("https://cdn.example/a.png", "union-1")


def test_a_profile_needs_a_subject_only() -> None:
    profile = Profile("user-1")

    assert (profile.display_name, profile.username, profile.avatar_url, profile.email) == (None, None, None, None)
    assert (profile.email_verified, profile.union_id, profile.raw) == (False, None, {})


@pytest.mark.parametrize("subject", ["", " ", "\t\u00a0", "a\x00", "a\nb", "\ud800", "x" * 256])
def test_flt_11_a_subject_that_cannot_be_a_key_is_refused(subject: str) -> None:
    with pytest.raises(ProviderProtocolError, match="the subject is empty, too long"):
        Profile(subject)


@pytest.mark.parametrize("subject", [None, 0, 123, True, 1.5, [], ["a"], {}, b"a"])
def test_flt_12_a_subject_of_another_type_is_never_converted(subject: Any) -> None:
    with pytest.raises(ProviderProtocolError, match=f"the subject must be text, got {type(subject).__name__}$"):
        Profile(subject)


def test_the_subject_is_kept_byte_for_byte() -> None:
    assert Profile(" Üser-1 ").subject == " Üser-1 "
    assert Profile("x" * 255).subject == "x" * 255


def test_the_subject_is_measured_in_bytes() -> None:
    assert Profile("\U0001f600" * 63).subject == "\U0001f600" * 63
    with pytest.raises(ProviderProtocolError, match="the subject is empty, too long"):
        Profile("\U0001f600" * 64)


@pytest.mark.parametrize("field", ["display_name", "username", "avatar_url", "email", "union_id"])
def test_a_field_that_is_no_text_is_refused(field: str) -> None:
    fields: dict[str, Any] = {field: 1}
    with pytest.raises(ProviderProtocolError, match=f"the profile's {field} must be text, got int"):
        Profile("user-1", **fields)


@pytest.mark.parametrize("raw", [None, [], "raw", 5])
def test_plg_08_what_the_provider_sent_is_a_mapping(raw: Any) -> None:
    with pytest.raises(
        ProviderProtocolError, match=f"the profile's raw must be a mapping, got {type(raw).__name__}$"
    ):
        Profile("user-1", raw=raw)


@pytest.mark.parametrize(("text", "kept"), [("", None), ("\x00\x1b", None), ("x" * 3000, "x" * 2000), ("é", "é")])
def test_a_field_is_cleaned(text: str, kept: str | None) -> None:
    assert Profile("user-1", display_name=text).display_name == kept


@pytest.mark.parametrize(
    ("email", "verified", "expected"),
    [("a@b.example", True, True), ("a@b.example", "true", False), ("a@b.example", 1, False), (None, True, False)],
)
def test_acc_03_an_address_is_verified_only_if_the_provider_says_so_in_so_many_words(
    email: str | None, verified: Any, expected: bool
) -> None:
    assert Profile("user-1", email=email, email_verified=verified).email_verified is expected


@given(st.text())
def test_plain_text_goes_through_utf_8_and_prints_on_one_line(text: str) -> None:
    if is_plain(text):
        assert text.encode("utf-8").decode("utf-8") == text
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 for char in text)


def test_an_address_is_not_verified_unless_the_provider_says_so() -> None:
    assert Profile("user-1", email="a@b.example").email_verified is False


def test_a_token_may_have_nothing_but_an_access_token() -> None:
    token = Token(Secret("a"))

    assert dataclasses.astuple(token) == ("a", None, None, None, (), None, None)


def test_a_token_says_when_it_ends() -> None:
    end = datetime(2027, 1, 15, 9, tzinfo=timezone.utc)
    assert Token(Secret("a"), expires_at=end).expires_at == end


@pytest.mark.parametrize("name", ["expires_at", "refresh_expires_at"])
@pytest.mark.parametrize("end", [0, 3600, "2027-01-15", True, NOON.date()], ids=repr)
def test_plg_08_an_end_that_is_no_moment_is_refused(name: str, end: Any) -> None:
    fields: dict[str, Any] = {name: end}
    with pytest.raises(ProviderProtocolError, match="the token's ends must be of type datetime"):
        Token(Secret("a"), **fields)


@pytest.mark.parametrize("subject", [0, 5, b"user-1", ["user-1"]])
def test_plg_08_the_subject_of_a_token_is_text(subject: Any) -> None:
    with pytest.raises(
        ProviderProtocolError, match=f"the token's subject must be text, got {type(subject).__name__}$"
    ):
        Token(Secret("a"), subject=subject)


@pytest.mark.parametrize(
    ("parts", "key"),
    [
        (("acme", "client", "user-1"), "v1:acme:client:user-1"),
        (("https://id.example", "a b", "x:y/z%"), "v1:https%3A%2F%2Fid.example:a%20b:x%3Ay%2Fz%25"),
        (("acme", "client", "Ü~_.-"), "v1:acme:client:%C3%9C~_.-"),
    ],
)
def test_the_key_of_an_identity_never_changes(parts: tuple[str, str, str], key: str) -> None:
    assert Identity(*parts).key == key


@given(st.lists(st.tuples(*[st.from_regex(r"[ab:%]{1,3}", fullmatch=True)] * 3), min_size=2, max_size=2))
def test_two_identities_never_share_a_key(parts: list[tuple[str, str, str]]) -> None:
    one, other = (Identity(*each) for each in parts)
    assert (one.key == other.key) == (one == other)


@pytest.mark.parametrize("position", range(3))
@pytest.mark.parametrize("part", ["", " ", "a\x00", "\ud800", "x" * 256, "é" * 128])
def test_a_part_of_an_identity_that_cannot_be_a_key_is_refused(position: int, part: str) -> None:
    parts = ["acme", "client", "user-1"]
    parts[position] = part
    with pytest.raises(ProviderProtocolError, match="a part of the identity is empty, too long"):
        Identity(*parts)


def test_a_part_of_an_identity_may_have_255_bytes() -> None:
    assert Identity("x" * 255, "y" * 255, "z" * 255).key == f"v1:{'x' * 255}:{'y' * 255}:{'z' * 255}"


def test_a_traceback_is_told_without_the_tokens() -> None:
    def fail() -> None:
        raise LookupError(f"for {CANARY} and canary-refresh-token")

    with pytest.raises(LookupError) as caught:
        fail()
    told = traceback_without(TOKEN, caught.value)

    assert told.startswith("Traceback (most recent call last):\n  File ")
    assert told.endswith("\nLookupError: for [redacted] and [redacted]\n")
    assert "canary-access" not in told


@pytest.mark.parametrize("union_id", ["x" * 256, "é" * 128, "union-1\x00", "union\ud800-1"])
def test_a_union_id_that_would_have_to_be_cut_or_mended_is_none(union_id: str) -> None:
    assert Profile("user-1", union_id=union_id).union_id is None
    assert Profile("user-1", union_id="x" * 255).union_id == "x" * 255


@pytest.mark.parametrize("address", ["victim@x.example\n", "victim@x.example\0", "vic\ud800tim@x.example"])
def test_acc_11_an_address_that_would_have_to_be_mended_is_none(address: str) -> None:
    profile = Profile(subject="user-1", email=address, email_verified=True)

    assert (profile.email, profile.email_verified) == (None, False)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "//evil.example/a.png", "a.png", ""])
def test_an_avatar_that_is_no_web_address_is_none(url: str) -> None:
    assert Profile(subject="user-1", avatar_url=url).avatar_url is None


@pytest.mark.parametrize("url", ["https://a.example/x?y=1", "http://a.example/x"])
def test_an_avatar_s_address_is_kept(url: str) -> None:
    assert Profile(subject="user-1", avatar_url=url).avatar_url == url


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "profile"},
        {"scope": None},
        {"scope": (1,)},
        {"access_token": "text"},
        {"access_token": None},
        {"refresh_token": "text"},
    ],
)
def test_plg_08_a_token_of_other_types_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProviderProtocolError):
        Token(**{"access_token": Secret("a"), **wrong})


def test_an_event_needs_a_name_a_client_a_subject_and_a_time() -> None:
    event = ProviderEvent("something.happened", "acme-client", "", NOON)

    assert dataclasses.astuple(event) == ("something.happened", "acme-client", "", NOON, False, "", {}, "")


def test_plg_12_what_an_event_holds_is_read_only_and_a_copy() -> None:
    sent: dict[str, Any] = {"reason": 1, "videos": ["a"]}
    event = ProviderEvent("something.happened", "acme-client", "user-1", NOON, content=sent)
    sent["videos"].append("b")

    assert event.content == {"reason": 1, "videos": ("a",)}
    with pytest.raises(TypeError):
        event.content["reason"] = 2  # type: ignore[index]


@pytest.mark.parametrize("field", ["name", "client", "subject", "reason"])
@pytest.mark.parametrize("wrong", [None, 1, True, b"a", ["a"], "a\n", "a\x00", "\ud800", "x" * 256, "é" * 128])
def test_an_event_with_a_text_that_is_none_is_refused(field: str, wrong: Any) -> None:
    texts: dict[str, Any] = {"name": "a", "client": "b", "subject": "c", field: wrong}
    with pytest.raises(ProviderProtocolError, match="a text of the event is of another type, too long"):
        ProviderEvent(created_at=NOON, **texts)


def test_an_event_keeps_its_texts_as_they_are() -> None:
    event = ProviderEvent("x" * 255, "Ü", "", NOON, reason=" why ")

    assert (event.name, event.client, event.reason) == ("x" * 255, "Ü", " why ")
