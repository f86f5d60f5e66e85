"""Revocations: what is to end at the provider too, at once or later."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from threading import Barrier

import pytest
from fakes import CLIENT_SECRET, acme, answer
from requests import ConnectionError as Reset
from requests import ReadTimeout
from vault_world import ADA, Flaky, Rotation, VaultWorld, access_acme

from authkit import Identity
from authkit.accounts import Accounts, Revocations
from authkit.accounts.audit import digest
from authkit.accounts.schema import audit, revocations
from authkit.errors import ProviderRateLimited, ReauthRequired, StoreUnavailable

HOUR = 3600


@pytest.fixture
def world(database):
    """Give a world in which Ada has just signed in."""
    return VaultWorld(database)


def wait_for_it(world):
    """Let the only token wait for its revocation, as if its identity had just gone."""
    token, kept = world.kept().token, world.kept()
    world.database.write(lambda executor: world.revocations.add(executor, ADA, kept.registration, token))


def attempt_all(world, revocations=None):
    revocations = revocations or world.revocations
    return [revocations.attempt(pending) for pending in revocations.due()]


def at(world, seconds=0):
    return datetime.fromtimestamp(int(world.clock() + seconds), timezone.utc)


def unlink(world, subject="user-1"):
    identity = Identity("acme", "acme-client", subject)
    return world.accounts.unlink(world.accounts.of(identity).id, identity, even_last=True)


class Curt:
    """A provider that is no OAuth 2.0 code flow, and its client: it knows no token, and does not say why."""

    name, title, default_scope = "curt", "Curt", ("profile",)

    def client(self, client_id, client_secret, transport):
        return self

    def revoke(self, token):
        raise ReauthRequired


class TestAtOnce:
    def test_a_token_is_revoked_when_its_identity_goes(self, world):
        assert unlink(world)

        (sent,) = world.network.to("revoke")
        assert sent.form == {"token": "canary-refresh-token"} | (
            {} if "Authorization" in sent.headers else {"client_id": "acme-client", "client_secret": CLIENT_SECRET}
        )
        assert (world.waiting(), world.revocations.count()) == ([], 0)
        assert world.trail() == [("created", None), ("unlinked", None), ("revoked", None)]

    def test_the_trail_says_whose_it_was_and_names_nobody(self, world):
        unlink(world)

        with world.database.engine.connect() as connection:
            row = connection.execute(audit.select().where(audit.c.event == "revoked")).one()
        assert (row.identity, row.registration, row.account_id) == (digest(ADA), "acme", None)

    @pytest.mark.parametrize(
        "reply",
        [(400, {"error": "invalid_token"}), (200, {"error": "invalid_grant"}), (401, {"error": "invalid_grant"})],
    )
    def test_a_token_that_the_provider_does_not_have_is_done_with(self, world, reply):
        world.network.replies["revoke"] = reply

        assert unlink(world)

        assert (world.waiting(), len(world.network.to("revoke")), world.asked) == ([], 1, 0)
        assert world.trail()[-1] == ("revoked", reply[1]["error"])

    def test_a_provider_that_revokes_nothing_is_done_with(self, database):
        world = VaultWorld(database, provider=replace(acme, revoke_url=""))

        assert unlink(world)

        assert (world.waiting(), world.network.to("revoke")) == ([], [])
        assert world.trail()[-1] == ("revoked", "the provider revokes nothing")

    def test_a_provider_of_its_own_kind_that_knows_no_token_is_done_with(self, world):
        registration = replace(world.kit.registrations["acme"], provider=Curt())
        kit = replace(world.kit, registrations={"acme": registration}, clients={"acme": Curt()})
        wait_for_it(world)

        assert attempt_all(world, Revocations(kit, world.database)) == [True]

        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", "reauth_required"))

    def test_nothing_is_revoked_where_that_is_switched_off(self, database):
        world = VaultWorld(database, settings={"authkit.accounts.revoke": "false"})

        assert unlink(world)

        assert (world.waiting(), world.network.to("revoke")) == ([], [])
        assert world.trail() == [("created", None), ("unlinked", None)]

    def test_a_token_that_is_closed_is_not_revoked(self, world):
        world.change_row(sealed=None)

        assert unlink(world)

        assert (world.waiting(), world.network.to("revoke")) == ([], [])

    def test_no_connection_is_held_while_the_provider_answers(self, world):
        held = []

        def look(request):
            held.append(world.database.engine.pool.checkedout())
            return answer(request)

        world.network.replies["revoke"] = look
        unlink(world)

        assert held == [0]


def busy(request):
    return answer(request, 429, {}, Retry_After="200")


class TestLater:
    @pytest.mark.parametrize(
        "reply",
        [
            *((503, b""), ReadTimeout(), Reset(), (200, b"<html>"), (401, {"error": "invalid_client"}), busy),
            *((404, b"<html>"), (403, b"blocked"), (405, b""), (401, b"")),
            *((400, {"error": error}) for error in ("unsupported_token_type", "invalid_request", "of its own")),
        ],
    )
    def test_ref_06_what_fails_is_kept_and_the_identity_is_gone_at_once(self, world, reply):
        world.network.replies["revoke"] = reply

        assert unlink(world)

        assert world.accounts.of(ADA) is None
        pause = 200 if reply is busy else 60
        (row,) = world.waiting()
        assert (row.registration, row.identity, row.tries, row.retry_at) == ("acme", digest(ADA), 1, at(world, pause))
        assert world.revocations.count() == 1
        world.clock.now += pause - 1
        assert attempt_all(world) == []
        world.clock.now += 1
        world.network.replies["revoke"] = {}
        assert attempt_all(world) == [True]
        assert [sent.form["token"] for sent in world.network.to("revoke")] == ["canary-refresh-token"] * 2
        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", None))

    def test_the_pauses_grow_to_half_a_day(self, world):
        world.network.replies["revoke"] = (503, b"")
        wait_for_it(world)
        pauses = []
        for _ in range(12):
            assert attempt_all(world) == [False]
            pauses.append((world.waiting()[0].retry_at - at(world)).total_seconds() / 60)
            world.clock.now += pauses[-1] * 60

        assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720]
        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().values(tries=10**6))
        assert attempt_all(world) == [False]
        assert world.waiting()[0].retry_at == at(world, 12 * HOUR)

    def test_a_provider_that_asks_for_less_than_the_pause_is_left_alone_for_the_pause(self, world):
        world.network.replies["revoke"] = lambda request: answer(request, 429, {}, Retry_After="60")
        wait_for_it(world)

        attempt_all(world)

        assert world.waiting()[0].retry_at == at(world, 60)

    def test_a_plugin_that_asks_for_a_year_waits_half_a_day(self, world):
        world.network.replies["revoke"] = ProviderRateLimited("busy", retry_after=365 * 24 * HOUR)
        wait_for_it(world)

        attempt_all(world)

        assert world.waiting()[0].retry_at == at(world, 12 * HOUR)

    def test_what_has_failed_for_a_month_is_given_up(self, world):
        world.network.replies["revoke"] = (403, b"blocked")
        unlink(world)
        begun, tries = world.clock.now, 0

        while world.waiting():
            tries += 1
            world.clock.now += 12 * HOUR
            attempt_all(world)

        assert (tries, world.clock.now - begun) == (60, 30 * 24 * HOUR)
        assert world.trail()[-1] == ("not_revoked", "HTTP 403, and no reason in the body")

    def test_what_belongs_to_no_registration_any_more_is_given_up_too(self, world):
        wait_for_it(world)
        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().values(registration="gone"))

        world.clock.now += 30 * 24 * HOUR
        attempt_all(world)

        assert (world.waiting(), world.trail()[-1][0]) == ([], "not_revoked")

    def test_the_registration_of_a_token_is_gone_and_comes_back(self, world):
        wait_for_it(world)
        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().values(registration="gone"))
        assert attempt_all(world) == [False]

        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().values(registration="acme"))
        world.clock.now += 60
        assert attempt_all(world) == [True]

    def test_nothing_is_revoked_of_a_user_who_has_come_back(self, world):
        world.network.replies["revoke"] = (503, b"")
        unlink(world)
        world.accounts.sign_in(world.login("user-2"))
        assert len(world.waiting()) == 1

        world.accounts.sign_in(world.login())

        assert world.waiting() == []
        assert world.trail()[-2:] == [("revocation_cancelled", "the user came back"), ("created", None)]
        with world.database.engine.connect() as connection:
            row = connection.execute(audit.select().where(audit.c.event == "revocation_cancelled")).one()
        assert row.identity == digest(ADA)

    def test_one_that_does_not_open_stands_in_nobodys_way(self, world):
        for _ in range(3):
            wait_for_it(world)
        first = world.waiting()[0].id
        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().where(revocations.c.id == first).values(sealed="damaged"))

        assert attempt_all(world) == [False, True, True]
        assert [(row.id, row.tries) for row in world.waiting()] == [(first, 1)]

    def test_each_is_tried_once_in_a_run_oldest_first(self, world):
        world.network.replies["revoke"] = (503, b"")
        for _ in range(3):
            wait_for_it(world)

        assert [pending.id for pending in world.revocations.due()] == [row.id for row in world.waiting()]
        assert attempt_all(world) == [False] * 3
        assert len(world.network.to("revoke")) == 3

    def test_only_those_of_one_person_if_asked(self, world):
        wait_for_it(world)

        assert len(list(world.revocations.due(ADA))) == 1
        assert list(world.revocations.due(Identity("acme", "acme-client", "USER-1"))) == []

    def test_what_waits_shows_no_token(self, world):
        wait_for_it(world)
        (pending,) = world.revocations.due()

        assert pending.sealed not in repr(pending)
        assert "canary" not in repr(pending)

    def test_a_seal_does_not_open_for_another_person(self, world):
        wait_for_it(world)
        with world.database.engine.begin() as connection:
            connection.execute(revocations.update().values(identity="0" * 64))

        assert attempt_all(world) == [False]
        assert world.network.to("revoke") == []


class TestTogether:
    def test_two_at_once_send_one_request(self, world):
        wait_for_it(world)
        both = [Revocations(world.kit, world.database) for _ in range(2)]
        found = [next(iter(one.due())) for one in both]

        assert both[0].attempt(found[0]) is True
        assert both[1].attempt(found[1]) is False
        assert len(world.network.to("revoke")) == 1

    def test_many_threads_send_one_request_for_each(self, world):
        for _ in range(5):
            wait_for_it(world)
        barrier = Barrier(4)

        def work():
            barrier.wait(30)
            return sum(attempt_all(world, Revocations(world.kit, world.database)))

        with ThreadPoolExecutor(4) as pool:
            done = [future.result(60) for future in [pool.submit(work) for _ in range(4)]]

        assert (sum(done), world.waiting()) == (5, [])
        assert len(world.network.to("revoke")) == 5
        assert [event for event, _ in world.trail()].count("revoked") == 5

    def test_one_that_takes_so_long_that_somebody_else_tries_is_recorded_once(self, world):
        wait_for_it(world)
        seen = []

        def dawdle(request):
            if not seen:
                seen.append("")
                world.clock.now += 60
                seen.extend(attempt_all(world))
            return answer(request)

        world.network.replies["revoke"] = dawdle

        assert attempt_all(world) == [True]
        assert (seen, world.waiting()) == (["", True], [])
        assert world.trail() == [("created", None), ("revoked", None)]

    def test_what_somebody_is_at_is_not_due(self, world):
        wait_for_it(world)
        seen = []

        def look(request):
            seen.append(list(world.revocations.due()))
            return answer(request)

        world.network.replies["revoke"] = look

        assert attempt_all(world) == [True]
        assert seen == [[]]


class TestAnAccessTokenThatHasEnded:
    """Where only access tokens can be revoked, as at TikTok, one that has ended leaves the refresh token alive."""

    @pytest.fixture
    def world(self, database):
        world = VaultWorld(database, provider=access_acme)
        world.alive = ["canary-access-1", "canary-access-2"]

        def revoke(request):
            token = world.network.sent[-1].form["token"]
            return answer(request) if token in world.alive else answer(request, 400, {"error": "invalid_grant"})

        world.network.replies["revoke"] = revoke
        return world

    def sent(self, world):
        return [sent.form.get("token") or sent.form["refresh_token"] for sent in world.network.sent]

    def test_a_fresh_one_is_had_and_revoked(self, world):
        assert unlink(world)

        assert self.sent(world) == ["canary-access-token", "canary-refresh-token", "canary-access-1"]
        assert (world.waiting(), world.trail()[-1], world.told) == ([], ("revoked", None), [])

    def test_it_is_kept_until_it_is_revoked(self, world):
        revoke = world.network.replies["revoke"]
        world.network.replies["revoke"] = lambda request: answer(request, 503) if world.asked else revoke(request)
        unlink(world)
        assert len(world.waiting()) == 1

        world.network.replies["revoke"] = revoke
        world.clock.now += 60
        assert attempt_all(world) == [True]
        assert self.sent(world)[2:] == ["canary-access-1"] * 2

    def test_no_connection_is_held_and_it_is_kept_before_it_is_used(self, world):
        revoke, seen = world.network.replies["revoke"], []

        def look(request):
            seen.append((world.database.engine.pool.checkedout(), world.waiting()[0].sealed))
            return revoke(request)

        world.network.replies["revoke"] = look
        unlink(world)

        assert [held for held, _ in seen] == [0, 0]
        assert seen[0][1] != seen[1][1]

    def test_a_refresh_token_that_has_ended_too_is_done_with(self, world):
        world.network.replies["token"] = (400, {"error": "invalid_grant", "error_description": "all gone"})

        unlink(world)

        assert self.sent(world) == ["canary-access-token", "canary-refresh-token"]
        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", "invalid_grant: all gone"))

    def test_a_fresh_one_that_is_refused_as_well_is_done_with(self, world):
        world.alive.clear()

        unlink(world)

        assert len(self.sent(world)) == 3
        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", "invalid_grant"))

    def test_a_provider_that_revokes_nothing_is_asked_for_nothing(self, database):
        world = VaultWorld(database, provider=replace(access_acme, revoke_url=""))

        assert unlink(world)

        assert (world.network.sent, world.waiting()) == ([], [])

    def test_a_fresh_one_of_a_user_who_has_come_back_meanwhile_is_left_alone(self, world):
        world.while_it_answers(lambda: world.accounts.sign_in(world.login()))

        unlink(world)

        assert self.sent(world) == ["canary-access-token", "canary-refresh-token"]
        assert (world.waiting(), world.trail()[-2:]) == (
            [],
            [("revocation_cancelled", "the user came back"), ("created", None)],
        )

    def test_a_fresh_one_that_cannot_be_kept_is_revoked_all_the_same(self, world):
        wait_for_it(world)
        flaky = Flaky(world.database)
        world.while_it_answers(lambda: setattr(flaky, "failing", 1))

        assert attempt_all(world, Revocations(world.kit, flaky)) == [True]

        assert self.sent(world) == ["canary-access-token", "canary-refresh-token", "canary-access-1"]
        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", None))

    def test_without_a_refresh_token_it_is_done_with(self, world):
        world.accounts.delete(world.accounts.of(ADA).id)
        world.network.sent.clear()
        world.accounts.sign_in(world.login(token=world.token(refresh_token=None)))

        unlink(world)

        assert self.sent(world) == ["canary-access-token"]
        assert (world.waiting(), world.trail()[-1]) == ([], ("revoked", "invalid_grant"))

    @pytest.mark.parametrize("reply", [(503, b""), (400, {"error": "invalid_request"})])
    def test_a_refresh_that_fails_is_tried_later(self, world, reply):
        world.network.replies["token"] = reply
        unlink(world)
        assert len(world.waiting()) == 1

        world.network.replies["token"] = Rotation()
        world.clock.now += 60
        assert attempt_all(world) == [True]


class TestADatabaseThatFails:
    def test_an_attempt_that_cannot_be_counted_is_not_made(self, world):
        wait_for_it(world)
        (pending,) = world.revocations.due()
        away = Revocations(world.kit, Flaky(world.database, 1))

        with pytest.raises(StoreUnavailable):
            away.attempt(pending)
        assert world.network.to("revoke") == []

    def test_an_identity_goes_although_the_database_does_right_after(self, world):
        accounts = Accounts(world.kit, Flaky(world.database, 10, working=1))

        assert accounts.unlink(accounts.of(ADA).id, ADA, even_last=True)

        assert (len(world.waiting()), world.network.to("revoke")) == (1, [])
        assert attempt_all(world) == [True]

    def test_a_revocation_that_cannot_be_forgotten_is_made_again(self, world):
        wait_for_it(world)
        flaky = Flaky(world.database)

        def fail(request):
            flaky.failing = 1
            return answer(request)

        world.network.replies["revoke"] = fail
        revoking = Revocations(world.kit, flaky)
        with pytest.raises(StoreUnavailable):
            attempt_all(world, revoking)

        world.network.replies["revoke"] = (400, {"error": "invalid_token"})
        world.clock.now += 60
        assert attempt_all(world) == [True]
