"""Whatever a few people do, in whatever order: the store and a model of it agree."""

from __future__ import annotations

import pytest
from account_world import AccountWorld
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from authkit import Identity
from authkit.accounts import Database
from authkit.accounts.schema import accounts, audit, identities, metadata, tokens
from authkit.errors import AccountDenied, IdentityTaken, LastIdentity

SUBJECTS = st.sampled_from(["a", "A", "b", "c"])


class Model:
    """What should be there: which account an identity belongs to, and which accounts are disabled."""

    def __init__(self) -> None:
        self.owners: dict[str, str] = {}
        self.accounts: dict[str, bool] = {}
        self.emptied: set[str] = set()

    def owned_by(self, account_id: str) -> set[str]:
        return {subject for subject, owner in self.owners.items() if owner == account_id}


class Histories(RuleBasedStateMachine):
    """What a few people do, in the store and in its model."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.world = AccountWorld(self.database)
        self.model = Model()
        self.trail: list[object] = []
        self.chosen: list[str] = []

    @initialize()
    def nobody(self) -> None:
        with self.database.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())

    def account(self, number: int) -> str:
        """Return an account that there was once."""
        return self.chosen[number % len(self.chosen)] if self.chosen else "nobody"

    @rule(subject=SUBJECTS)
    def sign_in(self, subject: str) -> None:
        owner = self.model.owners.get(subject)
        if owner is not None and self.model.accounts[owner]:
            with pytest.raises(AccountDenied):
                self.world.accounts.sign_in(self.world.login(subject))
            return
        signed_in = self.world.accounts.sign_in(self.world.login(subject))
        assert signed_in.is_new == (owner is None)
        if owner is None:
            assert signed_in.account.id not in self.chosen
            self.chosen.append(signed_in.account.id)
            self.model.accounts[signed_in.account.id] = False
            self.model.owners[subject] = signed_in.account.id
        else:
            assert signed_in.account.id == owner

    @rule(number=st.integers(0, 9), subject=SUBJECTS)
    def link(self, number: int, subject: str) -> None:
        account_id = self.account(number)
        owner = self.model.owners.get(subject)
        expected = IdentityTaken if owner not in (None, account_id) else None
        if expected is None and self.model.accounts.get(account_id, True):
            expected = AccountDenied
        if expected is not None:
            with pytest.raises(expected):
                self.world.accounts.link(account_id, self.world.login(subject))
            return
        assert self.world.accounts.link(account_id, self.world.login(subject)).account_id == account_id
        self.model.owners[subject] = account_id
        self.model.emptied.discard(account_id)

    @rule(number=st.integers(0, 9), subject=SUBJECTS, even_last=st.booleans())
    def unlink(self, number: int, subject: str, even_last: bool) -> None:
        account_id, identity = self.account(number), Identity("acme", "acme-client", subject)
        theirs = self.model.owned_by(account_id)
        if theirs == {subject} and not even_last:
            with pytest.raises(LastIdentity):
                self.world.accounts.unlink(account_id, identity)
            return
        assert self.world.accounts.unlink(account_id, identity, even_last=even_last) == (subject in theirs)
        if subject in theirs:
            del self.model.owners[subject]
        if theirs == {subject}:
            self.model.emptied.add(account_id)

    @rule(number=st.integers(0, 9), is_disabled=st.booleans())
    def disable_or_enable(self, number: int, is_disabled: bool) -> None:
        account_id = self.account(number)
        change = self.world.accounts.disable if is_disabled else self.world.accounts.enable
        assert change(account_id) == (self.model.accounts.get(account_id, is_disabled) != is_disabled)
        if account_id in self.model.accounts:
            self.model.accounts[account_id] = is_disabled

    @rule(number=st.integers(0, 9))
    def delete(self, number: int) -> None:
        account_id = self.account(number)
        assert self.world.accounts.delete(account_id) == (account_id in self.model.accounts)
        for subject in self.model.owned_by(account_id):
            del self.model.owners[subject]
        self.model.accounts.pop(account_id, None)
        self.model.emptied.discard(account_id)

    @invariant()
    def the_model_agrees(self) -> None:
        known = self.world.rows(identities)
        assert {row["subject"]: row["account_id"] for row in known} == self.model.owners
        assert len(known) == len(self.model.owners)
        found = {row["id"]: row["disabled_at"] is not None for row in self.world.rows(accounts)}
        assert found == self.model.accounts

    @invariant()
    def only_who_was_asked_twice_has_no_identity(self) -> None:
        without = {row["id"] for row in self.world.rows(accounts)} - set(self.model.owners.values())
        assert without == self.model.emptied

    @invariant()
    def each_identity_has_its_token(self) -> None:
        assert {row["identity_id"] for row in self.world.rows(tokens)} == {
            row["id"] for row in self.world.rows(identities)
        }

    @invariant()
    def the_trail_only_grows(self) -> None:
        trail = list(self.world.rows(audit))
        assert trail[: len(self.trail)] == self.trail
        self.trail = trail


@pytest.mark.slow
def test_the_store_does_what_its_model_does(tmp_path):
    opened = Database.open(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    metadata.create_all(opened.engine)

    class Ours(Histories):
        database = opened

    run_state_machine_as_test(
        Ours,
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    opened.close()
