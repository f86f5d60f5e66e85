"""Providers that make the wrong profile."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from authkit import Profile
from seeded.by_hand import SERVER, read_acme
from seeded.defect import in_data

ADA = {"id": "1", "org": "acme", "name": "Ada", "login": "ada", "email": "ada@acme.example"}
BEN = {"id": "2", "org": "acme", "name": "Ben", "login": "ben", "email": "ben@acme.example"}


class AcmeProfile(Profile):
    """A profile of the plugin's own."""


remembered = {}


def merged(data):
    remembered.update({name: value for name, value in data.items() if name in ("name", "picture") and value})
    return replace(read_acme(data), display_name=remembered.get("name"), avatar_url=remembered.get("picture"))


def popped(data):
    return Profile(subject=data.pop("id"), display_name=data.get("name"))


def with_token(api, token):
    return {**api.get_json(api.userinfo_url), "token": token.access_token.reveal()}


def mapped(what, red, make, users=()):
    """Return a defect of the `profile` function."""
    return in_data(what, red, replace(SERVER, profile=make), users)


def by(make):
    """Return a function that makes a good profile with another subject."""
    return lambda data: replace(read_acme({**data, "id": "x"}), subject=make(data))


DEFECTS = (
    mapped("Every login has a subject of its own.", "test_a_user_keeps_their_subject", by(lambda _: str(uuid4()))),
    mapped(
        "The subject is the organisation.",
        "test_two_users_are_two_subjects",
        by(lambda data: data["org"]),
        [ADA, BEN],
    ),
    mapped(
        "The subject is the e-mail address.",
        "test_the_subject_is_not_the_email_address",
        by(lambda data: data["email"]),
    ),
    mapped("The subject is the name.", "test_the_subject_is_not_a_name", by(lambda data: data["login"])),
    mapped(
        "A missing id becomes the text 'None'.",
        "test_a_user_without_an_id_is_refused",
        by(lambda data: str(data.get("id"))),
    ),
    mapped(
        "A user with an empty id is anonymous.",
        "test_a_user_with_an_empty_id_is_refused",
        by(lambda data: data["id"] or "anonymous"),
    ),
    mapped(
        "Whatever the id is, it becomes text.",
        "test_an_id_that_is_no_id_is_refused",
        by(lambda data: str(data["id"])),
    ),
    mapped(
        "The name has to be there.",
        "test_a_user_who_tells_nothing_can_log_in",
        lambda data: replace(read_acme(data), display_name=data["name"].title()),
    ),
    mapped("What was told is remembered.", "test_one_user_s_data_do_not_reach_the_next", merged),
    mapped(
        "Every address is verified.",
        "test_an_address_is_verified_only_if_the_provider_says_so",
        lambda data: replace(read_acme(data), email_verified=True),
    ),
    mapped(
        "The text 'false' verifies an address.",
        "test_a_text_verifies_no_address",
        lambda data: replace(read_acme(data), email_verified=bool(data.get("email_verified"))),
    ),
    in_data(
        "The token is in what was answered.",
        "test_the_token_is_not_in_the_profile",
        replace(SERVER, userinfo=with_token),
    ),
    mapped("The id is taken out of the answer.", "test_the_profile_function_changes_nothing", popped, [ADA, BEN]),
    mapped(
        "The profile is of a class of the plugin's own.",
        "test_the_profile_is_typed_and_cannot_be_changed",
        lambda data: AcmeProfile(subject=data["id"], display_name=data.get("name")),
    ),
)
