"""Accounts that a test enrols at the stock emulator: the provider's own functions make the wanted profile of them."""

from __future__ import annotations

import json

import pytest
from stock_world import USERINFO, World, acme, provider

from authkit import OAuth2Provider, Option, Profile
from authkit.emulator import Configurable, Drivable, StockClient, StockEmulator, StockMaker
from authkit.errors import ConfigError

EMAILS = f"{USERINFO}/emails"
ALICE = Profile(
    subject="alice-1",
    display_name="Alice Liddell",
    username="al",
    avatar_url="https://pictures.example/al.png",
    email="al@mail.example",
    email_verified=True,
    union_id="union-1",
)


def everything(data):
    return Profile(
        subject=data["sub"],
        display_name=data["name"],
        username=data.get("preferred_username"),
        avatar_url=data.get("picture"),
        email=data.get("email"),
        email_verified=data.get("email_verified", False),
        union_id=data.get("family_id"),
    )


def under_other_names(data):
    user = data["data"]["user"]
    return Profile(
        subject=str(user["account"]),
        display_name=f"{user['first']} {user['last']}".strip(),
        username=user.get("handle"),
        avatar_url=user.get("pictures", {}).get("large"),
        email=user.get("contact"),
        email_verified=user.get("contact_is_sure") is True,
        union_id=user.get("group"),
    )


def number(data):
    if not isinstance(data["id"], int):
        raise TypeError("no number")
    return Profile(subject=str(data["id"]), display_name=data["name"])


def name_or_login(data):
    return Profile(subject=data["id"], display_name=data["name"] or data["login"], username=data["login"])


def enrolled(profile: Profile, data: OAuth2Provider, **options) -> Profile:
    emulator = StockEmulator(data, **options)
    assert emulator.enrol(profile) == profile.subject
    return emulator.users[-1].profile


def test_it_can_be_driven():
    assert isinstance(StockEmulator(acme), Drivable)


@pytest.mark.parametrize("function", [everything, under_other_names], ids=lambda function: function.__name__)
def test_who_is_enrolled_has_the_whole_profile(function):
    assert enrolled(ALICE, provider(profile=function)) == ALICE


@pytest.mark.parametrize("function", [everything, under_other_names], ids=lambda function: function.__name__)
def test_what_is_not_asked_for_is_left_out(function):
    assert enrolled(Profile("7", "Ann"), provider(profile=function)) == Profile("7", "Ann")


def test_what_the_provider_cannot_leave_out_is_made_up():
    data = provider(profile=lambda data: Profile(data["id"], data["name"] + "", email=data["email"].lower()))

    assert enrolled(Profile("7"), data) == Profile("7", "user-7", email="user-7@people.example")


def test_what_can_neither_be_left_out_nor_made_up_stays_as_it_is():
    data = provider(profile=lambda data: Profile(data["id"], avatar_url="https://pictures.example/all.png"))

    assert enrolled(Profile("7"), data).avatar_url == "https://pictures.example/all.png"


def test_a_field_that_stands_in_for_another_does_not_take_its_value():
    assert enrolled(Profile("7", username="al"), provider(profile=name_or_login)) == Profile("7", "user-7", "al")
    assert enrolled(Profile("7", "Ann"), provider(profile=name_or_login)) == Profile("7", "Ann")


def test_an_address_that_is_not_verified_is_said_to_be_so():
    assert enrolled(Profile("7", "Ann", email="a@mail.example"), provider(profile=everything)) == Profile(
        "7", "Ann", email="a@mail.example", email_verified=False
    )


def test_the_user_info_stays_of_one_piece():
    emulator = StockEmulator(provider(profile=everything))
    emulator.enrol(ALICE)
    body = emulator.users[-1].body

    assert [body[name] for name in ("id", "sub", "uid", "user_id")] == ["alice-1"] * 4
    assert [body[name] for name in ("name", "given_name", "last_name")] == ["Alice Liddell", "Alice", "Liddell"]
    assert (body["login"], body["email"]) == ("al", "al@mail.example")
    assert json.loads(json.dumps(body)) == body


def test_a_subject_that_has_to_be_a_number_is_one():
    emulator = StockEmulator(provider(profile=number))

    emulator.enrol(Profile("4711", "Ann"))

    assert emulator.users[-1].body["id"] == 4711


def test_an_account_like_those_that_are_given_is_made():
    users = [{"key": 1, "called": "A"}, {"key": 2, "called": "B", "tags": ["x", {"handle": "b"}], "on": None}]
    data = provider(
        profile=lambda data: Profile(
            str(data["key"]), data["called"], next((tag["handle"] for tag in data.get("tags", ())[1:]), None)
        )
    )
    emulator = StockEmulator(data, users=users)

    emulator.enrol(Profile("0007x", "Ann", "ann"))

    assert emulator.users[-1].body == {
        "key": "0007x",
        "called": "Ann",
        "tags": ["x", {"handle": "ann"}],
        "on": None,
    }


def test_an_item_of_a_list_is_changed_and_taken_out():
    data = provider(profile=lambda data: Profile(data["ids"][0], email=data["mails"][0] if data["mails"] else None))
    emulator = StockEmulator(data, users=[{"ids": ["1", "9"], "mails": ["a@mail.example"]}])

    emulator.enrol(Profile("2"))
    emulator.enrol(Profile("3", email="c@mail.example"))

    assert [user.body for user in emulator.users[1:]] == [
        {"ids": ["2", "9"], "mails": []},
        {"ids": ["3", "9"], "mails": ["c@mail.example"]},
    ]


def test_two_fields_that_had_one_value_are_told_apart():
    data = provider(profile=lambda data: Profile(data["ids"][0], username=data["ids"][1]))

    assert enrolled(Profile("7", username="ann"), data, users=[{"ids": ["1", "1"]}]) == Profile("7", username="ann")


def test_two_fields_that_are_one_to_the_provider_cannot_differ():
    data = provider(profile=lambda data: Profile(data["id"], data["login"], data["login"]))

    with pytest.raises(ValueError, match="somebody with the username 'ann': "):
        enrolled(Profile("7", "Ann", "ann"), data)


def test_the_subject_in_the_token_answer_is_the_one_that_was_enrolled():
    def userinfo(api, token):
        user = api.get_json(api.userinfo_url)
        if user["id"] != token.subject:
            raise ValueError("two subjects")
        return user

    world = World(provider(subject_param="open_id", userinfo=userinfo))
    user = world.emulator.enrol(Profile("7", "Ann", "ann"))

    assert world.tokens(user=user)["open_id"] == "7"


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (Profile("7", "Ann", email="a@mail.example"), "email 'a@mail.example'"),
        (Profile("7", "Ann", union_id="u"), "union_id 'u'"),
        (Profile("7", "Ann", avatar_url="https://p.example/"), "avatar_url 'https://p.example/'"),
    ],
)
def test_a_field_that_the_provider_does_not_know_is_named(profile, field):
    emulator = StockEmulator(acme)

    with pytest.raises(ValueError, match=rf"Acme cannot have somebody with the {field}: its own functions make that"):
        emulator.enrol(profile)

    assert len(emulator.users) == 3


def test_a_subject_that_the_provider_does_not_take_is_named():
    with pytest.raises(ValueError, match="cannot have somebody with the subject 'ann'"):
        enrolled(Profile("ann", "Ann"), provider(profile=number))


def test_an_address_that_the_provider_always_verifies_cannot_be_unverified():
    data = provider(profile=lambda data: Profile(data["id"], email=data["email"], email_verified=True))

    with pytest.raises(ValueError, match="somebody with the email_verified False"):
        enrolled(Profile("7", email="a@mail.example"), data)


# Among the others


def test_who_is_enrolled_signs_in_and_the_others_stay():
    world = World()
    user = world.emulator.enrol(Profile("7", "Ann", "ann"))

    userinfo = world.userinfo(world.tokens(user=user)["access_token"]).json()

    assert (userinfo["id"], userinfo["name"], userinfo["login"]) == ("7", "Ann", "ann")
    assert [account.profile.subject for account in world.emulator.users] == ["1000001", "1000002", "1000003", "7"]
    assert 'value="3"' in world.browse().text


def test_the_same_subject_again_replaces_the_account():
    emulator = StockEmulator(acme)
    emulator.enrol(Profile("7", "Ann", "ann"))
    emulator.enrol(Profile("8", "Ben", "ben"))
    emulator.enrol(Profile("7", "Anna", "ann"))

    assert [account.profile for account in emulator.users[3:]] == [
        Profile("7", "Anna", "ann"),
        Profile("8", "Ben", "ben"),
    ]


def test_a_subject_goes_before_another_ones_username():
    world = World()
    world.emulator.enrol(Profile("ada", "Somebody else", "else"))

    assert world.userinfo(world.tokens(user="ada")["access_token"]).json()["name"] == "Somebody else"
    assert world.userinfo(world.tokens(user="ben")["access_token"]).json()["name"] == "Ben Example"


def test_an_issued_token_tells_of_the_account_as_it_was():
    world = World()
    token = world.tokens(user=world.emulator.enrol(Profile("7", "Ann", "ann")))["access_token"]
    world.emulator.enrol(Profile("7", "Anna", "ann"))

    assert world.userinfo(token).json()["name"] == "Ann"


# Further addresses


def with_emails(api, _token):
    return {**api.get_json(api.userinfo_url), "emails": api.get_list(f"{api.userinfo_url}/emails")}


def primary(data):
    found = next((entry for entry in data["emails"] if entry["primary"]), {"email": None, "verified": False})
    return Profile(data["id"], data["name"], data["login"], email=found["email"], email_verified=found["verified"])


def emails_of(userinfo):
    return [
        {"email": "old@mail.example", "primary": False, "verified": True},
        {"email": userinfo["email"], "primary": True, "verified": userinfo["email_verified"]},
    ]


with_two_calls = provider(userinfo=with_emails, profile=primary)


def test_a_resource_is_a_part_of_the_profile():
    emulator = StockEmulator(with_two_calls, resources={EMAILS: emails_of})

    assert emulator.users[0].profile == Profile(
        "1000001", "Ada Example", "ada", email="ada@people.example", email_verified=True
    )


def test_what_a_resource_says_can_be_enrolled():
    resources = {EMAILS: emails_of}

    for profile in (
        Profile("7", "Ann", "ann", email="a@mail.example", email_verified=True),
        Profile("7", "Ann", "ann", email="a@mail.example"),
        Profile("7", "Ann", "ann"),
    ):
        assert enrolled(profile, with_two_calls, resources=resources) == profile


def test_a_resource_answers_to_an_access_token():
    world = World(with_two_calls, resources={EMAILS: emails_of})
    token = world.tokens(user="ben")["access_token"]

    answer = world.http.get(EMAILS, headers={"Authorization": f"Bearer {token}"})

    assert answer.json()[1] == {"email": "ben@people.example", "primary": True, "verified": True}
    assert world.emulator.requests[-1].endpoint == "resource"
    assert world.http.get(EMAILS).status_code == 401
    assert world.http.get(EMAILS, headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_a_resource_may_be_the_same_for_everybody():
    url = "https://acme.example/api/about?v=1"
    world = World(
        provider(userinfo=lambda api, _: {**api.get_json(USERINFO), **api.post_json(url, {})}),
        resources={url: {"about": [1]}},
    )
    token = world.tokens()["access_token"]

    answer = world.http.post(url, headers={"Authorization": f"Bearer {token}"})

    assert answer.json() == {"about": [1]}
    assert world.emulator.users[0].profile.display_name == "Ada Example"


def test_given_users_are_read_with_the_resources():
    body = {"id": "7", "name": "G", "login": "g", "email": "g@mail.example", "email_verified": False}
    emulator = StockEmulator(with_two_calls, resources={EMAILS: emails_of}, users=[body])

    assert emulator.users[0].profile.email == "g@mail.example"


def test_a_resource_stays_below_the_user_info_endpoint_wherever_that_is():
    data = provider(
        token_url="https://acme.example/api/me",
        userinfo_url="https://api.acme.example/api/me",
        userinfo=with_emails,
        profile=primary,
    )
    resources = {"https://api.acme.example/api/me/emails": emails_of, "https://api.acme.example/teams": []}
    world = World(data, resources=resources)
    token = StockEmulator(data, resources=resources).settings("https://here.example")

    assert token["userinfo_url"] == "https://here.example/userinfo"
    assert [
        world.http.get(f"https://here.example{path}").status_code
        for path in ("/userinfo/emails", "/teams", "/emails")
    ] == [401, 401, 404]


def test_the_settings_name_no_resource():
    settings = StockEmulator(with_two_calls, resources={EMAILS: emails_of}).settings("https://here.example")

    assert sorted(settings) == sorted(StockEmulator(acme).settings("https://here.example"))


@pytest.mark.parametrize(
    ("resources", "problem"),
    [
        ({"/api/emails": []}, r"the resource '/api/emails' is no absolute URL"),
        ({"https://acme.example/token": [], "https://x.example/token": []}, "path of .* is taken"),
        ({"https://acme.example/_emulator/": []}, "path of .* is taken"),
    ],
)
def test_a_resource_has_an_address_of_its_own(resources, problem):
    with pytest.raises(ValueError, match=problem):
        StockEmulator(acme, resources=resources)


def test_a_function_that_wants_an_object_is_given_no_array():
    with pytest.raises(ConfigError, match=f"reads a JSON object from {EMAILS}, which answers something else"):
        StockEmulator(
            provider(userinfo=lambda api, _: api.get_json(EMAILS)), resources={EMAILS: []}, users=[{"id": "1"}]
        )
    with pytest.raises(ConfigError, match=f"reads a JSON array from {EMAILS}, which answers something else"):
        StockEmulator(
            provider(userinfo=lambda api, _: api.get_list(EMAILS)), resources={EMAILS: {}}, users=[{"id": "1"}]
        )


# Emulators that a plugin brings


def test_a_maker_makes_emulators_with_resources():
    make = StockMaker(with_two_calls, resources={EMAILS: emails_of})

    assert isinstance(make, Configurable)
    assert make().users[0].profile.email == "ada@people.example"
    assert make().settings("https://here.example")["client_id"] == "emulated-client"


def test_a_maker_takes_clients_by_the_providers_own_word():
    option = Option("platform", ("web", "desktop"), "web", "The platform.")
    make = StockMaker(
        provider(client_id_param="client_key", options=(option,)), users=[{"id": "7", "name": "A", "login": "a"}]
    )
    app = {"client_key": "key", "client_secret": "s", "platform": "desktop", "scopes": ["profile"]}

    emulator = make.configured([app], [])

    assert emulator.clients == (StockClient("key", "s", scopes=("profile",)),)
    assert [user.profile.subject for user in emulator.users] == ["7"]
    assert [user.profile.subject for user in make.configured([], [{"id": "8", "name": "B", "login": "b"}]).users] == [
        "8"
    ]


def test_a_maker_refuses_what_no_client_has():
    with pytest.raises(ValueError, match="StockClient has no 'colour'"):
        StockMaker(acme).configured([{"client_id": "a", "client_secret": "b", "colour": "red"}], [])
