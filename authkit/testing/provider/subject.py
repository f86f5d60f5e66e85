"""Who the user is: the subject, by which an app finds its account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from authkit.testing.provider.attempt import Outcome
from authkit.testing.provider.bench import Bench
from authkit.testing.provider.tampering import MISSING, named, replacing
from authkit.testing.provider.verdicts import explained_by, pointless, wrong

__all__ = ["SubjectTests"]

ANSWERS = ("token", "userinfo")
WRONG_IDS: tuple[Any, ...] = (None, True, [], ["a"], {}, 1.5)
"""What no id is. A number may be one, so that `str(data["id"])` is right where ids are numbers."""

FIX = "refuse what is no id: Profile(subject=data['id']) does, or check the type before str()"


class SubjectTests:
    """`Profile.subject`."""

    @explained_by("test_one_user_s_data_do_not_reach_the_next")
    def test_two_users_are_two_subjects(self, bench: Bench) -> None:
        """Two accounts at the provider are two people in the app."""
        first, second = bench.sign_in(0), bench.sign_in(1)
        if first.identity == second.identity:
            wrong(
                f"Two users have the same subject: {first.profile.subject!r}.",
                why="the second one is let into the first one's account",
                fix="take the subject from the member that holds the user's own id",
            )

    def test_a_user_keeps_their_subject(self, bench: Bench) -> None:
        """The same user has the same subject in the next login."""
        subjects = {bench.sign_in().profile.subject for _ in range(2)}
        if len(subjects) > 1:
            wrong(
                f"One user has another subject in the next login: {', '.join(sorted(subjects))}.",
                why="every login makes a new account",
                fix="take the subject from the id that the provider gives, which never changes",
            )

    def test_the_subject_is_not_the_email_address(self, bench: Bench) -> None:
        """An address can be given to somebody else, so it is no key."""
        profile = bench.sign_in().profile
        if profile.subject == profile.email or "@" in profile.subject:
            wrong(
                f"The subject is an e-mail address: {profile.subject!r}.",
                why="addresses change hands, and their next owner would get the account",
                fix="take the provider's id of the user, such as `sub` or `id`; the address goes into `email`",
            )

    def test_the_subject_is_not_a_name(self, bench: Bench) -> None:
        """A name can be changed, and taken by somebody else."""
        profile = bench.sign_in().profile
        if profile.subject in (profile.display_name, profile.username):
            wrong(
                f"The subject is a name: {profile.subject!r}.",
                why="whoever takes the name after its owner has changed it gets the account",
                fix="take the provider's id of the user, such as `sub` or `id`; if it is that already, and the "
                "answer was made up badly, say what the user info endpoint answers: users = [{...}]",
            )

    @explained_by("test_one_user_s_data_do_not_reach_the_next")
    def test_a_user_without_an_id_is_refused(self, bench: Bench) -> None:
        """Where the member with the id is missing, there is no login."""
        for endpoint, outcome in _with_ids(bench, MISSING):
            _must_be_refused(
                endpoint, outcome, "has no id of the user", "'None', or a made-up id, would be an account"
            )

    @explained_by("test_a_user_without_an_id_is_refused")
    def test_a_user_with_an_empty_id_is_refused(self, bench: Bench) -> None:
        """An id of nothing, or of blanks, is none."""
        for empty in ("", "  "):
            for endpoint, outcome in _with_ids(bench, empty):
                _must_be_refused(endpoint, outcome, f"has the id {empty!r}", "all users without an id would be one")

    @explained_by("test_a_user_without_an_id_is_refused", "test_a_user_with_an_empty_id_is_refused")
    def test_an_id_that_is_no_id_is_refused(self, bench: Bench) -> None:
        """null, true, a list, an object or a fraction is never made into a text."""
        for value in WRONG_IDS:
            for endpoint, outcome in _with_ids(bench, value):
                _must_be_refused(endpoint, outcome, f"has the id {value!r}", f"str() makes {str(value)!r} of it")


def _must_be_refused(endpoint: str, outcome: Outcome, what: str, why: str) -> None:
    if outcome.login:
        wrong(
            f"An answer of the {endpoint} endpoint {what}, and somebody is logged in as "
            f"{outcome.login.profile.subject!r}.",
            why=f"{why}, and everybody to whom that happens shares it",
            fix=FIX,
        )


def _with_ids(bench: Bench, value: Any) -> Iterator[tuple[str, Outcome]]:
    """Yield what comes of a login in which the id of one answer is `value`, for each answer that has an id."""
    subject = bench.sign_in().profile.subject
    holding = {name: set(_names(bench.sent(name).answer, subject)) for name in ANSWERS if bench.wire.to(name)}
    if not any(holding.values()):
        pointless("no answer of the emulator holds the subject as it is")
    for endpoint, names in holding.items():
        if names:
            with bench.tampered(endpoint, replacing(named(names), value)):
                outcome = bench.attempt()
            yield endpoint, outcome


def _names(answer: Any, subject: str) -> Iterator[str]:
    """Yield the names, at whatever depth, of the members that hold the subject."""
    for name, value in answer.items() if isinstance(answer, dict) else ():
        if isinstance(value, dict):
            yield from _names(value, subject)
        elif isinstance(value, (str, int)) and str(value) == subject:
            yield name
