"""What the stock emulator finds out about the user info that a provider's own functions read."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from stock_world import USERINFO, World, provider

from authkit import Profile, Refusal
from authkit.emulator import StockEmulator
from authkit.errors import ConfigError
from authkit_tiktok.provider import tiktok


def users_of(**changes):
    return StockEmulator(provider(**changes)).users


def subjects(**changes):
    return [user.profile.subject for user in users_of(**changes)]


TEXTS = ["1000001", "1000002", "1000003"]
EMAILS = ["ada@people.example", "ben@people.example", "zoe@people.example"]


def nested(data):
    return Profile(subject=data["data"]["user"]["account"], display_name=data["data"]["user"]["screen_name"])


def softly_nested(data):
    return Profile(subject=data.get("payload", {}).get("member", {}).get("number"))


def checked_on_the_way(data):
    for key in ("data", "user"):
        data = data.get(key)
        if not isinstance(data, Mapping):
            raise TypeError("no user")
    return Profile(subject=data.get("open_id"), display_name=data.get("display_name"))


def in_a_list(data):
    return Profile(subject=data["response"][0]["id"])


def the_primary_email(data):
    addresses = [entry["value"] for entry in data["addresses_of_mail"] if entry["is_primary"]]
    return Profile(subject=addresses[0])


def in_a_list_in_a_list(data):
    return Profile(subject=data["pages"][0][0]["key"])


def present_or_not(data):
    if "member" not in data:
        raise ValueError("no member")
    return Profile(subject=data["member"])


def copied(data):
    return Profile(subject={**data}["account"])


def copied_softly(data):
    return Profile(subject=dict(data)["sub"], email=data.get("contact"))


def softly_in_a_common_name(data):
    return Profile(subject=data["id"], avatar_url=data["picture"].get("data", {})["url"])


def with_initials(data):
    return Profile(subject=data["account"], display_name=f"{data['screen_name'][0]}. {data['family_name'][:3]}")


FINDS = {
    "the common names": (lambda data: Profile(subject=data["id"], display_name=data["name"]), TEXTS),
    "OpenID Connect": (lambda data: Profile(subject=data["sub"], username=data["preferred_username"]), TEXTS),
    "a name that nobody else has": (lambda data: Profile(subject=data["account"]), TEXTS),
    "a name that is asked for softly": (lambda data: Profile(subject=data.get("account")), TEXTS),
    "the second of two choices": (lambda data: Profile(subject=data.get("error_id") or data.get("key")), TEXTS),
    "an e-mail address": (lambda data: Profile(subject=data["upn_mail"]), EMAILS),
    "nested": (nested, TEXTS),
    "softly nested": (softly_nested, TEXTS),
    "checked on the way": (checked_on_the_way, TEXTS),
    "in a common name": (lambda data: Profile(subject=data["id"], avatar_url=data["picture"]["data"]["url"]), TEXTS),
    "softly in a common name": (softly_in_a_common_name, TEXTS),
    "in a list": (in_a_list, TEXTS),
    "in a loop": (the_primary_email, EMAILS),
    "in a list in a list": (in_a_list_in_a_list, TEXTS),
    "present or not": (present_or_not, TEXTS),
    "copied first": (copied, TEXTS),
    "copied where it is there": (copied_softly, TEXTS),
    "parts of texts": (with_initials, TEXTS),
    "a number as text": (lambda data: Profile(subject=str(int(data["id"]))), TEXTS),
}


@pytest.mark.parametrize(("profile", "expected"), FINDS.values(), ids=FINDS)
def test_what_a_profile_function_reads_is_found(profile, expected):
    users = users_of(profile=profile)

    assert [user.profile.subject for user in users] == expected
    assert all(json.loads(json.dumps(user.body)) == user.body for user in users)


def test_what_is_there_already_stays_as_it_is():
    def profile(data):
        if "email_verified" not in data or 5 in data:
            raise ValueError("an odd body")
        return Profile(subject=data.get("account"))

    body = users_of(profile=profile)[0].body

    assert (body["email_verified"], body["account"], 5 in body) == (True, "1000001", False)


def must_be_number(value):
    if not isinstance(value, int):
        raise TypeError("no number")
    return str(value)


NUMBERS = {
    "a common name": lambda data: Profile(subject=must_be_number(data["id"])),
    "another name": lambda data: Profile(subject=must_be_number(data["account"])),
    "nested": lambda data: Profile(
        subject=must_be_number(data["user"]["key"]), display_name=data["user"]["nick_name"]
    ),
    "formatted": lambda data: Profile(subject=f"{data['user_id']:d}"),
}


@pytest.mark.parametrize("profile", NUMBERS.values(), ids=NUMBERS)
def test_ids_that_have_to_be_numbers_are_found(profile):
    assert subjects(profile=profile) == TEXTS


def test_a_picture_is_an_address_and_a_name_a_name():
    found = users_of(
        profile=lambda data: Profile(
            subject=data["key"],
            display_name=data["screen_name"],
            email=data["contact_mail"],
            avatar_url=data["photo"]["large"],
            username=data["label"]["first"],
        )
    )[0]

    assert found.profile == Profile(
        "1000001", "Ada Example", "Ada", "https://people.example/ada.png", "ada@people.example"
    )
    assert (found.label, found.hint) == ("Ada Example", "@Ada")


@pytest.mark.parametrize(
    ("member", "text"), [("nick", "ada"), ("nick_name", "Ada Example"), ("alias", "ada"), ("handle", "ada")]
)
def test_a_name_by_another_word_is_not_the_id(member, text):
    found = users_of(profile=lambda data: Profile(subject=data["uuid"], display_name=data["user"][member]))[0]

    assert found.profile == Profile("1000001", text)


def test_the_sample_has_what_most_providers_have():
    body = users_of(profile=lambda data: Profile(subject=data["sub"]))[2].body

    assert {name: body[name] for name in ("id", "user_id", "name", "login", "email", "email_verified")} == {
        "id": "1000003",
        "user_id": "1000003",
        "name": "Zoë & Co <b>Łukasz</b>",
        "login": "zoe",
        "email": "zoe@people.example",
        "email_verified": True,
    }


@pytest.mark.parametrize(
    ("profile", "label", "hint"),
    [
        (Profile("1", "A", "b"), "A", "@b"),
        (Profile("1", None, "b", email="e@x.example"), "b", "@b"),
        (Profile("1", email="e@x.example"), "e@x.example", "1"),
        (Profile("1"), "1", "1"),
    ],
)
def test_a_user_is_called_by_what_there_is(profile, label, hint):
    user = users_of(profile=lambda _: profile)[0]

    assert (user.label, user.hint) == (label, hint)


# Functions that fetch the user info


def unwrapped(api, _token):
    return api.get_json(api.userinfo_url, {"fields": "id"})["data"]


def by_post(api, _token):
    return api.post_json(api.userinfo_url, {"with": "everything"})


def out_of_the_token(_api, token):
    return {"id": token.subject, "name": "You", "login": "you"}


def test_what_a_userinfo_function_unwraps_is_wrapped():
    user = users_of(userinfo=unwrapped)[0]

    assert (user.profile.subject, user.body["data"]["id"]) == ("1000001", "1000001")


def test_a_userinfo_function_may_post():
    assert subjects(userinfo=by_post) == TEXTS


def test_a_subject_out_of_the_token_answer_is_found():
    assert subjects(userinfo=out_of_the_token, subject_param="account", userinfo_url="") == TEXTS


def test_a_userinfo_function_sees_the_usual_scopes():
    seen = []

    def userinfo(api, token):
        seen.append(token.scope)
        return api.get_json(api.userinfo_url)

    users_of(userinfo=userinfo, basic_scope=("openid", "email"))

    assert set(seen) == {("openid", "email", "profile")}


def test_tiktok_itself_is_read():
    user = StockEmulator(tiktok).users[0]

    assert (user.profile.subject, user.profile.display_name) == ("1000001", "Ada Example")
    assert user.body["data"]["user"]["open_id"] == "1000001"
    assert {"open_id", "id"} <= set(user.identity_fields())


# What cannot be found out


def raising(_data):
    raise RuntimeError("never")


def raising_nothing(_data):
    raise KeyError


def asking_elsewhere(api, _token):
    return {**api.get_json(api.userinfo_url), **api.get_json("https://acme.example/api/emails")}


def asking_without_end(data):
    for number in range(1000):
        data[f"key{number}"]


def refusing(data):
    return Refusal("nope") if "name" in data else None


HOPELESS = {
    "it raises": ({"profile": raising}, r"RuntimeError: never"),
    "it returns something else": ({"profile": dict}, "its profile function returned a dict"),
    "no subject will do": ({"profile": lambda _: Profile(subject="")}, "the subject is empty"),
    "it fails without a key": ({"profile": raising_nothing}, "KeyError: "),
    "it wants a list": ({"profile": lambda data: Profile(subject=data[0]["id"])}, "KeyError: 0"),
    "it has no end": ({"profile": asking_without_end}, "KeyError: 'key24'"),
    "it calls another endpoint": (
        {"userinfo": asking_elsewhere},
        "its userinfo function calls https://acme.example/api/emails, where the stock emulator answers nothing",
    ),
    "it is an error": ({"read_error": refusing}, "its read_error function finds the error 'nope' in it"),
    "it wants an error": ({"profile": lambda data: Profile(subject=data["error"])}, "KeyError: 'error'"),
}


@pytest.mark.parametrize(("changes", "reason"), HOPELESS.values(), ids=HOPELESS)
def test_what_cannot_be_found_out_has_to_be_given(changes, reason):
    with pytest.raises(ConfigError) as caught:
        users_of(**changes)

    assert caught.value.reason.startswith("nobody can tell what the user info endpoint of 'acme' answers (")
    assert reason in caught.value.reason
    assert "StockEmulator(provider, users=[{...}])" in caught.value.reason


def test_the_search_is_bounded():
    tries = []

    def profile(data):
        tries.append(data)
        return asking_without_end(data)

    with pytest.raises(ConfigError):
        users_of(profile=profile)

    assert len(tries) == 2 * 50


# Users that are given


def test_given_users_are_answered_as_they_are():
    body = {"id": "7", "name": "Grace", "login": "grace", "more": [1, {"deep": None}]}
    world = World(users=[body, {**body, "id": "8", "login": "hopper"}])
    token = world.tokens(user="hopper")["access_token"]

    assert world.userinfo(token).json() == {**body, "id": "8", "login": "hopper"}
    assert world.http.get(USERINFO).status_code == 401


def test_the_subject_of_a_given_user_is_in_the_token_answer():
    world = World(
        provider(
            subject_param="account", userinfo=lambda api, token: {**api.get_json(USERINFO), "id": token.subject}
        ),
        users=[{"account": 12, "name": "A", "login": "a"}, {"name": "B", "login": "b"}],
    )

    assert [world.tokens(user=number)["account"] for number in (0, 1)] == ["12", "user-1"]


@pytest.mark.parametrize(
    ("user", "reason"),
    [
        ({"id": "7", "name": "Grace"}, r"KeyError: 'login'$"),
        ({"id": 7, "name": "Grace", "login": "grace"}, r"the subject must be text, got int$"),
        ({"id": "7", "name": float("nan"), "login": "x"}, r"ValueError: Out of range float"),
        ({"id": b"7"}, r"TypeError: Object of type bytes is not JSON serializable$"),
        ("grace", r"ValueError: dictionary update"),
    ],
)
def test_a_given_user_whom_the_provider_cannot_read_is_a_configuration_error(user, reason):
    right = {"id": "1", "name": "A", "login": "a"}
    with pytest.raises(ConfigError, match=r"users\[1\] is no user of 'acme': ") as caught:
        World(users=[right, user])

    assert caught.match(reason)
