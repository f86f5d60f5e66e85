"""The account store."""

from __future__ import annotations

from account_world import AccountWorld


def test_the_first_login_makes_an_account_and_the_second_finds_it(database):
    world = AccountWorld(database)

    first = world.accounts.sign_in(world.login())
    second = world.accounts.sign_in(world.login())

    assert (first.is_new, second.is_new) == (True, False)
    assert second.account.id == first.account.id
