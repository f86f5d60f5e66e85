"""Sessions of native apps: each refresh token once, the family ends when one is used twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import pytest
from account_world import AccountWorld
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from authkit.accounts import Database
from authkit.accounts.schema import audit, sessions
from authkit.errors import TokenInvalid
from authkit.models import Secret
from authkit.native.sessions import NativeSession, NativeSessions, Renewed

LIFETIME = 30 * 24 * 3600
START = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)


class SessionWorld(AccountWorld):
    """Accounts, and the sessions of their native apps, on two servers."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sessions, self.other_server = (NativeSessions(self.kit, database, LIFETIME) for _ in range(2))
        self.account_id = self.accounts.sign_in(self.login()).account.id

    def start(self) -> Renewed:
        return self.sessions.start(self.account_id, "phone", "acme")

    def renew(self, token: Secret | str) -> Renewed:
        return self.sessions.renew(token if isinstance(token, str) else token.reveal())

    def refused(self, token: Secret | str) -> str:
        with pytest.raises(TokenInvalid) as caught:
            self.renew(token)
        error = caught.value
        assert (error.code, error.status, error.__cause__, error.__context__) == ("token_invalid", 401, None, None)
        return error.reason

    def ends(self) -> list[tuple[Any, ...]]:
        """Return what the audit trail says of ended sessions."""
        rows = [row for row in self.rows(audit) if "ended" in row["event"]]
        return [(row["event"], row["account_id"], row["reason"], row["reference"]) for row in rows]


@pytest.fixture
def world(database: Database) -> SessionWorld:
    return SessionWorld(database)


@pytest.fixture
def one_world(servers: Any, tmp_path_factory: Any) -> Iterator[SessionWorld]:
    """Give a world on SQLite alone, for what no database takes part in."""
    database = Database.open(servers.shared_url("sqlite", tmp_path_factory.getbasetemp()))
    with database.engine.begin() as connection:
        connection.execute(sessions.delete())
    yield SessionWorld(database)
    database.close()


# Rotation


def test_a_session_begins_with_a_refresh_token(world: SessionWorld) -> None:
    begun = world.start()

    assert begun.session == NativeSession(
        begun.session.id, world.account_id, "phone", "acme", START, START, START + timedelta(days=30)
    )
    assert world.sessions.of(world.account_id) == (begun.session,)


def test_each_refresh_token_makes_the_next_one_and_a_longer_session(world: SessionWorld) -> None:
    begun = world.start()
    world.clock.now += 3600

    renewed = world.renew(begun.refresh_token)
    again = world.renew(renewed.refresh_token)

    later = START + timedelta(hours=1)
    assert renewed.session == NativeSession(
        begun.session.id, world.account_id, "phone", "acme", START, later, later + timedelta(days=30)
    )
    assert len({begun.refresh_token, renewed.refresh_token, again.refresh_token}) == 3
    assert world.sessions.of(world.account_id) == (again.session,)
    assert world.ends() == []


def test_a_session_goes_on_at_another_server(world: SessionWorld) -> None:
    renewed = world.other_server.renew(world.start().refresh_token.reveal())

    assert world.renew(renewed.refresh_token).session.id == renewed.session.id


def test_lek_08_the_database_has_digests_only(world: SessionWorld) -> None:
    begun = world.start()
    renewed = world.renew(begun.refresh_token)
    digest, previous = (
        sha256(token.reveal().encode()).hexdigest() for token in (renewed.refresh_token, begun.refresh_token)
    )

    assert world.rows(sessions) == [
        {
            "id": begun.session.id,
            "account_id": world.account_id,
            "app": "phone",
            "registration": "acme",
            "created_at": START,
            "used_at": START,
            "ends_at": START + timedelta(days=30),
            "digest": digest,
            "previous_digest": previous,
            "rotated_at": START,
        }
    ]
    everything = str([dict(row) for table in sessions.metadata.sorted_tables for row in world.rows(table)])
    for token in (begun.refresh_token, renewed.refresh_token):
        family, _, secret = token.reveal().partition(".")
        assert secret not in everything
        assert family not in everything


def test_lek_02_a_session_shows_no_token(one_world: SessionWorld) -> None:
    begun = one_world.start()

    assert begun.refresh_token.reveal() not in f"{begun!r} {begun} {vars(one_world.sessions)}"


# Reuse


@pytest.mark.parametrize("later", [10, 11, 3600])
def test_reuse_ends_the_whole_family(world: SessionWorld, later: int) -> None:
    """At exactly ten seconds it is too late for another try already: CLK-04."""
    begun = world.start()
    renewed = world.renew(begun.refresh_token)
    world.clock.now += later

    assert world.refused(begun.refresh_token) == "a refresh token was used twice"

    assert world.rows(sessions) == []
    assert world.ends() == [("session_ended", world.account_id, "a refresh token was used twice", begun.session.id)]
    assert world.refused(renewed.refresh_token) == "no session has this refresh token"
    assert world.refused(begun.refresh_token) == "no session has this refresh token"
    assert len(world.ends()) == 1


def test_reuse_of_an_older_token_ends_the_family_at_once(world: SessionWorld) -> None:
    tokens = [world.start().refresh_token]
    for _ in range(3):
        tokens.append(world.renew(tokens[-1]).refresh_token)

    assert world.refused(tokens[1]) == "a refresh token was used twice"
    assert world.rows(sessions) == []


def test_other_sessions_go_on(world: SessionWorld) -> None:
    begun, other = world.start(), world.start()
    world.renew(world.renew(begun.refresh_token).refresh_token)

    world.refused(begun.refresh_token)

    assert [session.id for session in world.sessions.of(world.account_id)] == [other.session.id]
    assert world.renew(other.refresh_token).session.id == other.session.id


# The answer that was lost


@pytest.mark.parametrize("later", [0, 1, 9, 9.9])
def test_a_client_whose_answer_was_lost_tries_once_more(world: SessionWorld, later: float) -> None:
    begun = world.start()
    lost = world.renew(begun.refresh_token)
    world.clock.now += later

    renewed = world.renew(begun.refresh_token)

    assert renewed.session.id == begun.session.id
    assert world.ends() == []
    assert world.renew(renewed.refresh_token).session.id == begun.session.id
    assert world.refused(lost.refresh_token) == "a refresh token was used twice"


def test_a_client_tries_no_more_than_once(world: SessionWorld) -> None:
    begun = world.start()
    world.renew(begun.refresh_token)
    world.renew(begun.refresh_token)

    assert world.refused(begun.refresh_token) == "a refresh token was used twice"
    assert world.rows(sessions) == []


def test_the_lost_answer_is_of_no_use_to_whoever_finds_it(world: SessionWorld) -> None:
    begun = world.start()
    lost = world.renew(begun.refresh_token)
    world.renew(begun.refresh_token)

    assert world.refused(lost.refresh_token) == "a refresh token was used twice"
    assert world.rows(sessions) == []


@pytest.mark.slow
@pytest.mark.parametrize("attempt", range(3))
def test_two_servers_at_the_same_moment_are_a_try_and_another_one(world: SessionWorld, attempt: int) -> None:
    begun = world.start()
    barrier = threading.Barrier(2, timeout=30)

    def renew(server: NativeSessions) -> Renewed:
        barrier.wait()
        return server.renew(begun.refresh_token.reveal())

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(renew, [world.sessions, world.other_server])

    assert one.refresh_token != other.refresh_token
    (row,) = world.rows(sessions)
    good = [
        each for each in (one, other) if row["digest"] == sha256(each.refresh_token.reveal().encode()).hexdigest()
    ]
    assert len(good) == 1
    assert world.renew(good[0].refresh_token).session.id == begun.session.id


@pytest.mark.slow
def test_of_eight_at_the_same_moment_two_get_a_token_and_the_family_ends(world: SessionWorld) -> None:
    begun = world.start()
    barrier = threading.Barrier(8, timeout=30)

    def renew(number: int) -> str:
        barrier.wait()
        try:
            (world.sessions, world.other_server)[number % 2].renew(begun.refresh_token.reveal())
        except TokenInvalid as error:
            return error.reason
        return "renewed"

    with ThreadPoolExecutor(8) as threads:
        outcomes = sorted(threads.map(renew, range(8)))

    assert outcomes == [
        "a refresh token was used twice",
        *["no session has this refresh token"] * 5,
        *["renewed"] * 2,
    ]
    assert world.rows(sessions) == []
    assert len(world.ends()) == 1


# What is no token


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: "",
        lambda token: ".",
        lambda token: token.upper(),
        lambda token: token + "\n",
        lambda token: token + " ",
        lambda token: token + "0",
        lambda token: token[:-1],
        lambda token: token.replace(".", ""),
        lambda token: token.replace(".", ".."),
        lambda token: "\x00" + token[1:],
        lambda token: "\ud800" + token[1:],
        lambda token: "é" + token[1:],
        lambda token: "%" + token[1:],
        lambda token: "' OR 1=1 --",
        lambda token: "a" * 1_000_000,
        lambda token: token * 10_000,
    ],
)
def test_what_is_no_refresh_token_reaches_no_database(one_world: SessionWorld, spoil: Callable[[str], str]) -> None:
    begun = one_world.start()
    statements: list[str] = []
    event.listen(one_world.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))

    assert one_world.refused(spoil(begun.refresh_token.reveal())) == "it is no refresh token"

    assert statements == []
    assert one_world.renew(begun.refresh_token).session.id == begun.session.id


def test_who_knows_the_id_of_a_session_cannot_end_it(world: SessionWorld) -> None:
    """It stands in each of its JSON Web Tokens, and in the list of sessions."""
    begun = world.start()

    assert world.refused(f"{begun.session.id}.{'0' * 64}") == "no session has this refresh token"
    assert world.renew(begun.refresh_token).session.id == begun.session.id


def test_a_token_of_the_family_that_was_never_given_out_ends_it(world: SessionWorld) -> None:
    """Only who has seen one of its tokens can make such a one."""
    begun = world.start()
    family = begun.refresh_token.reveal().partition(".")[0]

    assert world.refused(f"{family}.{'0' * 64}") == "a refresh token was used twice"
    assert world.rows(sessions) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(token=st.text() | st.from_regex(r"[0-9a-f]{32}\.[0-9a-f]{64}", fullmatch=True))
def test_any_text_is_refused_as_a_refresh_token(one_world: SessionWorld, token: str) -> None:
    one_world.refused(token)


# The end


def test_clk_04_a_session_that_was_not_used_ends_in_the_second_that_it_names(world: SessionWorld) -> None:
    begun = world.start()
    world.clock.now += LIFETIME - 1
    renewed = world.renew(begun.refresh_token)
    world.clock.now += LIFETIME

    assert world.sessions.of(world.account_id) == ()
    assert world.refused(renewed.refresh_token) == "it was not used for too long"
    assert world.rows(sessions) == []
    assert world.ends() == [("session_ended", world.account_id, "it was not used for too long", begun.session.id)]


def test_what_has_expired_goes_when_somebody_signs_in(world: SessionWorld) -> None:
    world.start()
    world.clock.now += 1
    kept = world.start()
    world.clock.now += LIFETIME - 1

    begun = world.start()

    assert {row["id"] for row in world.rows(sessions)} == {kept.session.id, begun.session.id}


def test_jwt_14_a_disabled_account_gets_no_token_and_its_session_ends(world: SessionWorld) -> None:
    begun, other = world.start(), world.start()
    world.accounts.disable(world.account_id)

    assert world.refused(begun.refresh_token) == "the account is disabled"

    assert [row["id"] for row in world.rows(sessions)] == [other.session.id]
    assert world.ends() == [("session_ended", world.account_id, "the account is disabled", begun.session.id)]
    world.accounts.enable(world.account_id)
    assert world.refused(begun.refresh_token) == "no session has this refresh token"


def test_jwt_14_the_sessions_go_with_the_account(world: SessionWorld) -> None:
    begun = world.start()

    assert world.accounts.delete(world.account_id)

    assert world.rows(sessions) == []
    assert world.refused(begun.refresh_token) == "no session has this refresh token"


def test_a_session_is_ended(world: SessionWorld) -> None:
    begun, other = world.start(), world.start()

    assert world.sessions.end(world.account_id, begun.session.id) is True
    assert world.sessions.end(world.account_id, begun.session.id) is False

    assert world.refused(begun.refresh_token) == "no session has this refresh token"
    assert world.renew(other.refresh_token).session.id == other.session.id
    assert world.ends() == [("session_ended", world.account_id, "signed out", begun.session.id)]


def test_nobody_ends_or_sees_the_session_of_somebody_else(world: SessionWorld) -> None:
    begun = world.start()
    stranger = world.accounts.sign_in(world.login("user-2")).account.id

    assert world.sessions.end(stranger, begun.session.id) is False
    assert world.sessions.end_all(stranger) == 0
    assert world.sessions.of(stranger) == ()
    assert [session.id for session in world.sessions.of(world.account_id)] == [begun.session.id]


@pytest.mark.parametrize(
    "session_id", ["", "\x00" * 32, "\ud800" * 32, "é" * 32, "a" * 33, "a" * 32 + "\x00", "A" * 32, "%", "a" * 10_000]
)
def test_an_odd_session_id_is_nobody_s(world: SessionWorld, session_id: str) -> None:
    world.start()

    assert world.sessions.end(world.account_id, session_id) is False
    assert world.ends() == []


def test_a_session_id_has_one_spelling(world: SessionWorld) -> None:
    begun = world.start()

    assert world.sessions.end(world.account_id, begun.session.id.upper()) is False
    assert world.sessions.end(world.account_id, begun.session.id + "\n") is False


def test_all_sessions_of_an_account_are_ended(world: SessionWorld) -> None:
    tokens = [world.start().refresh_token, world.start().refresh_token]
    stranger = world.accounts.sign_in(world.login("user-2")).account.id
    other = world.sessions.start(stranger, "phone", "acme")

    assert world.sessions.end_all(world.account_id, "password lost") == 2
    assert world.sessions.end_all(world.account_id) == 0

    for token in tokens:
        assert world.refused(token) == "no session has this refresh token"
    assert world.renew(other.refresh_token).session.account_id == stranger
    assert world.ends() == [
        ("sessions_ended", world.account_id, "password lost", None),
        ("sessions_ended", world.account_id, "signed out everywhere", None),
    ]


def test_the_export_of_a_person_has_their_sessions_and_no_digest(world: SessionWorld) -> None:
    begun = world.start()
    stranger = world.accounts.sign_in(world.login("user-2")).account.id
    world.sessions.start(stranger, "phone", "acme")

    exported: Any = world.accounts.export(world.account_id)

    assert exported["sessions"] == [
        {
            "id": begun.session.id,
            "account_id": world.account_id,
            "app": "phone",
            "registration": "acme",
            "created_at": "2027-01-15T08:00:00+00:00",
            "used_at": "2027-01-15T08:00:00+00:00",
            "ends_at": "2027-02-14T08:00:00+00:00",
            "rotated_at": None,
        }
    ]


def test_the_session_used_last_comes_first(world: SessionWorld) -> None:
    begun = []
    for _ in range(3):
        begun.append(world.start())
        world.clock.now += 1
    world.renew(begun[1].refresh_token)

    assert [session.id for session in world.sessions.of(world.account_id)] == [
        begun[number].session.id for number in (1, 2, 0)
    ]


def test_of_two_used_in_one_moment_the_younger_comes_first(world: SessionWorld) -> None:
    begun = []
    for _ in range(3):
        begun.append(world.start())
        world.clock.now += 1
    for one in begun:
        world.renew(one.refresh_token)

    assert [session.id for session in world.sessions.of(world.account_id)] == [
        begun[number].session.id for number in (2, 1, 0)
    ]


def test_a_session_knows_whole_seconds_as_every_database_keeps_them(world: SessionWorld) -> None:
    world.clock.now += 0.75

    begun = world.start()

    assert (begun.session.created_at, begun.session.ends_at) == (START, START + timedelta(days=30))
    assert world.sessions.of(world.account_id) == (begun.session,)
