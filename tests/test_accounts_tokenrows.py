"""Rows of tokens: what they say, and who may change them."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import insert, select
from vault_world import ADA, VaultWorld

from authkit import Identity, Secret, Token
from authkit.accounts.columns import database_time
from authkit.accounts.schema import accounts, identities, tokens
from authkit.accounts.strongbox import Strongbox
from authkit.accounts.tokenrows import KeptToken, Lease, TokenRows, refresh_at
from authkit.errors import StoreUnavailable
from authkit.seal import Sealer

NOW = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
LATER = NOW + timedelta(hours=1)
NEW_KEY = "another-vault-key-that-is-long-enough-for-all"


@pytest.fixture
def world(database):
    """Give a world in which Ada has just signed in."""
    return VaultWorld(database)


@pytest.fixture
def rows(world):
    return rows_with(world)


def rows_with(world, *secrets):
    return TokenRows(Strongbox(sealer(world, *secrets) if secrets else world.kit.sealers["vault"], tokens.name))


def sealer(world, *secrets):
    return Sealer(secrets, "vault", world.kit.random)


def do(world, method, *args):
    """Do one thing with the rows in a transaction of its own."""
    return world.database.write(lambda executor: method(executor, *args))


def take(world, rows, owner="a" * 32, seconds=30):
    return do(world, rows.take_lease, world.kept(), owner, seconds)


def end_lease(world):
    world.change_row(lease_until=1)


class TestReading:
    def test_a_row_says_what_the_provider_said(self, world, rows):
        kept = do(world, rows.read, ADA)

        assert kept == KeptToken(
            identity_id=kept.identity_id,
            identity=ADA,
            registration="acme",
            token=world.token(subject="user-1"),
            obtained_at=datetime.fromtimestamp(world.clock(), timezone.utc),
            closed_because="",
            fence=1,
            is_leased=False,
            failures=0,
            retry_at=None,
        )
        assert "canary" not in repr(kept)

    def test_the_end_of_a_token_is_that_of_its_refresh_token_where_it_is_known(self, world, rows):
        assert world.row()["ends_at"] == world.token().refresh_expires_at

        do(world, rows.put, world.kept().identity_id, ADA, "acme", world.token(refresh_expires_at=None), NOW)

        assert world.row()["ends_at"] == world.token().expires_at

    def test_who_is_not_known_has_none(self, world, rows):
        for stranger in (
            Identity("acme", "acme-client", "USER-1"),
            Identity("acme", "other", "user-1"),
            Identity("other", "acme-client", "user-1"),
        ):
            assert do(world, rows.read, stranger) is None

    def test_a_closed_token_says_why(self, world, rows):
        lease = take(world, rows)
        assert do(world, rows.close, lease, "because\n", LATER)

        kept = do(world, rows.read, ADA)
        assert (kept.token, kept.closed_because, kept.fence, kept.is_leased) == (None, r"because\n", 3, False)

        world.change_row(closed_because=None)
        assert do(world, rows.read, ADA).closed_because == "closed"

    def test_a_row_that_was_moved_to_another_identity_does_not_open(self, world, rows):
        other = Identity("acme", "acme-client", "mallory")
        sealed = world.row()["sealed"]
        world.accounts.sign_in(world.login("mallory"))
        with world.database.engine.begin() as connection:
            mallory = select(identities.c.id).where(identities.c.subject == "mallory").scalar_subquery()
            connection.execute(tokens.update().where(tokens.c.identity_id == mallory).values(sealed=sealed))

        with pytest.raises(StoreUnavailable, match="does not open"):
            do(world, rows.read, other)
        assert do(world, rows.read, ADA).token.access_token == "canary-access-token"


class TestWhenToRefresh:
    @pytest.mark.parametrize(
        ("lifetime", "refresh_token", "expected"),
        [
            (7200, "r", 6900),
            (3000, "r", 2700),
            (2999, "r", 2999 - 299.9),
            (10, "r", 9),
            (None, "r", 3600),
            (7200, None, 7200),
            (7200, "", 7200),
            (None, None, None),
        ],
    )
    def test_it_goes_by_the_numbers_of_the_provider(self, lifetime, refresh_token, expected):
        token = Token(
            Secret("a"),
            None if refresh_token is None else Secret(refresh_token),
            expires_at=None if lifetime is None else NOW + timedelta(seconds=lifetime),
        )

        at = refresh_at(token, NOW)

        assert at == (None if expected is None else NOW + timedelta(seconds=expected))


class TestPutting:
    def test_a_login_takes_the_place_of_everything(self, world, rows):
        take(world, rows)
        world.change_row(failures=3, retry_at=LATER, closed_because="x", closed_at=NOW)
        newer = world.token("canary-newer", refresh_token=Secret("r"), scope=("a", "b"), refresh_expires_at=None)

        do(world, rows.put, world.kept().identity_id, ADA, "other", newer, LATER)

        row = world.row()
        assert {name: row[name] for name in row if name not in ("identity_id", "sealed", "sealed_with")} == {
            "registration": "other",
            "scope": "a b",
            "obtained_at": LATER,
            "expires_at": newer.expires_at,
            "refresh_expires_at": None,
            "ends_at": newer.expires_at,
            "closed_at": None,
            "closed_because": None,
            "fence": 3,
            "lease_owner": None,
            "lease_until": None,
            "failures": 0,
            "retry_at": None,
        }
        assert world.kept_pair() == ("canary-newer", "r")

    def test_the_refresh_token_stays_where_the_login_brought_none(self, world, rows):
        put = world.token("canary-newer", refresh_token=None, refresh_expires_at=None)

        do(world, rows.put, world.kept().identity_id, ADA, "acme", put, LATER)

        assert world.kept_pair() == ("canary-newer", "canary-refresh-token")
        assert world.kept().token.refresh_expires_at == world.token().refresh_expires_at

    @pytest.mark.parametrize("why", ["other registration", "closed", "unreadable", "none"])
    def test_it_does_not_if_it_is_of_no_use(self, world, rows, why):
        number, registration = world.kept().identity_id, "acme"
        if why == "other registration":
            registration = "other"
        elif why == "closed":
            do(world, rows.drop, number, "gone", NOW)
        elif why == "unreadable":
            world.change_row(sealed="damaged")
        else:
            with world.database.engine.begin() as connection:
                connection.execute(tokens.delete())
        put = world.token("canary-newer", refresh_token=None, refresh_expires_at=None)

        do(world, rows.put, number, ADA, registration, put, LATER)

        assert world.kept_pair() == ("canary-newer", None)

    def test_another_row_than_ones_own_is_never_changed(self, world, rows):
        before = world.row()
        with world.database.engine.begin() as connection:
            account = connection.execute(select(accounts.c.id)).scalar_one()
            known = connection.execute(select(identities)).one()._mapping
            values = {**known, "id": known["id"] + 1, "subject": "user-2", "account_id": account}
            connection.execute(insert(identities).values(values))

        do(world, rows.put, before["identity_id"] + 1, Identity("acme", "acme-client", "user-2"), "acme",
            world.token("other"), LATER)  # fmt: skip

        with world.database.engine.connect() as connection:
            both = connection.execute(select(tokens).order_by(tokens.c.identity_id)).all()
        assert (dict(both[0]._mapping), len(both), both[1].fence) == (before, 2, 1)


class TestTheLease:
    def test_it_has_an_owner_an_end_and_a_number(self, world, rows):
        before = world.kept()

        lease = take(world, rows, "b" * 32, 30)

        assert lease == Lease(before.identity_id, "b" * 32, before.fence + 1)
        row = world.row()
        assert (row["fence"], row["lease_owner"]) == (2, "b" * 32)
        with world.database.engine.connect() as connection:
            left = row["lease_until"] - connection.execute(select(database_time())).scalar_one()
        assert 25 <= left <= 30
        assert world.kept().is_leased

    def test_what_was_read_and_what_was_taken_cannot_be_changed(self, world, rows):
        for value in (world.kept(), take(world, rows)):
            with pytest.raises(dataclasses.FrozenInstanceError):
                value.identity_id = 0

    def test_nobody_takes_what_somebody_has(self, world, rows):
        take(world, rows)

        assert take(world, rows, "b" * 32) is None
        assert world.row()["lease_owner"] == "a" * 32

    def test_anybody_takes_what_has_run_out(self, world, rows):
        first = take(world, rows)
        end_lease(world)
        assert not world.kept().is_leased

        second = take(world, rows, "b" * 32)

        assert second.fence == first.fence + 1

    def test_nobody_takes_what_has_changed_since_it_was_read(self, world, rows):
        read = world.kept()
        assert do(world, rows.postpone, take(world, rows), 1, LATER)

        assert do(world, rows.take_lease, read, "b" * 32, 30) is None

    def test_nobody_takes_what_is_closed(self, world, rows):
        read = world.kept()
        world.change_row(sealed=None)

        assert do(world, rows.take_lease, read, "b" * 32, 30) is None

    def test_who_took_it_and_was_not_told_has_it(self, world, rows):
        read = world.kept()
        lease = do(world, rows.take_lease, read, "b" * 32, 30)

        assert do(world, rows.take_lease, read, "b" * 32, 30) == lease
        assert do(world, rows.take_lease, read, "c" * 32, 30) is None

    @pytest.mark.parametrize("how", ["replace", "postpone", "close"])
    def test_its_owner_ends_it_once(self, world, rows, how):
        lease = take(world, rows)
        end = {
            "replace": (rows.replace, lease, ADA, world.token("canary-fresh"), LATER),
            "postpone": (rows.postpone, lease, 4, LATER),
            "close": (rows.close, lease, "because", LATER),
        }[how]
        assert not do(world, rows.is_settled, lease)

        assert do(world, *end) is True

        after = world.row()
        assert (after["fence"], after["lease_until"]) == (3, None)
        assert do(world, rows.is_settled, lease)
        assert not do(world, rows.is_settled, Lease(lease.identity_id, "b" * 32, lease.fence))
        assert do(world, *end) is False
        assert world.row() == after

    @pytest.mark.parametrize("how", ["replace", "postpone", "close"])
    @pytest.mark.parametrize("by", ["taken over", "login", "dropped", "deleted"])
    def test_a_stale_owner_writes_nothing(self, world, rows, how, by):
        lease = take(world, rows)
        if by == "taken over":
            end_lease(world)
            take(world, rows, "b" * 32)
        elif by == "login":
            do(world, rows.put, lease.identity_id, ADA, "acme", world.token("canary-login"), NOW)
        elif by == "dropped":
            do(world, rows.drop, lease.identity_id, "gone", NOW)
        else:
            with world.database.engine.begin() as connection:
                connection.execute(tokens.delete())
        before = [] if by == "deleted" else world.row()
        end = {
            "replace": (rows.replace, lease, ADA, world.token("canary-stale"), LATER),
            "postpone": (rows.postpone, lease, 4, LATER),
            "close": (rows.close, lease, "because", LATER),
        }[how]

        assert do(world, *end) is False

        assert not do(world, rows.is_settled, lease)
        assert before == ([] if by == "deleted" else world.row())

    def test_a_lease_that_ran_out_and_that_nobody_took_is_still_good_for_writing(self, world, rows):
        lease = take(world, rows)
        end_lease(world)

        assert do(world, rows.replace, lease, ADA, world.token("canary-late"), LATER)
        assert world.kept_pair()[0] == "canary-late"


class TestClosing:
    def test_nothing_of_the_token_stays(self, world, rows):
        lease = take(world, rows)

        assert do(world, rows.close, lease, "x" * 1000, LATER)

        row = world.row()
        assert (row["sealed"], row["sealed_with"], row["expires_at"], row["ends_at"]) == (None, "", None, None)
        assert (row["closed_at"], row["closed_because"]) == (LATER, "x" * 497 + "...")

    def test_it_is_dropped_whoever_has_the_lease(self, world, rows):
        lease = take(world, rows)

        assert do(world, rows.drop, lease.identity_id, "removed", LATER) is True

        row = world.row()
        assert (row["sealed"], row["closed_because"], row["lease_owner"], row["lease_until"], row["fence"]) == (
            None, "removed", None, None, 3)  # fmt: skip

    def test_it_is_dropped_once(self, world, rows):
        number = world.kept().identity_id
        do(world, rows.drop, number, "first", NOW)
        before = world.row()

        assert do(world, rows.drop, number, "second", LATER) is False
        assert do(world, rows.drop, number + 1, "nobody", LATER) is False
        assert world.row() == before


class TestResealing:
    def test_a_token_is_sealed_with_the_newest_key(self, world, rows):
        both = rows_with(world, Secret(NEW_KEY), *world.kit.secrets)
        newest = rows_with(world, Secret(NEW_KEY))
        before = world.row()

        assert do(world, both.reseal, do(world, both.read, ADA)) is True

        after = world.row()
        changed = {name for name in after if after[name] != before[name]}
        assert changed == {"sealed", "sealed_with"}
        assert after["sealed_with"] == sealer(world, Secret(NEW_KEY)).key_id
        assert do(world, newest.read, ADA).token == world.token(subject="user-1")
        with pytest.raises(StoreUnavailable):
            do(world, rows.read, ADA)

    def test_a_token_that_was_refreshed_meanwhile_is_left_alone(self, world, rows):
        both = rows_with(world, Secret(NEW_KEY), *world.kit.secrets)
        read = do(world, both.read, ADA)
        do(world, rows.replace, take(world, rows), ADA, world.token("canary-fresh"), LATER)

        assert do(world, both.reseal, read) is False
        assert world.kept_pair()[0] == "canary-fresh"

    def test_a_closed_one_has_nothing_to_seal(self, world, rows):
        do(world, rows.drop, world.kept().identity_id, "gone", NOW)
        before = world.row()

        assert do(world, rows.reseal, world.kept()) is False
        assert world.row() == before
