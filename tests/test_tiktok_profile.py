"""TikTok's user fields: asked for by granted scope, and mapped ("Get User Info", "User info scope migration")."""

from __future__ import annotations

import pytest
from fakes import answer
from tiktok_fakes import (
    ALL_SCOPES,
    BASIC,
    OPEN_ID,
    PROFILE,
    STATS,
    TOKEN,
    USER,
    USERINFO_URL,
    log_in,
    resource_error,
    scripted,
    tiktok_kit,
    user_info,
)

from authkit import Profile, Secret, Token
from authkit.errors import ProviderProtocolError, ProviderUnavailable, ScopeMissing
from authkit_tiktok.profile import FIELDS, fetch_user, map_profile

BASIC_FIELDS = "open_id,union_id,avatar_url,avatar_url_100,avatar_large_url,display_name"
PROFILE_FIELDS = "bio_description,profile_deep_link,profile_web_link,is_verified,username"
STATS_FIELDS = "follower_count,following_count,likes_count,video_count"


class Api:
    """An API that answers, or raises, one thing after the other, and keeps what it was asked."""

    userinfo_url = USERINFO_URL

    def __init__(self, *replies):
        self.replies = list(replies)
        self.asked = []

    def get_json(self, url, params=None):
        self.asked.append((url, dict(params)))
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply


def token(*scope):
    return Token(Secret("act.1"), scope=scope)


# Which fields are asked for


@pytest.mark.parametrize(
    ("scopes", "fields"),
    [
        ([BASIC], BASIC_FIELDS),
        ([BASIC, PROFILE], f"{BASIC_FIELDS},{PROFILE_FIELDS}"),
        ([STATS, BASIC], f"{BASIC_FIELDS},{STATS_FIELDS}"),
        (ALL_SCOPES, f"{BASIC_FIELDS},{PROFILE_FIELDS},{STATS_FIELDS}"),
        (["video.list", BASIC, "never.heard.of"], BASIC_FIELDS),
    ],
    ids=["basic", "profile", "stats, in whatever order", "all", "others have no fields"],
)
def test_the_fields_follow_the_granted_scopes(scopes, fields):
    api = Api(user_info())

    assert fetch_user(api, token(*scopes)) == USER
    assert api.asked == [(USERINFO_URL, {"fields": fields})]


def test_without_the_basic_scope_nothing_is_asked():
    api = Api()

    with pytest.raises(ScopeMissing, match=r"granted no user\.info\.basic"):
        fetch_user(api, token(PROFILE, STATS))
    assert api.asked == []


def test_too_much_is_asked_again_with_the_basic_fields():
    api = Api(ScopeMissing("no"), user_info())

    assert fetch_user(api, token(BASIC, PROFILE)) == USER
    assert [params["fields"] for _, params in api.asked] == [f"{BASIC_FIELDS},{PROFILE_FIELDS}", BASIC_FIELDS]


def test_the_second_refusal_is_the_last():
    api = Api(ScopeMissing("first"), ScopeMissing("second"), user_info())

    with pytest.raises(ScopeMissing, match="second"):
        fetch_user(api, token(*ALL_SCOPES))
    assert len(api.asked) == 2


def test_the_basic_fields_are_asked_for_once_only():
    api = Api(ScopeMissing("no"), user_info())

    with pytest.raises(ScopeMissing):
        fetch_user(api, token(BASIC, "video.list"))
    assert len(api.asked) == 1


def test_another_error_is_not_asked_again():
    api = Api(ProviderUnavailable("HTTP 500"), user_info())

    with pytest.raises(ProviderUnavailable):
        fetch_user(api, token(BASIC, PROFILE))
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [{}, {"data": None}, {"data": []}, {"data": {}}, {"data": {"user": None}}, {"data": {"user": [USER]}}],
    ids=str,
)
def test_an_answer_without_a_user_is_refused(reply):
    with pytest.raises(ProviderProtocolError, match="the user info has no user") as caught:
        fetch_user(Api(reply), token(BASIC))
    assert caught.value.said == "User does not exist."


# What becomes of them


def test_every_field_is_kept_and_the_usual_ones_are_mapped():
    user = {
        **USER,
        "avatar_url_100": "https://p16.example/100.jpeg",
        "avatar_large_url": "https://p16.example/large.jpeg?x-expires=1&x-signature=Zm9v%2Bb%3D",
        "bio_description": "I count loops.\nAnd I loop counts.",
        "profile_deep_link": "https://vm.tiktok.example/ZMada/",
        "profile_web_link": "https://www.tiktok.example/@ada.tok",
        "is_verified": True,
        "username": "ada.tok",
        "follower_count": 1_204_331,
        "following_count": 0,
        "likes_count": 3_000_000_000,
        "video_count": 217,
    }

    assert map_profile(user) == Profile(
        subject=OPEN_ID,
        union_id="3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10",
        display_name="Ada Tok",
        username="ada.tok",
        avatar_url="https://p16.example/large.jpeg?x-expires=1&x-signature=Zm9v%2Bb%3D",
        email=None,
        email_verified=False,
        raw=user,
    )
    assert user.keys() == {field for fields in FIELDS.values() for field in fields}


@pytest.mark.parametrize(
    ("user", "name"),
    [
        ({"display_name": "Ada Tok", "username": "ada.tok"}, "Ada Tok"),
        ({"display_name": "", "username": "ada.tok"}, "ada.tok"),
        ({"username": "ada.tok"}, "ada.tok"),
        ({"display_name": 7, "username": "ada.tok"}, "ada.tok"),
        ({"display_name": None}, None),
    ],
)
def test_the_display_name_falls_back_to_the_handle(user, name):
    assert map_profile({"open_id": OPEN_ID, **user}).display_name == name


@pytest.mark.parametrize(
    ("user", "address"),
    [
        (
            {
                "avatar_large_url": "https://l.example/",
                "avatar_url": "https://m.example/",
                "avatar_url_100": "https://s.example/",
            },
            "https://l.example/",
        ),
        ({"avatar_url": "https://m.example/", "avatar_url_100": "https://s.example/"}, "https://m.example/"),
        ({"avatar_large_url": "", "avatar_url_100": "https://s.example/"}, "https://s.example/"),
        ({}, None),
    ],
)
def test_the_largest_avatar_there_is_is_taken(user, address):
    assert map_profile({"open_id": OPEN_ID, **user}).avatar_url == address


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("union_id", 42),
        ("avatar_url", {"url": "https://x"}),
        ("display_name", ["Ada"]),
        ("bio_description", ""),
        ("username", None),
        ("is_verified", "true"),
        ("is_verified", 1),
        ("follower_count", "12"),
        ("follower_count", True),
        ("likes_count", 1.5),
    ],
)
def test_a_field_of_a_wrong_type_is_dropped(field, value):
    profile = map_profile({"open_id": OPEN_ID, field: value})

    assert profile == Profile(subject=OPEN_ID, raw={"open_id": OPEN_ID})


def test_false_and_zero_are_values():
    user = {"open_id": OPEN_ID, "is_verified": False, "video_count": 0}

    assert map_profile(user).raw == user


@pytest.mark.parametrize("subject", [None, "", " ", 7, ["x"], {"id": "x"}, "a\nb", "x" * 256])
def test_a_user_without_a_usable_open_id_is_refused(subject):
    with pytest.raises(ProviderProtocolError, match="the subject"):
        map_profile({**USER, "open_id": subject})


def test_the_open_id_is_the_subject_byte_for_byte():
    assert map_profile({"open_id": "-000aB_cD-é "}).subject == "-000aB_cD-é "


def test_there_is_no_email_whatever_is_sent():
    user = {"open_id": OPEN_ID, "email": "ada@example.com", "email_verified": True, "username": "ada@example.com"}
    profile = map_profile(user)

    assert (profile.email, profile.email_verified) == (None, False)
    assert profile.raw == {"open_id": OPEN_ID, "username": "ada@example.com"}


def test_what_tiktok_does_not_document_is_not_passed_on():
    assert map_profile({**USER, "phone": "+1", "avatar_url_200": "https://x"}).raw == USER


def test_the_raw_fields_are_read_only():
    with pytest.raises(TypeError):
        map_profile(USER).raw["open_id"] = "somebody-else"


# On the wire


def test_the_retry_reaches_the_network_once_and_the_login_stands():
    def info(request):
        if "username" in request.url:
            return answer(request, 401, resource_error("scope_not_authorized"))
        return answer(request, 200, user_info())

    network = scripted(info=info, token={**TOKEN, "scope": f"{BASIC},{PROFILE}"})
    login = log_in(tiktok_kit(network, {"authkit.tiktok.scope": f"{BASIC} {PROFILE}"}))

    assert login.profile.display_name == "Ada Tok"
    assert login.profile.username is None
    assert [sent.query for sent in network.to("info")] == [
        {"fields": f"{BASIC_FIELDS},{PROFILE_FIELDS}"},
        {"fields": BASIC_FIELDS},
    ]
    assert len(network.to("token")) == 1
