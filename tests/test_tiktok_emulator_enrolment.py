"""Accounts that a test enrols at TikTok's emulator."""

from __future__ import annotations

import pytest
from tiktok_emulator_fakes import ALL_SCOPES, KEY, World, refusal

from authkit import Profile
from authkit.emulator import Drivable
from authkit_tiktok.emulator import App

FIELDS = "open_id,union_id,display_name,username,avatar_url,avatar_large_url"
ANN = Profile(
    subject="open-id-of-ann",
    display_name="Ann",
    username="ann.tok",
    avatar_url="https://pictures.example/ann.png",
    union_id="union-id-of-ann",
)


@pytest.fixture
def world():
    return World()


def told(world, user, **options):
    return world.userinfo(world.tokens(user=user, **options)["access_token"], FIELDS).json()["data"]["user"]


def test_it_can_be_driven(world):
    assert isinstance(world.emulator, Drivable)


def test_who_is_enrolled_signs_in_with_the_profile(world):
    user = world.emulator.enrol(ANN)

    assert user == "open-id-of-ann"
    assert told(world, user) == {
        "open_id": "open-id-of-ann",
        "union_id": "union-id-of-ann",
        "display_name": "Ann",
        "username": "ann.tok",
        "avatar_url": "https://pictures.example/ann.png",
        "avatar_large_url": "https://pictures.example/ann.png",
    }


def test_what_everybody_has_at_tiktok_is_made_up_and_always_the_same():
    first, second = (told(world, world.emulator.enrol(Profile("ann"))) for world in (World(), World()))

    assert first == second
    assert sorted(first) == ["display_name", "open_id", "union_id", "username"]
    assert first["display_name"].startswith("User ")
    assert first["username"].startswith("user")


def test_somebody_without_a_display_name_is_called_by_the_username(world):
    assert told(world, world.emulator.enrol(Profile("ann", username="ann.tok")))["display_name"] == "ann.tok"


def test_the_subject_is_the_open_id_at_the_first_app():
    world = World(apps=[App(KEY, "SECRET", ALL_SCOPES), App("aw2", "other", ALL_SCOPES)])
    world.emulator.enrol(ANN)

    assert world.open_id(3) == "open-id-of-ann"
    assert world.open_id(3, "aw2") != "open-id-of-ann"


def test_the_username_takes_its_scope(world):
    token = world.tokens(user=world.emulator.enrol(ANN), scopes=["user.info.basic"])["access_token"]

    assert world.userinfo(token, "username").json()["error"]["code"] == "scope_not_authorized"
    assert world.userinfo(token, "display_name").json()["data"]["user"] == {"display_name": "Ann"}


def test_the_same_subject_again_replaces_the_account(world):
    for name in ("Ann", "Anna"):
        world.emulator.enrol(Profile("ann", name, "ann.tok"))
        world.emulator.enrol(Profile("ben", "Ben"))

    assert [user.display_name for user in world.emulator.users[3:]] == ["Anna", "Ben"]


def test_an_open_id_goes_before_another_ones_username(world):
    world.emulator.enrol(Profile("ada.tok", "Somebody else", "else"))

    assert told(world, "ada.tok")["display_name"] == "Somebody else"
    assert told(world, "benmoka")["display_name"] == "Ben Moka"


def test_tiktok_has_no_email_addresses(world):
    with pytest.raises(ValueError, match=r"leave out email 'a@mail\.example'"):
        world.emulator.enrol(Profile("ann", email="a@mail.example"))


@pytest.mark.parametrize(
    ("profile", "problem"),
    [
        (Profile("ann", username="ada.tok"), "somebody else at TikTok has the username 'ada.tok'"),
        (Profile("ann", union_id="3c0b1e52-7a1f-4b0e-9f53-0d9f2f6f1a10"), "somebody else at TikTok has the union_id"),
    ],
)
def test_two_accounts_have_no_name_in_common(world, profile, problem):
    with pytest.raises(ValueError, match=problem):
        world.emulator.enrol(profile)

    assert len(world.emulator.users) == 3


def test_a_token_of_the_account_before_it_was_replaced_still_works(world):
    tokens = world.tokens(user=world.emulator.enrol(ANN))
    world.emulator.enrol(Profile("open-id-of-ann", "Anna"))

    assert world.userinfo(tokens["access_token"], "display_name").json()["data"]["user"] == {"display_name": "Ann"}
    assert world.refresh(tokens["refresh_token"]).json()["open_id"] == "open-id-of-ann"
    assert refusal(world.refresh("none"))[0] == "invalid_grant"
