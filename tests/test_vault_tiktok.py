"""The vault in front of TikTok, as its emulator plays it: rotation, what gets lost, and what does not."""

from __future__ import annotations

import pytest
from tiktok_fakes import World as TikTok

from authkit.accounts import Accounts, Revocations, Vault
from authkit.errors import AuthkitError, ReauthRequired

LIFETIME, DUE = 7200, 6900


class World(TikTok):
    """An app whose user has signed in with TikTok, and whose tokens are kept."""

    def __init__(self, database, **switches):
        super().__init__(**switches)
        self.database = database
        self.accounts, self.vault = Accounts(self.kit, database), Vault(self.kit, database)
        self.identity = self.sign_in()

    def sign_in(self):
        login = self.log_in()
        self.accounts.sign_in(login)
        return login.identity

    def refreshes(self):
        """Return what came of each refresh: "" for an answer, TikTok's words for a refusal, or the fault."""
        sent = [one for one in self.sent("token") if one.form["grant_type"] == "refresh_token"]
        return [one.fault.partition(":")[2] or one.verdict.partition(":")[0] for one in sent]

    def ask(self):
        """Return the access token, or the code of the error."""
        try:
            return self.vault.access_token(self.identity).reveal()
        except AuthkitError as error:
            return error.code

    def alive(self):
        """Return the kinds of the tokens that TikTok would take."""
        (table,) = (table for table in self.emulator.tables() if table.title == "Tokens")
        return sorted(row[0] for row in table.rows)

    def is_accepted(self, token):
        return self.kit.clients["tiktok"].fetch_profile(self.token_with(token)).subject == self.identity.subject

    def token_with(self, access_token):
        token = self.vault.token(self.identity)
        assert token.access_token == access_token
        return token


@pytest.fixture
def world(database):
    """Give a user who has just signed in."""
    return World(database)


def test_a_token_is_refreshed_as_long_as_tiktok_says_and_closed_at_the_end(database):
    world = World(database, refresh_lifetime=10 * DUE)
    seen = {world.ask()}
    for _ in range(9):
        world.clock.now += DUE
        seen.add(world.ask())
    assert world.is_accepted(world.ask())
    assert (len(seen), world.refreshes()) == (10, [""] * 9)

    world.clock.now += DUE
    assert [world.ask(), world.ask()] == ["reauth_required"] * 2
    assert world.refreshes() == [*[""] * 9, "invalid_grant"]


@pytest.mark.parametrize("switches", [{"rotation": False}, {"refresh_clock": "restarts"}, {"access_lifetime": 86400}])
def test_it_goes_by_the_numbers_whatever_tiktok_does(database, switches):
    world = World(database, **switches)
    lifetime = switches.get("access_lifetime", LIFETIME)

    world.clock.now += lifetime - 301
    world.ask()
    assert world.refreshes() == []
    for number in range(1, 4):
        world.clock.now += lifetime - 300 if number > 1 else 1
        assert world.is_accepted(world.ask())
        assert world.refreshes() == [""] * number


@pytest.mark.parametrize("status", ["200", "rfc"])
def test_a_user_who_disconnected_the_app_has_to_sign_in_again(database, status):
    world = World(database, error_status=status)
    world.emulator.disconnect()
    world.clock.now += DUE

    assert [world.ask() for _ in range(3)] == ["reauth_required"] * 3
    assert world.refreshes() == ["invalid_grant"]

    world.sign_in()
    assert world.is_accepted(world.ask())


@pytest.mark.parametrize(
    "fault", ["reset", "reset-headers", "reset-body", "truncated", "wrong-types", "mixed", "silent"]
)
def test_an_answer_that_is_lost_after_the_rotation_ends_with_one_more_question(world, fault):
    world.emulator.workbench.faults.add(f"token:{fault}:once")
    world.clock.now += LIFETIME

    assert world.ask() not in ("reauth_required", "store_unavailable")
    assert len(world.refreshes()) == 1
    world.clock.now += 4
    assert world.ask() == "provider_unavailable"
    assert len(world.refreshes()) == 1
    for _ in range(5):
        world.clock.now += 300
        assert world.ask() == "reauth_required"
    assert len(world.refreshes()) == 2
    assert world.refreshes()[1] == "invalid_grant"


def test_until_then_a_token_that_has_not_ended_is_given(world):
    token = world.ask()
    world.emulator.workbench.faults.add("token:reset:once")
    world.clock.now += DUE

    assert [world.ask(), world.ask()] == [token] * 2
    assert world.is_accepted(token)
    world.clock.now += 5
    assert world.ask() == "reauth_required"
    assert len(world.refreshes()) == 2


@pytest.mark.parametrize(
    "fault", ["500", "502", "503", "504", "429", "html", "html-as-json", "empty", "slow-connect",
              "redirect", "error-in-200", "json=[]"]
)  # fmt: skip
def test_a_fault_before_the_rotation_costs_nothing(world, fault):
    world.emulator.workbench.faults.add(f"token:{fault}:2")
    world.clock.now += LIFETIME

    for pause in (30, 30) if fault == "429" else (5, 10):
        assert world.ask() not in ("reauth_required", "store_unavailable")
        world.clock.now += pause - 1
        assert world.ask() == "provider_unavailable"
        world.clock.now += 1

    assert world.is_accepted(world.ask())
    assert world.refreshes()[-1] == ""


class TestLeaving:
    @pytest.mark.parametrize("passed", [0, DUE, LIFETIME, 100 * LIFETIME])
    def test_nothing_of_a_user_who_leaves_stays_alive_at_tiktok(self, world, passed):
        world.clock.now += passed
        assert "refresh" in world.alive()

        assert world.accounts.unlink(world.accounts.of(world.identity).id, world.identity, even_last=True)

        assert world.alive() == []
        with pytest.raises(ReauthRequired):
            world.vault.access_token(world.identity)

    def test_who_comes_back_before_tiktok_could_be_told_stays_connected(self, world):
        world.emulator.workbench.faults.add("revoke:503:once")
        world.accounts.delete(world.accounts.of(world.identity).id)
        assert world.sign_in() == world.identity

        world.clock.now += 60
        revocations = Revocations(world.kit, world.database)
        assert [revocations.attempt(pending) for pending in revocations.due()] == []
        assert world.is_accepted(world.ask())

    def test_nor_of_one_whose_tokens_were_dead_already(self, world):
        world.emulator.disconnect()

        world.accounts.delete(world.accounts.of(world.identity).id)

        assert world.alive() == []
        assert [one.verdict.partition(":")[0] for one in world.sent("revoke")] == ["invalid_grant"]
        assert world.refreshes() == ["invalid_grant"]
