"""The vault: a token that is good now, refreshed once, and never lost."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from functools import partial

import pytest
from broken_line import Line
from fakes import TOKEN, answer
from requests import ConnectionError as Reset
from requests import ReadTimeout
from sqlalchemy import create_engine, delete, select, text
from sqlalchemy.orm import Session
from vault_world import ADA, DUE, LIFETIME, Doubtful, Flaky, Rotation, Stopwatch, VaultWorld, strict_acme

from authkit import Secret
from authkit.accounts import Database, Vault
from authkit.accounts.audit import digest
from authkit.accounts.columns import database_time
from authkit.accounts.schema import audit, identities, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import TokenRows
from authkit.errors import (
    AuthkitError,
    ProviderMisconfigured,
    ProviderProtocolError,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
    ReauthRequired,
    StoreUnavailable,
    UnknownProvider,
)

OLD = (TOKEN["access_token"], TOKEN["refresh_token"])
FIRST = ("canary-access-1", "canary-refresh-1")
REFUSED = "invalid_grant"


@pytest.fixture
def world(database):
    """Give a world in which Ada has just signed in."""
    return VaultWorld(database)


def at(world: VaultWorld, seconds: float = 0) -> datetime:
    return datetime.fromtimestamp(world.clock() + seconds, timezone.utc)


def in_threads(count, call):
    """Call in so many threads at the same moment, and return the answers; an error is one."""
    barrier = threading.Barrier(count)

    def run():
        barrier.wait(30)
        try:
            return call()
        except AuthkitError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return [future.result(60) for future in [pool.submit(run) for _ in range(count)]]


class TestATokenThatIsGood:
    def test_it_is_given_without_asking_the_provider_by_one_query(self, world):
        with world.statements() as statements:
            token = world.vault.access_token(ADA)

        assert token.reveal() == OLD[0]
        assert [statement.split()[0] for statement in statements] == ["SELECT"]
        assert world.asked == 0

    def test_it_comes_with_its_scope_and_its_ends(self, world):
        token = world.vault.token(ADA)

        assert token == world.token(subject="user-1")
        assert token.subject == "user-1"

    def test_it_is_given_while_somebody_else_refreshes_it_by_one_query(self, world):
        world.clock.now += DUE
        seen = []

        def look():
            with world.statements() as statements:
                seen.append(world.server().access_token(ADA).reveal())
                seen.append(len(statements))

        world.while_it_answers(look)
        given = world.vault.access_token(ADA).reveal()

        assert (seen, given, world.asked) == ([OLD[0], 1], FIRST[0], 1)

    def test_nobody_has_one_who_never_signed_in(self, database):
        world = VaultWorld(database, login=False)

        for ask in (world.vault.access_token, world.vault.token, world.vault.refresh):
            with pytest.raises(ReauthRequired, match="no token is kept"):
                ask(ADA)
        assert world.asked == 0


class TestWhenItIsRefreshed:
    @pytest.mark.parametrize(
        ("lifetime", "due"), [(7200, 6900), (3600, 3300), (3000, 2700), (100, 90), (10, 9), (1, 1)]
    )
    def test_five_minutes_or_a_tenth_of_its_lifetime_before_it_ends(self, database, lifetime, due):
        world = VaultWorld(database, expires_at=None, login=False)
        world.accounts.sign_in(world.login(token=world.token(expires_at=at(world, lifetime))))

        world.clock.now += due - 1
        assert world.vault.access_token(ADA).reveal() == OLD[0]
        world.clock.now += 1
        assert world.vault.access_token(ADA).reveal() == FIRST[0]

    def test_what_was_refreshed_counts_from_then_on_by_the_numbers_of_the_answer(self, world):
        world.network.replies["token"] = Rotation(expires_in=100, refresh_expires_in=5000, scope="profile email")
        world.clock.now += DUE

        token = world.vault.token(ADA)

        assert token == world.token("canary-access-1", refresh_token=Secret(FIRST[1]), scope=("profile", "email"),
            expires_at=at(world, 100), refresh_expires_at=at(world, 5000), subject="user-1")  # fmt: skip
        assert world.kept().token == token
        assert world.kept().obtained_at == at(world)
        world.clock.now += 89
        assert world.vault.token(ADA) == token
        world.clock.now += 1
        assert world.vault.access_token(ADA).reveal() == "canary-access-2"

    def test_a_token_without_an_end_is_refreshed_after_an_hour(self, database):
        world = VaultWorld(database, expires_at=None)
        world.network.replies["token"] = {name: TOKEN[name] for name in TOKEN if name != "expires_in"}

        world.clock.now += 3599
        world.vault.access_token(ADA)
        assert world.asked == 0
        world.clock.now += 1
        assert world.vault.token(ADA).expires_at is None
        assert world.asked == 1
        world.vault.access_token(ADA)
        assert world.asked == 1

    def test_a_token_without_an_end_is_used_on_while_the_refresh_fails(self, database):
        world = VaultWorld(database, expires_at=None)
        world.network.replies["token"] = (503, b"")
        world.clock.now += 7200

        assert world.vault.access_token(ADA).reveal() == OLD[0]
        assert world.asked == 1

    def test_a_token_with_neither_an_end_nor_a_refresh_token_is_used_for_ever(self, database):
        world = VaultWorld(database, expires_at=None, refresh_token=None, refresh_expires_at=None)
        world.clock.now += 10**8

        assert world.vault.access_token(ADA).reveal() == OLD[0]
        assert world.asked == 0

    def test_a_token_without_a_refresh_token_is_used_to_its_last_second_and_closed_then(self, database):
        world = VaultWorld(database, refresh_token=None, refresh_expires_at=None)

        world.clock.now += LIFETIME - 1
        assert world.vault.access_token(ADA).reveal() == OLD[0]
        assert world.told == []
        world.clock.now += 1
        for _ in range(2):
            with pytest.raises(ReauthRequired, match="there is no refresh token"):
                world.vault.access_token(ADA)
        assert world.asked == 0
        assert world.told == [("reauth_required", "user-1", "there is no refresh token")]


class TestTheAnswerOfARefresh:
    @pytest.mark.parametrize("came", [None, ""])
    def test_ref_02_the_old_refresh_token_stays_where_no_new_one_came(self, world, came):
        reply = {**TOKEN, "access_token": "canary-access-1", "refresh_token": came}
        world.network.replies["token"] = {name: reply[name] for name in reply if reply[name] is not None}
        world.clock.now += DUE

        world.vault.access_token(ADA)

        assert world.kept_pair() == ("canary-access-1", OLD[1])
        assert world.kept().token.refresh_expires_at == at(world, 24 * 3600 - DUE)

    def test_ref_02_a_new_one_takes_the_place_of_the_old(self, world):
        world.clock.now += DUE
        world.vault.access_token(ADA)
        assert world.kept_pair() == FIRST

        world.clock.now += DUE
        world.vault.access_token(ADA)
        assert world.kept_pair() == ("canary-access-2", "canary-refresh-2")
        assert [sent.form["refresh_token"] for sent in world.network.to("token")] == [OLD[1], FIRST[1]]

    @pytest.mark.parametrize(
        "scope", ["profile \0", "profile \ud800", "a" * 70_000], ids=["NUL", "surrogate", "long"]
    )
    def test_ref_02_a_rotated_token_is_kept_whatever_the_scope_beside_it(self, world, scope):
        world.network.replies["token"] = Rotation(scope=scope)
        world.clock.now += DUE

        assert world.vault.token(ADA).scope == ("profile",)
        assert world.kept_pair() == FIRST

    def test_ref_02_a_rotated_token_is_kept_whatever_the_id_token_beside_it(self, world):
        world.network.replies["token"] = Rotation(id_token="a" * 70_000)
        world.clock.now += DUE

        assert world.vault.access_token(ADA).reveal() == FIRST[0]
        assert world.kept_pair() == FIRST

    def test_ref_02_a_malformed_refresh_token_costs_nobody_the_access_token(self, world):
        world.network.replies["token"] = {**TOKEN, "access_token": "canary-access-1", "refresh_token": "a b"}
        world.clock.now += DUE

        assert world.vault.access_token(ADA).reveal() == FIRST[0]
        assert world.kept_pair() == (FIRST[0], OLD[1])

    def test_it_is_recorded_and_the_observers_are_told(self, world):
        world.clock.now += DUE
        world.vault.access_token(ADA)

        assert world.told == [("refreshed", "user-1")]
        assert world.trail() == [("created", None), ("refreshed", None)]

    def test_no_connection_is_held_while_the_provider_answers(self, world):
        held = []
        world.while_it_answers(lambda: held.append(world.database.engine.pool.checkedout()))
        world.clock.now += DUE

        world.vault.access_token(ADA)

        assert held == [0]
        assert world.database.engine.pool.checkedout() == 0

    def test_it_is_written_before_an_observer_or_the_caller_has_it(self, world):
        seen = []

        class Watching(list):
            def append(self, item):
                seen.append(world.kept_pair())
                super().append(item)

        world.told = Watching()
        world.clock.now += DUE
        world.vault.access_token(ADA)

        assert seen == [FIRST]

    def test_a_request_that_is_rolled_back_loses_nothing(self, world):
        with Session(create_engine(world.database.engine.url)) as session:
            if world.database.engine.dialect.name != "sqlite":  # where one can write at a time
                session.execute(identities.update().values(display_name="nonsense"))
            session.execute(text("SELECT 1"))
            world.clock.now += DUE
            given = world.vault.access_token(ADA).reveal()
            session.rollback()
            session.get_bind().dispose()

        assert (given, world.kept_pair()) == (FIRST[0], FIRST)
        assert world.server().access_token(ADA).reveal() == FIRST[0]


class TestOneRefreshAtATime:
    @pytest.mark.parametrize("passed", [DUE, LIFETIME, 10 * LIFETIME])
    def test_con_03_many_threads_send_one_request_and_all_have_a_good_token(self, world, passed):
        vaults = [Vault(world.new_kit(world.clock, world.network), world.database) for _ in range(2)]
        world.clock.now += passed

        given = in_threads(20, lambda: vaults[threading.get_ident() % 2].access_token(ADA).reveal())

        assert world.asked == 1
        assert world.endpoint.count == 1
        assert set(given) <= {OLD[0], FIRST[0]} if passed < LIFETIME else set(given) == {FIRST[0]}
        assert world.kept_pair() == FIRST
        assert world.told == [("refreshed", "user-1")]

    def test_ten_threads_close_a_token_once(self, world):
        world.network.replies["token"] = (400, {"error": REFUSED})
        world.clock.now += LIFETIME

        given = in_threads(10, lambda: Vault(world.kit, world.database).access_token(ADA))

        assert [type(error) for error in given] == [ReauthRequired] * 10
        assert world.asked == 1
        assert world.told == [("reauth_required", "user-1", REFUSED)]
        assert world.trail() == [("created", None), ("reauth_required", REFUSED)]

    def test_ref_04_ten_threads_share_one_failure(self, world):
        world.network.replies["token"] = (503, b"")
        world.clock.now += LIFETIME

        given = in_threads(10, lambda: Vault(world.kit, world.database).access_token(ADA))

        assert [type(error) for error in given] == [ProviderUnavailable] * 10
        assert world.asked == 1
        assert world.row()["failures"] == 1

    def test_who_waits_for_ever_gives_up(self, world):
        waited, other = Stopwatch(), []
        world.clock.now += LIFETIME

        def wait():
            with pytest.raises(ProviderUnavailable, match="others are refreshing") as caught:
                world.server(waited=waited).access_token(ADA)
            other.append(caught.value)

        world.while_it_answers(wait)
        world.vault.access_token(ADA)

        assert len(other) == 1
        assert 60 <= waited() < 61
        assert world.asked == 1

    def test_who_waits_looks_again_twice_a_second_at_last(self, world):
        class Pauses(Stopwatch):
            def sleep(self, seconds):
                pauses.append(seconds)
                super().sleep(seconds)

        pauses = []
        world.clock.now += LIFETIME
        world.change_row(lease_owner="a" * 32, lease_until=int(time.time()) + 3600)

        with pytest.raises(ProviderUnavailable, match="others are refreshing"):
            world.server(waited=Pauses()).access_token(ADA)

        assert pauses[:7] == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.5]

    def test_who_died_in_a_refresh_delays_the_others_by_half_a_minute(self, world):
        left = []

        def look(executor):
            until, now = executor.execute(select(tokens.c.lease_until, database_time())).one()
            left.append(until - now)

        world.clock.now += LIFETIME
        world.while_it_answers(lambda: world.database.read(look))
        Vault(world.kit, world.database).access_token(ADA)

        assert left[0] in (29, 30)

    def test_who_waits_has_the_token_as_soon_as_it_is_there(self, world):
        world.clock.now += LIFETIME
        waited = Stopwatch()
        kept = world.kept()
        rows = TokenRows(Strongbox(world.kit.sealers["vault"], tokens.name))
        lease = world.database.write(lambda executor: rows.take_lease(executor, kept, "a" * 32, 30))
        fresh = world.token("canary-access-1", subject="user-1")
        waited.meanwhile = [
            lambda: None,
            lambda: world.database.write(lambda executor: rows.replace(executor, lease, ADA, fresh, at(world))),
        ]

        given = world.server(waited=waited).access_token(ADA).reveal()

        assert given == "canary-access-1"
        assert waited() == pytest.approx(0.05 + 0.1)
        assert world.asked == 0


class TestALeaseThatIsLost:
    """Somebody else changed the row while the provider answered: what it answered is thrown away."""

    @pytest.mark.parametrize("reply", ["rotated", "unchanged", "fails"])
    def test_the_first_writes_nothing_and_has_the_token_of_the_second(self, world, reply):
        def overtake():
            world.change_row(lease_until=1)
            return world.server().access_token(ADA)

        self.overtaken_by(world, overtake, reply)

    @pytest.mark.slow
    def test_so_it_is_when_the_lease_has_really_run_out(self, database):
        world = VaultWorld(database, lease=1)

        self.overtaken_by(world, lambda: Vault(world.kit, database, lease=1).access_token(ADA), "rotated")

    def overtaken_by(self, world, overtake, reply):
        """Let somebody overtake a refresh while the provider answers; then it gives the first one this answer."""
        world.clock.now += LIFETIME
        taken = []
        replies = {
            "rotated": world.endpoint,
            "unchanged": lambda request: answer(request, 200, {**TOKEN, "access_token": "canary-of-the-first"}),
            "fails": lambda request: answer(request, 503),
        }

        def overtaken(request):
            if not taken:
                taken.append("")
                taken[0] = overtake().reveal()
                return replies[reply](request)
            return world.endpoint(request)

        world.network.replies["token"] = overtaken
        given = world.vault.access_token(ADA).reveal()

        assert (taken, given) == ([FIRST[0]], FIRST[0])
        assert world.kept_pair() == FIRST
        assert world.asked == 2
        assert world.told == [("refreshed", "user-1")]
        assert world.trail() == [("created", None), ("refreshed", None)]
        assert (world.row()["failures"], world.row()["retry_at"]) == (0, None)

    @pytest.mark.slow
    @pytest.mark.parametrize(("mine", "other"), [(0, 3600), (0, -3600), (3600, 0), (-3600, 0)])
    def test_it_lasts_as_long_as_the_database_says_whatever_the_clocks_of_servers_say(self, database, mine, other):
        world = VaultWorld(database, lease=2)
        world.network.replies["token"] = Rotation(expires_in=10 * LIFETIME)
        world.clock.now += 3 * LIFETIME  # so that it has ended for all of them
        impatient, seen = Stopwatch(), []

        def others():
            with pytest.raises(ProviderUnavailable, match="others are refreshing"):
                world.server(ahead=other, waited=impatient).access_token(ADA)
            seen.append(world.asked)
            patient = Vault(world.new_kit(lambda: world.clock() + other, world.network), database, lease=2)
            seen.append(patient.access_token(ADA).reveal())
            seen.append(world.asked)

        world.while_it_answers(others)
        given = world.server(ahead=mine).access_token(ADA).reveal()

        assert seen == [1, FIRST[0], 2]
        assert given == FIRST[0]

    def test_the_token_of_a_login_wins(self, world):
        world.clock.now += LIFETIME
        newer = world.token("canary-of-the-login", refresh_token=Secret("canary-refresh-of-the-login"))
        world.while_it_answers(lambda: world.accounts.sign_in(world.login(token=newer)))

        given = world.vault.access_token(ADA).reveal()

        assert given == "canary-of-the-login"
        assert world.kept_pair() == ("canary-of-the-login", "canary-refresh-of-the-login")
        assert world.trail() == [("created", None), ("signed_in", None)]
        assert (world.told, world.network.to("revoke"), world.waiting()) == ([], [], [])

    def test_a_token_that_a_webhook_dropped_stays_dropped(self, world):
        world.clock.now += LIFETIME
        kept = world.kept()
        rows = TokenRows(Strongbox(world.kit.sealers["vault"], tokens.name))
        world.while_it_answers(
            lambda: world.database.write(
                lambda executor: rows.drop(executor, kept.identity_id, "removed by the user", at(world))
            )
        )

        for _ in range(2):
            with pytest.raises(ReauthRequired, match="removed by the user"):
                world.vault.access_token(ADA)
        assert (world.row()["sealed"], world.asked, world.told) == (None, 1, [])

    @pytest.mark.parametrize("how", ["unlink", "delete"])
    def test_a_token_whose_identity_goes_is_revoked_as_well(self, world, how):
        world.clock.now += LIFETIME
        account = world.accounts.of(ADA)
        go = {
            "unlink": lambda: world.accounts.unlink(account.id, ADA, even_last=True),
            "delete": lambda: world.accounts.delete(account.id),
        }
        world.while_it_answers(go[how])

        with pytest.raises(ReauthRequired, match="no token is kept"):
            world.vault.access_token(ADA)

        assert [sent.form["token"] for sent in world.network.to("revoke")] == [OLD[1], FIRST[1]]
        assert (world.waiting(), world.told) == ([], [])
        assert [event for event, _ in world.trail()].count("revoked") == 2

    def test_its_revocation_waits_while_it_fails(self, world):
        world.network.replies["revoke"] = (503, b"")
        world.clock.now += LIFETIME
        world.while_it_answers(lambda: world.accounts.unlink(world.accounts.of(ADA).id, ADA, even_last=True))

        with pytest.raises(ReauthRequired):
            world.vault.access_token(ADA)

        assert len(world.waiting()) == 2
        world.network.replies["revoke"] = {}
        world.clock.now += 60
        assert [world.revocations.attempt(pending) for pending in world.revocations.due()] == [True, True]
        assert {sent.form["token"] for sent in world.network.to("revoke")} == {OLD[1], FIRST[1]}

    def test_it_is_not_revoked_where_that_is_switched_off(self, database):
        world = VaultWorld(database, settings={"authkit.accounts.revoke": "false"})
        world.clock.now += LIFETIME
        world.while_it_answers(lambda: world.accounts.unlink(world.accounts.of(ADA).id, ADA, even_last=True))

        with pytest.raises(ReauthRequired):
            world.vault.access_token(ADA)

        assert (world.network.to("revoke"), world.waiting()) == ([], [])

    def test_the_token_of_somebody_who_came_back_meanwhile_is_left_alone(self, world):
        world.clock.now += LIFETIME
        newer = world.token("canary-of-the-login")

        def leave_and_return():
            world.accounts.delete(world.accounts.of(ADA).id)
            world.accounts.sign_in(world.login(token=newer))

        world.while_it_answers(leave_and_return)

        assert world.vault.access_token(ADA).reveal() == "canary-of-the-login"
        assert [sent.form["token"] for sent in world.network.to("revoke")] == [OLD[1]]
        assert world.waiting() == []


class TestATokenThatIsOfNoUse:
    @pytest.mark.parametrize("status", [400, 200, 401])
    def test_ref_01_it_is_closed_once_and_the_provider_asked_no_more(self, world, status):
        world.network.replies["token"] = (status, {"error": REFUSED, "error_description": "gone"})
        world.clock.now += LIFETIME

        for _ in range(3):
            with pytest.raises(ReauthRequired, match="invalid_grant: gone"):
                world.vault.access_token(ADA)
            with pytest.raises(ReauthRequired, match="invalid_grant: gone"):
                world.server().refresh(ADA)

        assert world.asked == 1
        assert world.told == [("reauth_required", "user-1", "invalid_grant: gone")]
        assert world.trail() == [("created", None), ("reauth_required", "invalid_grant: gone")]
        row = world.row()
        assert (row["sealed"], row["closed_at"], row["closed_because"]) == (None, at(world), "invalid_grant: gone")
        assert world.accounts.identities(world.accounts.of(ADA).id)[0].needs_reauth

    def test_the_trail_has_the_reference_of_the_error_that_closed_it(self, world):
        world.network.replies["token"] = (400, {"error": REFUSED})
        world.clock.now += LIFETIME
        with pytest.raises(ReauthRequired) as caught:
            world.vault.access_token(ADA)

        with world.database.engine.connect() as connection:
            row = connection.execute(audit.select().where(audit.c.event == "reauth_required")).one()
        assert (row.reference, row.identity, row.registration) == (caught.value.correlation_id, digest(ADA), "acme")

    def test_the_next_login_opens_it_again(self, world):
        world.network.replies["token"] = (400, {"error": REFUSED})
        world.clock.now += LIFETIME
        with pytest.raises(ReauthRequired):
            world.vault.access_token(ADA)

        world.accounts.sign_in(world.login(token=world.token("canary-of-the-login")))

        assert world.vault.access_token(ADA).reveal() == "canary-of-the-login"
        assert not world.accounts.identities(world.accounts.of(ADA).id)[0].needs_reauth

    def test_ref_03_an_answer_for_another_user_closes_it(self, database):
        world = VaultWorld(database, provider=strict_acme)
        world.network.replies["token"] = Rotation(uid="user-2")
        world.clock.now += DUE

        with pytest.raises(ReauthRequired, match="belongs to another user"):
            world.vault.access_token(ADA)

        reason = "the refreshed token belongs to another user"
        assert world.row()["sealed"] is None
        assert world.trail()[-1] == ("reauth_required", reason)
        assert world.told == [("reauth_required", "user-1", reason)]
        with pytest.raises(ReauthRequired):
            world.vault.access_token(ADA)
        assert world.asked == 1

    def test_an_answer_for_the_same_user_is_fine(self, database):
        world = VaultWorld(database, provider=strict_acme)
        world.network.replies["token"] = Rotation(uid="user-1")
        world.clock.now += DUE

        assert world.vault.access_token(ADA).reveal() == FIRST[0]


def too_many(request, retry_after="120"):
    return answer(request, 429, {}, Retry_After=retry_after)


TEMPORARY = [
    ((503, b""), ProviderUnavailable),
    (ReadTimeout(), ProviderUnavailable),
    (Reset(), ProviderUnavailable),
    ((200, b"<html>log in</html>"), ProviderProtocolError),
    ((200, {"access_token": ["wrong"]}), ProviderProtocolError),
    ((400, {"error": "invalid_request"}), ProviderRejected),
    ((401, {"error": "invalid_client"}), ProviderMisconfigured),
    (too_many, ProviderRateLimited),
]
IDS = ["503", "timeout", "reset", "html", "types", "malformed", "misconfigured", "rate"]


class TestAFailureThatMayPass:
    @pytest.mark.parametrize(("reply", "kind"), TEMPORARY, ids=IDS)
    def test_ref_04_the_token_is_kept_and_nobody_asks_for_a_while(self, world, reply, kind):
        world.network.replies["token"] = reply
        world.clock.now += LIFETIME

        with pytest.raises(kind):
            world.vault.access_token(ADA)

        pause = 120 if reply is too_many else 5
        assert world.row()["retry_at"] == at(world, pause)
        assert world.kept_pair() == OLD
        assert (world.told, world.trail()) == ([], [("created", None)])
        world.clock.now += pause - 1
        for server in (world.vault, world.server()):
            with pytest.raises(ProviderUnavailable, match="the next is tried in 1 s") as caught:
                server.access_token(ADA)
            assert caught.value.retry_after == 1
        assert world.asked == 1
        world.network.replies["token"] = world.endpoint
        world.clock.now += 1
        assert world.server().access_token(ADA).reveal() == FIRST[0]
        assert (world.row()["failures"], world.row()["retry_at"]) == (0, None)

    @pytest.mark.parametrize(("reply", "kind"), TEMPORARY, ids=IDS)
    def test_a_token_that_has_not_ended_is_given_meanwhile(self, world, reply, kind):
        world.network.replies["token"] = reply
        world.clock.now += DUE

        assert [server.access_token(ADA).reveal() for server in (world.vault, world.server())] == [OLD[0]] * 2

        assert (world.asked, world.row()["failures"]) == (1, 1)

    def test_the_pauses_grow_to_five_minutes_and_begin_anew_after_a_success(self, world):
        def fail():
            world.network.replies["token"] = (503, b"")
            with pytest.raises(ProviderUnavailable, match="503"):
                world.vault.access_token(ADA)
            pause = (world.row()["retry_at"] - at(world)).total_seconds()
            world.clock.now += pause
            return pause

        world.clock.now += LIFETIME
        assert [fail() for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]
        world.change_row(failures=10**6)
        assert fail() == 300
        world.network.replies["token"] = world.endpoint
        world.vault.access_token(ADA)
        world.clock.now += LIFETIME
        assert fail() == 5

    def test_a_provider_that_wants_to_be_left_alone_for_a_day_is_asked_after_five_minutes(self, world):
        world.network.replies["token"] = partial(too_many, retry_after="86400")
        world.clock.now += LIFETIME

        with pytest.raises(ProviderRateLimited):
            world.vault.access_token(ADA)

        assert world.row()["retry_at"] == at(world, 300)

    def test_the_pause_of_a_server_whose_clock_is_far_ahead_is_not_believed(self, world):
        world.network.replies["token"] = (503, b"")
        world.clock.now += LIFETIME
        with pytest.raises(ProviderUnavailable):
            world.server(ahead=7200).access_token(ADA)

        world.network.replies["token"] = world.endpoint

        assert world.vault.access_token(ADA).reveal() == FIRST[0]

    def test_a_pause_of_five_minutes_is_believed_and_one_of_a_second_more_is_not(self, world):
        world.clock.now += LIFETIME
        world.change_row(retry_at=at(world, 300))
        with pytest.raises(ProviderUnavailable, match="in 300 s"):
            world.vault.access_token(ADA)
        world.change_row(retry_at=at(world, 301))
        assert world.vault.access_token(ADA).reveal() == FIRST[0]

    def test_a_token_that_ends_while_the_provider_fails_is_not_given(self, world):
        world.clock.now += LIFETIME - 1

        def fail(request):
            world.clock.now += 1
            return answer(request, 503)

        world.network.replies["token"] = fail

        with pytest.raises(ProviderUnavailable, match="the next is tried in 5 s"):
            world.vault.access_token(ADA)


class TestARegistrationThatIsGone:
    def test_its_token_is_used_to_its_end_and_nobody_asked(self, world):
        world.change_row(registration="gone")
        world.clock.now += LIFETIME - 1
        assert world.vault.access_token(ADA).reveal() == OLD[0]

        world.clock.now += 1
        with pytest.raises(UnknownProvider, match="'gone', which is not configured any more"):
            world.vault.access_token(ADA)
        assert (world.asked, world.row()["failures"], world.row()["sealed"] is None) == (0, 0, False)

        world.change_row(registration="acme")
        assert world.vault.access_token(ADA).reveal() == FIRST[0]


class TestRefreshOnDemand:
    def test_a_token_that_the_provider_refuses_early_is_replaced(self, world):
        token = world.vault.refresh(ADA, Secret(OLD[0]))

        assert (token.access_token.reveal(), world.kept_pair()) == (FIRST[0], FIRST)

    def test_one_that_has_been_replaced_already_is_not(self, world):
        world.vault.refresh(ADA, Secret(OLD[0]))

        assert world.server().refresh(ADA, Secret(OLD[0])).access_token.reveal() == FIRST[0]
        assert world.asked == 1

    def test_one_that_was_replaced_and_has_ended_since_is(self, world):
        world.vault.refresh(ADA, Secret(OLD[0]))
        world.clock.now += LIFETIME

        assert world.vault.refresh(ADA, Secret(OLD[0])).access_token.reveal() == "canary-access-2"

    def test_without_a_token_the_one_that_is_kept_now_is_replaced(self, world):
        assert world.vault.refresh(ADA).access_token.reveal() == FIRST[0]
        assert world.vault.refresh(ADA).access_token.reveal() == "canary-access-2"

    def test_threads_that_meet_the_same_refusal_send_one_request(self, world):
        vault = Vault(world.kit, world.database)

        given = in_threads(10, lambda: vault.refresh(ADA, Secret(OLD[0])))

        assert [token.access_token.reveal() for token in given] == [FIRST[0]] * 10
        assert world.asked == 1

    def test_its_failure_is_raised_although_the_old_token_has_not_ended(self, world):
        world.network.replies["token"] = (503, b"")

        with pytest.raises(ProviderUnavailable, match="503"):
            world.vault.refresh(ADA)
        with pytest.raises(ProviderUnavailable, match="the next is tried in 5 s"):
            world.vault.refresh(ADA)
        assert world.asked == 1
        assert world.vault.access_token(ADA).reveal() == OLD[0]

    def test_a_token_that_cannot_be_refreshed_stays(self, database):
        world = VaultWorld(database, refresh_token=None, refresh_expires_at=None)

        with pytest.raises(ReauthRequired, match="there is no refresh token"):
            world.vault.refresh(ADA)
        assert world.vault.access_token(ADA).reveal() == OLD[0]

    def test_it_is_closed_if_the_provider_refuses_it(self, database):
        world = VaultWorld(database, refresh_token=None, refresh_expires_at=None)

        with pytest.raises(ReauthRequired, match="there is no refresh token"):
            world.vault.refresh(ADA, Secret(OLD[0]))
        assert (world.row()["sealed"], world.asked) == (None, 0)


class TestADatabaseThatFails:
    def test_a_new_token_is_written_once_it_is_back(self, world):
        waited, flaky = Stopwatch(), Flaky(world.database)
        world.while_it_answers(lambda: setattr(flaky, "failing", 19))
        world.clock.now += LIFETIME

        given = world.server(database=flaky, waited=waited).access_token(ADA).reveal()

        assert (given, world.kept_pair(), waited(), world.asked) == (FIRST[0], FIRST, 9.5, 1)
        assert world.told == [("refreshed", "user-1")]

    @pytest.mark.parametrize("database", ["postgresql", "mariadb"], indirect=True)
    def test_so_it_is_when_the_line_to_the_server_is_cut(self, world):
        url = world.database.engine.url
        line, waited = Line(url.host, url.port), Stopwatch()
        away = Database.open(url.set(host="127.0.0.1", port=line.port).render_as_string(hide_password=False))
        world.while_it_answers(line.cut)
        waited.meanwhile = [lambda: None, line.mend]
        world.clock.now += LIFETIME

        given = world.server(database=away, waited=waited).access_token(ADA).reveal()
        away.close()
        line.cut()

        assert (given, world.kept_pair(), waited(), world.asked) == (FIRST[0], FIRST, 1, 1)
        assert world.trail() == [("created", None), ("refreshed", None)]

    def test_a_row_that_somebody_else_writes_is_waited_for(self, world):
        other = create_engine(world.database.engine.url)  # as the app's own
        connection = other.connect()

        def hold():
            connection.execute(tokens.update().values(scope="of somebody who takes his time"))
            threading.Timer(0.3, connection.rollback).start()

        world.while_it_answers(hold)
        world.clock.now += LIFETIME
        given = world.vault.access_token(ADA).reveal()
        connection.close()
        other.dispose()

        assert (given, world.kept_pair()) == (FIRST[0], FIRST)
        assert world.row()["scope"] == "profile"

    def test_nobody_has_a_new_token_that_cannot_be_written(self, world):
        waited, flaky = Stopwatch(), Flaky(world.database)
        world.while_it_answers(lambda: setattr(flaky, "failing", 10**6))
        world.clock.now += LIFETIME

        with pytest.raises(StoreUnavailable, match="the database is away"):
            world.server(database=flaky, waited=waited).access_token(ADA)

        assert (waited(), world.asked, world.told) == (10, 1, [])
        assert world.kept_pair() == OLD
        assert world.trail() == [("created", None)]
        world.change_row(lease_until=0)
        for _ in range(2):
            with pytest.raises(ReauthRequired, match=REFUSED):
                world.vault.access_token(ADA)
        assert world.asked == 2

    @pytest.mark.parametrize(("reply", "kind"), [((400, {"error": REFUSED}), ReauthRequired), *TEMPORARY[:1]])
    def test_another_answer_is_written_once_it_is_back_too(self, world, reply, kind):
        waited, flaky = Stopwatch(), Flaky(world.database)

        def fail(request):
            flaky.failing = 2
            return answer(request, *reply)

        world.network.replies["token"] = fail
        world.clock.now += LIFETIME

        with pytest.raises(kind):
            world.server(database=flaky, waited=waited).access_token(ADA)

        assert waited() == 1
        assert (world.row()["sealed"] is None, world.row()["failures"]) == (
            kind is ReauthRequired,
            kind is not ReauthRequired,
        )

    def test_a_commit_whose_answer_is_lost_is_found_to_be_done(self, world):
        server = world.server(database=Doubtful(world.database))
        world.clock.now += LIFETIME

        assert server.access_token(ADA).reveal() == FIRST[0]

        assert (world.asked, world.told) == (1, [("refreshed", "user-1")])
        assert world.trail() == [("created", None), ("refreshed", None)]
        world.network.replies["token"] = (400, {"error": REFUSED})
        world.clock.now += LIFETIME
        with pytest.raises(ReauthRequired):
            server.access_token(ADA)
        assert world.told[1:] == [("reauth_required", "user-1", REFUSED)]
        assert world.trail()[2:] == [("reauth_required", REFUSED)]

    def test_a_lease_that_cannot_be_taken_sends_nothing(self, world):
        world.clock.now += LIFETIME

        with pytest.raises(StoreUnavailable):
            world.server(database=Flaky(world.database, 1)).access_token(ADA)

        assert (world.asked, world.row()["lease_until"]) == (0, None)

    def test_the_row_of_an_identity_goes_while_somebody_waits(self, world):
        world.clock.now += LIFETIME
        waited = Stopwatch()

        def vanish():
            with world.database.engine.begin() as connection:
                connection.execute(delete(tokens))

        waited.meanwhile = [vanish]
        world.change_row(lease_until=2**40)

        with pytest.raises(ReauthRequired, match="no token is kept"):
            world.server(waited=waited).access_token(ADA)
