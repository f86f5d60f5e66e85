"""Processes that are killed while they refresh: what was lost, and that nothing else was."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from race_world import new_processes
from sqlalchemy import func, select
from test_vault_races import is_accepted
from vault_process import STEP, Order, Server, describe, nurse_children

from authkit.accounts.audit import digest
from authkit.accounts.schema import audit, identities, tokens
from authkit.accounts.tokenrows import IS_IDENTITY, key_of
from authkit.emulator import serve
from authkit_tiktok.emulator import App, TikTokEmulator

LANES, KILLS = 10, 7
"""How many tokens are refreshed at the same time, and how often the process of each is killed: 210 times in all."""
LEASE = 2
"""SQLite's clock has whole seconds, so it lasts for one at least; the emulator answers sooner than that."""
LONGEST_LIFE = 0.15
"""Within so many seconds a process is killed. It refreshes a few times in them."""
FAR = 10_000 * STEP
"""No process refreshes so often, so the clock of the next one is ahead of it."""


class Lane:
    """One token, the processes that refresh it, one at a time, and an emulator that sees nothing else."""

    def __init__(self, database, number, nurse):
        self.emulator = TikTokEmulator(apps=[App(f"sbawlane{number:04d}", "emulated-secret", ("user.info.basic",))])
        self.requests = []
        self.emulator.requests.observers.append(self.requests.append)
        self.reported = self.in_lease = self._started = 0
        self._nurse, self._database = nurse, database
        self._chance = random.Random(f"{database.engine.name} {number}")

    def run(self):
        """Kill a process again and again, each time after it has found what the last one left."""
        with serve(self.emulator, port=0) as served:
            self._origin = served.origin
            place = describe(self._database, self.emulator.settings(served.origin), lease=LEASE)
            self._nurse.send(place)
            self._server = Server(place)
            try:
                self.identity = self._server.sign_in(self.emulator)
                for _ in range(KILLS):
                    with self._process():
                        time.sleep(self._chance.uniform(0, LONGEST_LIFE))
                    self.in_lease += self._row().lease_until is not None
                self._find()
                self._heard()  # its end
            finally:
                self._server.database.close()
        return self

    def account(self):
        """Return what the emulator did with refresh tokens, and what our audit trail says, as numbers."""
        sent = Counter(
            "refused" if request.verdict else "answered"
            for request in self.requests
            if request.endpoint == "token" and request.form["grant_type"] == "refresh_token"
        )
        ours = audit.c.identity == digest(self.identity)
        with self._database.engine.connect() as connection:
            events = connection.execute(select(audit.c.event, func.count()).where(ours).group_by(audit.c.event))
            return sent + Counter(dict(events.all()))

    @contextmanager
    def _process(self) -> Iterator[None]:
        """Run a process that has a good token and refreshes it, and kill it in the end."""
        child = self._find(is_to_go_on=True)
        try:
            yield
        finally:
            os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(self._heard()) == -signal.SIGKILL

    def _find(self, *, is_to_go_on=False):
        """Let a process ask for the token, and return its number once it has a good one; if need be, sign in."""
        while True:
            self._started += 1
            who = (self.identity.authority, self.identity.client, self.identity.subject)
            self._nurse.send(Order(who, self._started * FAR, is_to_go_on))
            child, what, said = self._heard()
            if what != "reauth_required":
                assert (what, is_accepted(self._origin, said)) == ("good", True), said
                return child
            self._heard()  # its end
            assert self._row().sealed is None
            self.reported += 1
            self._server.sign_in(self.emulator)

    def _heard(self):
        assert self._nurse.poll(60), "nothing was heard"
        return self._nurse.recv()

    def _row(self):
        query = select(tokens).join(identities).where(IS_IDENTITY)
        with self._database.engine.connect() as connection:
            return connection.execute(query, key_of(self.identity)).one()


@contextmanager
def nurses(number):
    """Give connections to so many processes that have children."""
    context = new_processes()
    pipes = [context.Pipe() for _ in range(number)]
    process = context.Process(target=nurse_children, args=([theirs for _, theirs in pipes],), daemon=True)
    process.start()
    for _, theirs in pipes:
        theirs.close()
    try:
        yield [ours for ours, _ in pipes]
    finally:
        for ours, _ in pipes:
            ours.close()
        process.join(60)


@pytest.mark.slow
def test_a_process_that_is_killed_loses_no_more_than_the_answer_it_was_waiting_for(database):
    with nurses(LANES) as all_nurses, ThreadPoolExecutor(LANES) as pool:
        lanes = list(pool.map(lambda number: Lane(database, number, all_nurses[number]).run(), range(LANES)))

    found = [lane.account() for lane in lanes]
    for lane, account in zip(lanes, found, strict=True):
        # What was rotated and not written is lost, is found to be so by one question, and is never asked for again.
        assert account["answered"] == account["refreshed"] + account["reauth_required"]
        assert account["refused"] == account["reauth_required"] == lane.reported
    assert sum(account["answered"] for account in found) > LANES * KILLS
    assert sum(lane.in_lease for lane in lanes) > 0, "nobody was killed while it refreshed"
