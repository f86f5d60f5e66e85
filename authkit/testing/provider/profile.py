"""What else the provider says of the user."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from authkit.models import Profile
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import MISSING, replacing
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["ProfileTests"]

OPTIONAL = ("display_name", "username", "avatar_url", "email")


class ProfileTests:
    """`Profile`, and the functions that make it."""

    @explained_by("test_one_user_s_data_do_not_reach_the_next")
    def test_a_user_who_tells_nothing_can_log_in(self, bench: Bench) -> None:
        """Name, picture and address may be null."""
        told = _told(bench.sign_in().profile)
        if not told:
            pointless("the profile has nothing but the subject")
        with bench.tampered("api", replacing(_one_of(told), None)):
            outcome = bench.attempt()
        if not outcome.login:
            wrong(
                f"A user whose name, picture and address are null cannot log in: {outcome.text}.",
                why="people may leave them out, or not share them; an account needs the subject only",
                fix="pass on what is there as it is, data.get('name'): all but the subject may be None",
            )

    def test_one_user_s_data_do_not_reach_the_next(self, bench: Bench) -> None:
        """What the first user told is not in the profile of a second one, who tells nothing."""
        told = _told(bench.sign_in(0).profile)
        theirs = _told(bench.sign_in(1).profile)
        with bench.tampered("api", replacing(_one_of(theirs), None)):
            second = bench.attempt(1).login
        leaked = sorted(_told(second.profile) & (told | theirs)) if second else []
        if leaked:
            wrong(
                f"A user who told nothing has what somebody told before: {', '.join(leaked)}.",
                why="one user sees, and stores, the data of another",
                fix="keep nothing between two calls: no global, no default that is changed, no cache",
            )

    def test_an_address_is_verified_only_if_the_provider_says_so(self, bench: Bench) -> None:
        """Where the provider says false, or nothing, `email_verified` is False."""
        _has_email(bench)
        for value, said in ((False, "false"), (None, "null"), (MISSING, "nothing")):
            _must_not_be_verified(bench, value, said)

    @explained_by("test_an_address_is_verified_only_if_the_provider_says_so")
    def test_a_text_verifies_no_address(self, bench: Bench) -> None:
        """The text "false" is not true, whatever bool() makes of it."""
        _has_email(bench)
        for text in ("false", "no", "0"):
            _must_not_be_verified(bench, text, f'the text "{text}"')

    def test_the_token_is_not_in_the_profile(self, bench: Bench) -> None:
        """Nothing secret is in `Profile.raw` or another field."""
        login = bench.sign_in()
        token = login.token
        text = json.dumps([login.profile.raw, *_told(login.profile)], default=str)
        secrets = [secret.reveal() for secret in (token.access_token, token.refresh_token) if secret]
        if any(secret in text for secret in secrets):
            wrong(
                "The profile holds the token.",
                why="apps write profiles to logs, pages and databases, and nobody seals them",
                fix="put into `raw` what the user info endpoint answered, and nothing of the token",
            )

    def test_the_profile_function_changes_nothing(self, bench: Bench) -> None:
        """`profile` reads the answer and leaves it as it is."""
        profile = bench.function("profile")
        answer = _sample(bench)
        before = deepcopy(answer)
        bench.told(lambda: profile(answer))
        if answer != before:
            wrong(
                f"The profile function changes what it was given; left is {sorted(answer)} of {sorted(before)}.",
                why="`raw`, and whoever else reads the answer, gets another one",
                fix="read with data['id'] and data.get('name'); no pop, no assignment",
            )


def _told(profile: Profile) -> set[str]:
    """Return the texts of a profile besides the subject."""
    return {text for name in OPTIONAL if (text := getattr(profile, name))} - {profile.subject}


def _one_of(texts: set[str]) -> Callable[[str, Any], bool]:
    """Return a test of whether the value of a member is one of `texts`."""
    return lambda _, value: isinstance(value, str) and value in texts


def _has_email(bench: Bench) -> None:
    if not bench.sign_in().profile.email:
        bench.lacks("email", f"{bench.name} gives no e-mail address")


def _must_not_be_verified(bench: Bench, value: Any, said: str) -> None:
    with bench.tampered("api", replacing(lambda name, _: "verified" in name, value)):
        login = bench.attempt().login
    if login and login.profile.email_verified:
        wrong(
            f"The provider says {said} of the address, and the profile says that it is verified.",
            why="an app that trusts it takes a stranger for the owner of the address",
            fix="email_verified=data.get('email_verified') is True",
        )


def _sample(bench: Bench) -> Any:
    """Return an answer that the profile function may read."""
    if bench.contract.users:
        return deepcopy(dict(bench.contract.users[0]))
    users = getattr(bench.emulator, "users", ()) or pointless("the emulator shows no sample answer")
    return deepcopy(dict(getattr(users[0], "body", None) or pointless("the emulator shows no sample answer")))
