"""The inbox: one effect per event, however often it comes, and whatever fails on the way."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from threading import Barrier, Event
from typing import Any

import pytest
from acme_events import NOW, event_body, signed, telling
from observers import ObservedWorld
from sqlalchemy import select

from authkit import Identity, ProviderEvent
from authkit.accounts import Database
from authkit.accounts.audit import digest
from authkit.accounts.database import Executor
from authkit.accounts.inbox import Delivery, Inbox
from authkit.accounts.schema import audit, claims, tokens
from authkit.errors import ReauthRequired, StoreUnavailable
from authkit.events import Received, receive

ADA = Identity("acme", "acme-client", "user-1")
MINUTE, DAY = 60, 24 * 3600


class World(ObservedWorld):
    """An app whose provider tells it of events, and the person who has signed in to it."""

    def __init__(self, database: Database, **settings: str) -> None:
        super().__init__(database, telling, **settings)
        self.inbox = Inbox(self.kit, database)
        self.handled: list[ProviderEvent] = []
        self.account = self.accounts.sign_in(self.login()).account
        self.observer.clear()

    def receive(self, name: str = "gone", **changes: Any) -> Received:
        """Return an event as it was delivered just now."""
        body = event_body(name, **{"at": int(self.clock()), **changes})
        return receive(self.kit, "acme", signed(body, int(self.clock())), body)

    def take(self, received: Received, handler: Callable[[ProviderEvent], object] | None = None) -> bool:
        return self.inbox.take(received, handler or self.handled.append)

    def refuse(self, received: Received, handler: Callable[[ProviderEvent], object] | None = None) -> str:
        with pytest.raises(StoreUnavailable) as caught:
            self.take(received, handler)
        assert (caught.value.__cause__, caught.value.__context__) == (None, None)
        return caught.value.reason

    def selected(self, *columns: Any) -> list[tuple[Any, ...]]:
        """Return what a table has, oldest row first."""

        def work(executor: Executor) -> list[tuple[Any, ...]]:
            query = select(*columns)
            if columns[0].table is audit:
                query = query.where(audit.c.event != "created").order_by(audit.c.id)
            return [tuple(row) for row in executor.execute(query)]

        return self.database.read(work)

    @property
    def trail(self) -> list[tuple[Any, ...]]:
        """What the audit trail says, but for the login: event, account, reason."""
        return self.selected(audit.c.event, audit.c.account_id, audit.c.reason)

    @property
    def kept(self) -> str:
        """What became of the token: its access token, or the reason why it is of no use."""
        try:
            return self.vault.access_token(ADA).reveal()
        except ReauthRequired as error:
            return error.reason

    @property
    def hooks_told(self) -> list[str]:
        return [hook for hook, *_ in self.observer.told]


@pytest.fixture
def world(database: Database) -> World:
    """Give somebody who has signed in, on each database."""
    return World(database)


class Broken(Exception):
    """What an app's handler raises."""


def broken(event: ProviderEvent) -> None:
    raise Broken("canary")


# What an event does


def test_whk_01_a_removed_authorization_closes_the_token_is_handled_and_told(world: World) -> None:
    received = world.receive(reason="the user is gone")

    assert world.take(received) is True

    assert world.kept == "the user is gone"
    assert world.selected(tokens.c.sealed, tokens.c.closed_because) == [(None, "the user is gone")]
    assert world.handled == [received.event]
    assert world.observer.told == [
        ("disconnected", ADA, "the user is gone"),
        ("provider_event", received.event),
    ]
    assert world.selected(*audit.c)[-1][2:] == (
        "disconnected",
        world.account.id,
        digest(ADA),
        "acme",
        "the user is gone",
        received.correlation_id,
    )


def test_whk_10_the_identity_and_the_account_stay(world: World) -> None:
    world.take(world.receive())

    (linked,) = world.accounts.identities(world.account.id)
    assert (linked.identity, linked.needs_reauth) == (ADA, True)
    assert world.accounts.get(world.account.id) == world.account
    assert world.accounts.sign_in(world.login()).account.id == world.account.id
    assert world.kept == "canary-access-token"


def test_whk_10_an_unknown_user_is_fine_and_has_no_effect(world: World) -> None:
    stranger = Identity("acme", "acme-client", "USER-1")

    assert world.take(world.receive(subject="USER-1", reason="for them alone")) is True

    assert world.kept == "canary-access-token"
    assert world.trail == [("provider_event", None, "gone")]
    assert world.selected(audit.c.identity) == [(digest(stranger),)]
    assert world.hooks_told == ["provider_event"]


def test_another_event_is_handled_and_told_and_closes_nothing(world: World) -> None:
    assert world.take(world.receive("published", content={"id": 7})) is True

    assert world.kept == "canary-access-token"
    assert world.trail == [("provider_event", None, "published")]
    assert [event.content for event in world.handled] == [{"id": 7}]
    assert world.hooks_told == ["provider_event"]


@pytest.mark.parametrize("subject", ["", " "])
def test_an_event_may_be_about_nobody(world: World, subject: str) -> None:
    assert world.take(world.receive("ready", subject=subject)) is True

    assert world.selected(audit.c.event, audit.c.identity) == [("provider_event", None)]


def test_who_has_an_identity_and_no_token_at_all_is_disconnected_too(world: World) -> None:
    with world.database.engine.begin() as connection:
        connection.execute(tokens.delete())

    assert world.take(world.receive()) is True

    assert world.hooks_told == ["disconnected", "provider_event"]
    assert world.trail == [("disconnected", world.account.id, "gone")]


def test_without_a_handler_the_event_takes_effect_all_the_same(world: World) -> None:
    assert world.inbox.take(world.receive()) is True
    assert (world.kept, world.hooks_told) == ("gone", ["disconnected", "provider_event"])


def test_somebody_without_a_token_is_disconnected_all_the_same(world: World) -> None:
    world.take(world.receive())
    world.clock.now += 1
    world.observer.clear()

    assert world.take(world.receive(reason="again")) is True

    assert world.kept == "gone"
    assert world.hooks_told == ["disconnected", "provider_event"]
    assert [event for event, *_ in world.trail] == ["disconnected", "disconnected"]


def test_an_event_that_comes_late_does_not_close_a_token_that_was_given_after_it(world: World) -> None:
    removed = world.receive()
    world.clock.now += 1
    world.accounts.sign_in(world.login())

    assert world.take(removed) is True

    assert world.kept == "canary-access-token"
    assert world.hooks_told == ["provider_event"]
    assert world.trail[-1] == ("provider_event", None, "gone")


def test_the_token_of_the_same_second_is_closed(world: World) -> None:
    world.accounts.sign_in(world.login())

    world.take(world.receive())

    assert world.kept == "gone"


def test_a_refresh_under_way_cannot_bring_the_token_back(world: World) -> None:
    def answer_meanwhile(request: Any) -> Any:
        world.take(world.receive())
        return original(request)

    from fakes import TOKEN, answer

    def original(request: Any) -> Any:
        return answer(request, 200, {**TOKEN, "access_token": "fresh"})

    world.clock.now += 3599
    world.network.replies["token"] = answer_meanwhile

    assert world.kept == "gone"
    assert world.selected(tokens.c.sealed) == [(None,)]


# Once


def test_whk_05_the_same_delivery_three_times_counts_once(world: World) -> None:
    received = world.receive()

    assert [world.take(received) for _ in range(3)] == [True, False, False]

    assert (world.handled, world.hooks_told) == ([received.event], ["disconnected", "provider_event"])
    assert len(world.trail) == 1


def test_whk_05_a_delivery_signed_anew_is_the_same_event(world: World) -> None:
    first = world.receive(at=NOW)
    world.clock.now += 299
    second = world.receive(at=NOW)
    world.clock.now += DAY
    third = world.receive(at=NOW)

    assert first.correlation_id != second.correlation_id
    assert [world.take(each) for each in (first, second, third)] == [True, False, False]


@pytest.mark.parametrize(("tolerance", "days"), [("300", 30), ("9999999", 30 + 115)])
def test_an_event_is_remembered_for_longer_than_its_signature_holds(
    database: Database, tolerance: str, days: int
) -> None:
    world = World(database, webhook__tolerance=tolerance)
    received = world.receive()
    world.take(received)

    world.clock.now += days * DAY
    assert world.take(received) is False

    world.clock.now += 2 * DAY
    assert world.take(received) is True


def test_another_event_of_the_same_person_counts_too(world: World) -> None:
    assert world.take(world.receive("published", content={"id": 1})) is True
    assert world.take(world.receive("published", content={"id": 2})) is True


def test_what_is_remembered_names_nobody(world: World) -> None:
    received = world.receive()
    world.take(received)

    kept = world.selected(claims.c.digest, claims.c.expires_at)
    states = [f"event {received.key} {state}" for state in ("busy", "applied", "done")]
    assert {digest for digest, _ in kept} == {sha256(state.encode()).hexdigest() for state in states}
    assert sorted(expires_at for _, expires_at in kept) == [NOW + 60, *[NOW + 300 + 30 * DAY] * 2]


@pytest.mark.slow
def test_the_same_delivery_by_eight_threads_at_once_has_one_effect(world: World) -> None:
    for number in range(3):
        world.accounts.sign_in(world.login())
        world.observer.clear()
        world.handled.clear()
        world.clock.now += 1
        before = len(world.trail)
        received, gate = world.receive(content={"number": number}), Barrier(8)

        def deliver(_: int, received: Received = received, gate: Barrier = gate) -> object:
            gate.wait(30)
            try:
                return world.take(received)
            except StoreUnavailable as error:
                return error.reason

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(deliver, range(8)))

        assert answers.count(True) == 1
        assert set(answers) <= {True, False, "another delivery of this event is being processed"}
        assert world.take(received) is False
        assert (world.handled, world.hooks_told) == ([received.event], ["disconnected", "provider_event"])
        assert len(world.trail) == before + 1


@pytest.mark.slow
def test_eight_events_at_once_have_eight_effects(world: World) -> None:
    received = [world.receive("published", content={"number": number}) for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(world.take, received)) == [True] * 8

    assert len(world.trail) == len(world.handled) == len(world.hooks_told) == 8


def test_a_delivery_is_what_it_was(world: World) -> None:
    delivery: Any = Delivery(world.receive(), NOW)

    with pytest.raises(FrozenInstanceError):
        delivery.busy_until = NOW + 1


# What fails, and comes again


def test_whk_13_a_handler_that_raises_is_called_again_by_the_next_delivery(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    received = world.receive()

    assert world.refuse(received, broken) == "the event handler raised Broken"
    assert (world.kept, world.hooks_told) == ("gone", ["disconnected"])
    assert [record.getMessage() for record in caplog.records] == ["the event handler raised"]
    assert caplog.records[0].exc_info is not None

    assert world.take(received) is True
    assert (world.handled, world.hooks_told) == ([received.event], ["disconnected", "provider_event"])
    assert len(world.trail) == 1
    assert world.take(received) is False


def test_a_retry_finds_the_person_back_and_leaves_the_new_token_alone(world: World) -> None:
    received = world.receive()
    world.refuse(received, broken)
    world.accounts.sign_in(world.login())  # within the same second

    assert world.take(received) is True

    assert world.kept == "canary-access-token"
    assert world.hooks_told == ["disconnected", "provider_event"]


def test_a_delivery_while_another_is_being_processed_has_to_come_again(world: World) -> None:
    received = world.receive()
    said: list[str] = []

    def handler(event: ProviderEvent) -> None:
        said.append(world.refuse(received))

    assert world.take(received, handler) is True
    assert said == ["another delivery of this event is being processed"]
    assert world.take(received) is False


@pytest.mark.parametrize(("later", "is_taken"), [(59, False), (60, True)])
def test_a_process_that_died_in_the_handler_delays_the_next_by_a_minute(
    world: World, later: int, is_taken: bool
) -> None:
    received = world.receive()

    def die(event: ProviderEvent) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        world.take(received, die)
    assert (world.kept, world.hooks_told) == ("gone", ["disconnected"])

    world.clock.now += later
    with suppress(StoreUnavailable):
        world.take(received)

    assert world.handled == ([received.event] if is_taken else [])
    assert world.hooks_told == ["disconnected", *["provider_event"] * is_taken]
    assert len(world.trail) == 1


def test_who_took_more_than_a_minute_does_not_give_back_what_is_another_s_by_now(world: World) -> None:
    received = world.receive()
    said: list[str] = []

    def second(event: ProviderEvent) -> None:
        started.set()
        assert first_has_failed.wait(30)
        said.append(world.refuse(received))

    def first(event: ProviderEvent) -> None:
        world.clock.now += MINUTE
        futures.append(pool.submit(world.take, received, second))
        assert started.wait(30)
        raise Broken

    started, first_has_failed = Event(), Event()
    futures: list[Any] = []
    with ThreadPoolExecutor(1) as pool:
        assert world.refuse(received, first) == "the event handler raised Broken"
        first_has_failed.set()
        assert futures[0].result(30) is True

    assert said == ["another delivery of this event is being processed"]


def test_of_two_that_finish_one_tells_the_observers(world: World) -> None:
    received = world.receive()

    def handler(event: ProviderEvent) -> None:
        world.clock.now += MINUTE
        assert world.take(received) is True

    assert world.take(received, handler) is True
    assert world.hooks_told == ["disconnected", "provider_event"]


# A database that fails


class Failing:
    """A database of which some writes fail: before they begin, or after the commit, when the answer is lost."""

    def __init__(self, database: Database, *plan: str) -> None:
        self._database = database
        self.plan = list(plan)

    def write(self, work: Callable[[Executor], Any]) -> Any:
        step = self.plan.pop(0) if self.plan else "works"
        if step == "fails":
            raise StoreUnavailable("the database failed")
        answer = self._database.write(work)
        if step == "loses":
            raise StoreUnavailable("the database failed")
        return answer


def failing(world: World, *plan: str) -> None:
    database: Any = Failing(world.database, *plan)
    world.inbox = Inbox(world.kit, database)


def test_whk_13_without_a_database_nothing_is_done_and_the_retry_does_it_all(world: World) -> None:
    received = world.receive()
    failing(world, "fails")

    assert world.refuse(received) == "the database failed"
    assert (world.kept, world.trail, world.handled, world.hooks_told) == ("canary-access-token", [], [], [])

    assert world.take(received) is True
    assert (world.kept, world.handled) == ("gone", [received.event])
    assert world.hooks_told == ["disconnected", "provider_event"]


def test_a_beginning_whose_answer_was_lost_is_not_begun_twice(world: World) -> None:
    received = world.receive()
    failing(world, "loses")

    assert world.refuse(received) == "the database failed"
    assert world.refuse(received) == "another delivery of this event is being processed"
    world.clock.now += MINUTE

    assert world.take(received) is True
    assert (world.handled, len(world.trail)) == ([received.event], 1)


def test_an_end_that_was_not_written_is_made_up_for(world: World) -> None:
    received = world.receive()
    failing(world, "works", "fails")

    assert world.refuse(received) == "the database failed"
    assert world.hooks_told == ["disconnected"]
    world.clock.now += MINUTE

    assert world.take(received) is True
    assert world.handled == [received.event, received.event]
    assert world.hooks_told == ["disconnected", "provider_event"]
    assert len(world.trail) == 1


def test_a_handler_and_a_database_that_fail_delay_the_next_by_a_minute(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    received = world.receive()
    failing(world, "works", "fails")

    assert world.refuse(received, broken) == "the event handler raised Broken"
    assert caplog.messages[1:] == [
        "an event that failed cannot be processed again for 60 s: the database fails too",
    ]
    world.clock.now += MINUTE - 1
    world.refuse(received)
    world.clock.now += 1
    assert world.take(received) is True


def test_the_effect_is_undone_if_its_line_of_the_trail_cannot_be_written(world: World) -> None:
    received = world.receive()

    class Strict:
        def write(self, work: Callable[[Executor], Any]) -> Any:
            def all_or_nothing(executor: Executor) -> Any:
                work(executor)
                raise StoreUnavailable("the disk is full")

            return world.database.write(all_or_nothing)

    strict: Any = Strict()
    world.inbox = Inbox(world.kit, strict)

    assert world.refuse(received) == "the disk is full"
    assert (world.kept, world.trail, world.selected(claims.c.digest), world.hooks_told) == (
        "canary-access-token",
        [],
        [],
        [],
    )


# Within the app's own transaction


def test_an_event_is_done_once_the_app_has_committed(world: World) -> None:
    received = world.receive()
    waiting: list[Callable[[bool], None]] = []

    assert world.inbox.take(received, world.handled.append, when_over=waiting.append) is True
    assert (world.kept, world.hooks_told) == ("gone", ["disconnected"])
    assert world.refuse(received) == "another delivery of this event is being processed"

    (settle,) = waiting
    settle(True)
    assert world.hooks_told == ["disconnected", "provider_event"]
    assert world.take(received) is False


def test_a_handler_that_raised_keeps_others_off_until_its_transaction_is_over(world: World) -> None:
    received = world.receive()
    waiting: list[Callable[[bool], None]] = []

    with pytest.raises(StoreUnavailable, match="the event handler raised Broken"):
        world.inbox.take(received, broken, when_over=waiting.append)
    assert world.refuse(received) == "another delivery of this event is being processed"

    (settle,) = waiting
    settle(True)  # an app that commits whatever its views raise
    assert world.hooks_told == ["disconnected"]
    assert world.take(received) is True


@pytest.mark.parametrize("is_known", [True, False])
def test_an_event_whose_transaction_came_to_nothing_is_handled_again(world: World, is_known: bool) -> None:
    received = world.receive()
    waiting: list[Callable[[bool], None]] = []
    world.inbox.take(received, world.handled.append, when_over=waiting.append)
    if is_known:
        waiting[0](False)
    else:
        world.clock.now += MINUTE

    assert world.take(received) is True
    assert world.handled == [received.event, received.event]
    assert world.hooks_told == ["disconnected", "provider_event"]


def test_what_happened_when_is_in_the_trail(world: World) -> None:
    removed = world.receive(at=NOW - 5)
    world.clock.now += 7.9

    world.take(removed)

    assert world.selected(audit.c.at) == [(datetime.fromtimestamp(NOW, timezone.utc) + timedelta(seconds=7),)]
    assert (NOW + 7 + MINUTE,) in world.selected(claims.c.expires_at)
