"""Races for one token, by several processes with several threads, against TikTok's emulator."""

from __future__ import annotations

import json

import pytest
import requests
from race_world import runners
from sqlalchemy import select
from vault_process import STEP, Server, ask, describe

from authkit.accounts.schema import audit, tokens
from authkit.emulator import serve
from authkit_tiktok.emulator import TikTokEmulator

ROUNDS = 50
PROCESSES, THREADS = 3, 4


def is_accepted(origin, token):
    """Whether the emulator's user info takes an access token."""
    answer = requests.get(
        f"{origin}/v2/user/info/", {"fields": "open_id"}, headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    return answer.json()["error"]["code"] == "ok"


@pytest.mark.slow
def test_con_03_exactly_one_refreshes_each_time_and_all_have_the_same_good_token(database):
    emulator = TikTokEmulator()
    with serve(emulator, port=0) as served:
        place = describe(database, emulator.settings(served.origin), lease=30)
        parent = Server(place)
        identity = parent.sign_in(emulator)
        seen = set()
        with runners(Server, ask, place, processes=PROCESSES, threads=THREADS) as others:
            for round_number in range(1, ROUNDS + 1):
                emulator.workbench.clock.advance(STEP)
                before = emulator.requests.total
                words = {
                    "ahead": round_number * STEP,
                    "identity": [identity.authority, identity.client, identity.subject],
                }
                outcomes = others.run([json.dumps(words)] * (PROCESSES * THREADS))

                assert [outcome.failure for outcome in outcomes if outcome.failure] == []
                (token,) = {outcome.returned for outcome in outcomes}
                sent = emulator.requests("token", after=before)
                assert [(request.form["grant_type"], request.verdict) for request in sent] == [("refresh_token", "")]
                assert token not in seen
                assert is_accepted(served.origin, token)
                seen.add(token)

        with database.engine.connect() as connection:
            events = list(connection.execute(select(audit.c.event).order_by(audit.c.id)).scalars())
            row = connection.execute(select(tokens)).one()
        parent.database.close()
    assert events == ["created", *["refreshed"] * ROUNDS]
    assert (row.closed_at, row.failures, row.retry_at, row.lease_until) == (None, 0, None, None)
