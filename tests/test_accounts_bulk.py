"""Refreshing many tokens."""

from __future__ import annotations

import dataclasses
import gc
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from bulk_world import DAY, DOWN, GONE, OTHER, BulkWorld, now_of
from sqlalchemy import event, text, update

from authkit import Secret
from authkit.accounts.bulk import FAILURES_IN_A_ROW, BulkRefresh, Result
from authkit.accounts.duetokens import DueToken, End, Window
from authkit.accounts.pace import Pace
from authkit.accounts.schema import tokens
from authkit.accounts.tokenstatus import TokenCount, count_tokens
from authkit.accounts.witness import Witness
from authkit.breaker import SILENCE
from authkit.errors import StoreUnavailable


def window(world, due=7 * DAY, end=End.REFRESH):
    return Window(end, now_of(world), now_of(world) + due)


def bulk(world, **options):
    return BulkRefresh(world.kit, world.database, **{"pace": Pace(1e9), "workers": 1, **options})


def results(world, due=7 * DAY, end=End.REFRESH, **options):
    """Run once and return what became of each token, in the order in which it was known."""
    return [outcome.result for outcome in bulk(world, **options).run(window(world, due, end))]


def test_what_ends_soon_is_refreshed_the_most_urgent_first(database):
    world = BulkWorld(database)
    for name, days in (("late", 8), ("second", 3), ("ended", -1), ("first", 1)):
        world.add(name, days * DAY)

    assert results(world) == [Result.REFRESHED] * 3
    assert world.provider.used == ["ended", "first", "second"]
    assert results(world) == []


def test_the_end_of_the_access_token_counts_where_it_is_asked_for(database):
    world = BulkWorld(database)
    world.add("long", 100 * DAY)
    world.add("longer", 100 * DAY, expires_at=now_of(world) + 2 * DAY)

    assert results(world, end=End.REFRESH) == []
    assert results(world, DAY, end=End.ACCESS) == [Result.REFRESHED]
    assert world.provider.used == ["long"]


def test_the_end_of_the_access_token_counts_where_there_is_no_other(database):
    world = BulkWorld(database)
    world.add("open-ended", None)
    world.add("endless", None, expires_at=None)

    assert results(world) == [Result.REFRESHED]
    assert world.provider.used == ["open-ended"]


def test_it_is_known_how_many_are_due_and_when_the_next_one_ends(database):
    world = BulkWorld(database)
    due = bulk(world).due
    assert (due.count(window(world)), due.next_end(End.REFRESH)) == (0, None)

    world.add("soon", 10 * DAY)
    world.add("later", 11 * DAY)

    assert due.count(window(world)) == 0
    assert due.count(window(world, 10 * DAY)) == 1
    assert due.count(window(world, end=End.ACCESS)) == 2
    assert due.next_end(End.REFRESH) == now_of(world) + 10 * DAY
    assert due.next_end(End.ACCESS) == now_of(world) + timedelta(hours=1)


def test_what_is_issued_after_the_moment_of_the_run_is_not_due(database):
    world = BulkWorld(database)
    moment = window(world)
    world.clock.now += 1
    world.add("new")

    assert (bulk(world).due.count(moment), list(bulk(world).run(moment))) == (0, [])


def test_what_a_run_has_refreshed_it_does_not_list_again_in_the_same_second(database):
    world = BulkWorld(database)
    world.add("a", DAY)
    world.add("b", 2 * DAY)
    world.provider.refresh_lifetime = 5 * 86400

    assert results(world, page=1) == [Result.REFRESHED] * 2


def test_what_stays_as_it_is_is_listed_once(database):
    world = BulkWorld(database)
    for name, days in (("late", 2), ("early", 1)):
        world.add(name, days * DAY, refresh_token=None)

    assert results(world, page=1) == [Result.LEFT] * 2


def test_registrations_can_be_left_out_of_the_list(database):
    world = BulkWorld(database, **OTHER)
    world.add("a")
    world.add("b", registration="other")
    due = bulk(world).due.all(window(world), {"acme"})

    assert [(token.registration, token.ends_at) for token in due] == [("other", now_of(world) + DAY)]


def test_what_a_process_that_died_had_begun_to_refresh_is_refreshed(database):
    world = BulkWorld(database)
    world.add("a")
    with database.engine.begin() as connection:
        connection.execute(update(tokens).values(lease_owner="dead", lease_until=1))

    assert results(world) == [Result.REFRESHED]


def test_what_is_closed_is_not_due_and_has_no_end(database):
    world = BulkWorld(database)
    world.add("a")
    world.provider.failing["acme-client"] = GONE
    assert results(world) == [Result.REAUTH]

    assert (results(world), bulk(world).due.next_end(End.REFRESH)) == ([], None)


def test_what_somebody_else_refreshes_after_it_was_listed_is_not_refreshed_again(database):
    world = BulkWorld(database)
    world.add("first", DAY)
    identity = world.add("second", 2 * DAY)
    run = bulk(world).run(window(world))

    first = next(run)
    world.vault.refresh(identity)

    assert [first.result, *(outcome.result for outcome in run)] == [Result.REFRESHED, Result.BY_OTHERS]
    assert world.provider.used == ["first", "second"]


def test_what_the_provider_has_ended_is_closed_and_the_rest_goes_on(database):
    world = BulkWorld(database, **OTHER)
    world.add("gone", DAY)
    world.add("fine", 2 * DAY, registration="other")
    world.provider.failing["acme-client"] = GONE

    outcomes = list(bulk(world).run(window(world)))

    assert [(outcome.registration, outcome.result) for outcome in outcomes] == [
        ("acme", Result.REAUTH),
        ("other", Result.REFRESHED),
    ]
    assert [row["sealed"] is None for row in world.rows(tokens)] == [True, False]


def test_what_is_unlinked_after_it_was_listed_has_to_sign_in_again(database):
    world = BulkWorld(database)
    world.add("first", DAY)
    identity = world.add("second", 2 * DAY)
    run = bulk(world).run(window(world))

    next(run)
    account = world.accounts.of(identity)
    world.accounts.unlink(account.id, identity, even_last=True)

    assert [outcome.result for outcome in run] == [Result.REAUTH]
    assert world.provider.used == ["first"]


def test_what_fails_for_now_is_kept_and_nobody_is_asked_again_before_its_time(database):
    world = BulkWorld(database)
    world.add("a")
    world.provider.failing["acme-client"] = DOWN

    (failed,) = bulk(world).run(window(world))
    again = results(world)
    world.provider.failing.clear()
    world.provider.used.clear()
    world.clock.now += 5
    later = results(world)

    assert (failed.result, failed.error.code) == (Result.FAILED, "provider_unavailable")
    assert (again, later) == ([Result.POSTPONED], [Result.REFRESHED])
    assert world.provider.used == ["a"]


def test_a_time_to_wait_for_that_no_server_can_have_written_does_not_count(database):
    world = BulkWorld(database)
    world.add("a")
    with database.engine.begin() as connection:
        connection.execute(update(tokens).values(retry_at=now_of(world) + DAY))

    assert results(world) == [Result.REFRESHED]


@pytest.mark.parametrize("page", [3, 200])
def test_a_provider_that_is_down_is_left_in_peace_and_the_others_go_on(database, page):
    world = BulkWorld(database, **OTHER)
    for number in range(FAILURES_IN_A_ROW + 5):
        world.add(f"down-{number}", timedelta(hours=number))
        world.add(f"up-{number}", timedelta(hours=number), registration="other")
    world.provider.failing["acme-client"] = DOWN

    run = bulk(world, page=page)
    counted = Counter((outcome.registration, outcome.result) for outcome in run.run(window(world)))

    assert counted == {
        ("acme", Result.FAILED): FAILURES_IN_A_ROW,
        ("other", Result.REFRESHED): FAILURES_IN_A_ROW + 5,
    }
    assert {name: error.code for name, error in run.stopped.items()} == {"acme": "provider_unavailable"}
    assert len([name for name in world.provider.used if name.startswith("down")]) == FAILURES_IN_A_ROW


def test_failures_that_are_not_in_a_row_stop_nothing(database):
    world = BulkWorld(database)
    for number in range(2 * FAILURES_IN_A_ROW):
        world.add(f"p-{number:02d}", timedelta(hours=number))

    run, done = bulk(world), 0
    world.provider.failing["acme-client"] = DOWN
    for done, _ in enumerate(run.run(window(world)), 1):
        world.provider.failing.clear()
        if (done + 1) % FAILURES_IN_A_ROW:
            world.provider.failing["acme-client"] = DOWN

    assert (done, run.stopped) == (2 * FAILURES_IN_A_ROW, {})


def test_a_token_that_does_not_open_is_a_failure_of_ours_and_stops_no_provider(database):
    world = BulkWorld(database)
    for number in range(FAILURES_IN_A_ROW + 1):
        world.add(f"broken-{number}")
    with database.engine.begin() as connection:
        connection.execute(update(tokens).values(sealed="damaged"))
    world.add("fine", 2 * DAY)

    run = bulk(world)
    outcomes = list(run.run(window(world)))

    assert Counter(outcome.result for outcome in outcomes) == {
        Result.FAILED: FAILURES_IN_A_ROW + 1,
        Result.REFRESHED: 1,
    }
    assert outcomes[0].error.code == "store_unavailable"
    assert (run.stopped, world.provider.used) == ({}, ["fine"])


def test_the_registration_of_a_token_may_be_gone_from_the_settings(database):
    BulkWorld(database, **OTHER).add("a", registration="other")
    world = BulkWorld(database)

    (failed,) = bulk(world).run(window(world))

    assert (failed.registration, failed.result, failed.error.code) == ("other", Result.FAILED, "unknown_provider")


def test_a_token_that_cannot_be_refreshed_is_left_alone_and_stays_good(database):
    world = BulkWorld(database)
    identity = world.add("a", None, refresh_token=None)

    assert results(world) == [Result.LEFT]
    assert world.vault.access_token(identity) == "access-of-a"
    assert world.provider.used == []


def test_where_the_provider_does_not_move_the_end_it_is_asked_again_at_half_of_the_rest(database):
    world = BulkWorld(database)
    world.add("a", 4 * DAY)
    world.provider.refresh_lifetime = 4 * 86400
    at_once = results(world)
    world.clock.now += 1
    restarted = results(world)
    world.clock.now += 2 * 86400 - 2
    before_half = results(world)
    world.clock.now += 1
    at_half = results(world)

    assert (at_once, restarted) == ([Result.REFRESHED], [Result.LEFT])
    assert (before_half, at_half) == ([Result.LEFT], [Result.REFRESHED])
    assert world.provider.used == ["a", "a~1"]


def test_a_refresh_that_failed_after_one_that_succeeded_is_tried_again(database):
    world = BulkWorld(database)
    identity = world.add("a", 4 * DAY)
    world.provider.refresh_lifetime = 4 * 86400
    world.vault.refresh(identity)
    world.provider.failing["acme-client"] = DOWN
    with pytest.raises(Exception, match="provider_unavailable"):
        world.vault.refresh(identity)
    world.provider.failing.clear()
    world.provider.used.clear()
    world.clock.now += 300

    assert results(world) == [Result.REFRESHED]


def test_a_login_after_a_refresh_counts_as_new(database):
    world = BulkWorld(database)
    identity = world.add("a", 4 * DAY)
    world.vault.refresh(identity)
    world.add("a", 4 * DAY, refresh_token=Secret("b"))

    assert results(world) == [Result.REFRESHED]


def test_a_run_can_be_ended_and_the_next_one_goes_on(database):
    world = BulkWorld(database)
    for number in range(6):
        world.add(f"p-{number}", timedelta(hours=number))
    world.provider.refresh_lifetime = 3600

    ended = results(world, workers=2, is_ending=lambda: len(world.provider.used) >= 2)
    used = list(world.provider.used)
    world.clock.now += 1
    rest = results(world)

    assert ended == [Result.REFRESHED] * len(used)
    assert 2 <= len(used) <= 4
    assert rest.count(Result.REFRESHED) == 6 - len(used)
    assert sorted(world.provider.used) == [f"p-{number}" for number in range(6)]


def test_nothing_begins_once_the_wait_for_the_pace_was_cut_short(database):
    world, waited = BulkWorld(database), []
    for name in ("a", "b", "c"):
        world.add(name)

    pace = Pace(1, timer=lambda: 0.0, sleep=waited.append)
    assert results(world, pace=pace, is_ending=lambda: bool(waited)) == [Result.REFRESHED]
    assert (waited, len(world.provider.used)) == ([1.0], 1)


def test_where_the_database_fails_what_is_under_way_is_told_before_the_error(database):
    world, outcomes = BulkWorld(database), []
    for number in range(3):
        world.add(f"p-{number}", timedelta(hours=number))
    run = bulk(world, page=1).run(window(world))

    outcomes.append(next(run))
    rename(database, "authkit_tokens", "authkit_tokens_away")
    try:
        with pytest.raises(StoreUnavailable):
            outcomes.extend(run)
    finally:
        rename(database, "authkit_tokens_away", "authkit_tokens")

    assert [outcome.result for outcome in outcomes] == [Result.REFRESHED, Result.FAILED]
    assert outcomes[1].error.code == "store_unavailable"


def rename(database, old, new):
    with database.engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))


def test_never_more_than_a_page_of_them_is_held_and_each_is_met_once(database):
    world, held, pages = BulkWorld(database), [], []
    for number in range(45):
        world.add(f"p-{number}")  # they all end in the same second

    def note(_connection, _cursor, statement, *_):
        if " JOIN " in statement and "LIMIT" in statement:
            pages.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    gc.freeze()  # what is there already need not be looked through each time
    for _ in bulk(world, page=10, workers=2).run(window(world)):
        held.append(sum(isinstance(thing, DueToken) for thing in gc.get_objects()))
    gc.unfreeze()
    event.remove(database.engine, "before_cursor_execute", note)

    assert sorted(world.provider.used) == sorted(f"p-{number}" for number in range(45))
    assert (len(held), len(pages)) == (45, 6)
    assert max(held) <= 4


@pytest.mark.slow
def test_of_two_runs_at_once_each_token_is_refreshed_by_one(database):
    world, counts = BulkWorld(database), Counter()
    people = {f"p-{number}": world.add(f"p-{number}", timedelta(hours=number)) for number in range(30)}

    def run():
        counts.update(results(world, workers=4))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(world.provider.used) == sorted(people)
    assert counts[Result.REFRESHED] == 30
    assert set(counts) <= {Result.REFRESHED, Result.BY_OTHERS}
    assert {name: world.vault.access_token(who).reveal() for name, who in people.items()} == world.provider.issued


def test_a_program_may_count_on_what_results_and_ends_are_called():
    assert [result.value for result in Result] == [
        "refreshed",
        "refreshed_by_others",
        "reauth_required",
        "failed",
        "postponed",
        "left_alone",
    ]
    assert [(end.value, end.column.name) for end in End] == [("refresh", "ends_at"), ("access", "expires_at")]


def test_the_docs_tell_after_how_many_failures_a_provider_is_left_in_peace():
    docs = (Path(__file__).parent.parent / "docs" / "tokens.md").read_text(encoding="utf-8")

    assert f"After {FAILURES_IN_A_ROW} failures in a row a registration is left" in docs
    assert FAILURES_IN_A_ROW == 20


def test_what_is_told_of_a_run_cannot_be_changed(database):
    world = BulkWorld(database)
    world.add("a")
    moment = window(world)
    (due,) = bulk(world).due.all(moment)
    (outcome,) = bulk(world).run(moment)

    for value in (moment, due, outcome):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, None)


def test_the_end_that_was_asked_for_is_told_and_sorted_by(database):
    world = BulkWorld(database)
    for name, ends, expires in (("late", 1, 3), ("early", 2, 1), ("middle", 3, 2)):
        world.add(name, ends * DAY, expires_at=now_of(world) + expires * DAY)
    due = bulk(world, page=1).due.all(window(world, end=End.ACCESS))

    assert [(token.kept.identity.subject, token.ends_at) for token in due] == [
        (name, now_of(world) + days * DAY) for days, name in enumerate(("early", "middle", "late"), 1)
    ]


@pytest.mark.parametrize(("seconds", "result"), [(300, Result.POSTPONED), (301, Result.REFRESHED)])
def test_a_time_to_wait_for_of_five_minutes_counts_and_one_of_a_second_more_does_not(database, seconds, result):
    world = BulkWorld(database)
    world.add("a")
    with database.engine.begin() as connection:
        connection.execute(update(tokens).values(retry_at=now_of(world) + timedelta(seconds=seconds)))

    assert results(world) == [result]


def test_a_slow_answer_keeps_the_others_from_nothing(database):
    world, names = BulkWorld(database), []
    for number in range(3):
        world.add(f"p-{number}", timedelta(hours=number))
    others_are_told = threading.Event()

    def slow(request):
        names.append(threading.current_thread().name)
        if "p-0" in request.body:
            assert others_are_told.wait(10)
        return world.provider(request)

    world.network.replies["token"] = slow
    run = bulk(world, workers=2).run(window(world))
    told = [next(run) for _ in range(2)]
    others_are_told.set()
    told += run

    assert [outcome.result for outcome in told] == [Result.REFRESHED] * 3
    assert world.provider.used == ["p-1", "p-2", "p-0"]
    assert {name.rpartition("_")[0] for name in names} == {"authkit-refresh"}


def test_what_is_done_is_told_while_others_are_under_way(database):
    world, quick_is_told = BulkWorld(database), threading.Event()
    for number in range(8):
        world.add(f"slow-{number}", timedelta(hours=number))
    quick = world.add("quick", 2 * DAY)

    def answer(request):
        assert "slow" not in request.body or quick_is_told.wait(10)
        return world.provider(request)

    world.network.replies["token"] = answer
    run = bulk(world, workers=9).run(window(world))
    told = [next(run)]
    used = list(world.provider.used)
    quick_is_told.set()
    told += run

    assert used == [quick.subject]
    assert [outcome.result for outcome in told] == [Result.REFRESHED] * 9


def test_four_are_under_way_unless_told_otherwise(database):
    world, all_may_go, under_way = BulkWorld(database), threading.Event(), []
    for number in range(6):
        world.add(f"p-{number}", timedelta(hours=number))

    def answer(request):
        under_way.append(request)
        if len(under_way) == 4:
            threading.Timer(0.2, lambda: (most.append(len(under_way)), all_may_go.set())).start()
        assert all_may_go.wait(10)
        return world.provider(request)

    most = []
    world.network.replies["token"] = answer
    run = BulkRefresh(world.kit, world.database, pace=Pace(1e9)).run(window(world))

    assert [outcome.result for outcome in run] == [Result.REFRESHED] * 6
    assert most == [4]


def test_half_of_the_rest_is_gone_when_whole_seconds_say_so(database):
    world = BulkWorld(database)
    world.add("a", DAY)
    world.provider.refresh_lifetime = 5
    assert results(world) == [Result.REFRESHED]

    world.clock.now += 2.6
    assert results(world) == [Result.LEFT]
    world.clock.now += 0.4
    assert results(world) == [Result.REFRESHED]


def test_the_pace_keeps_its_distance_and_makes_up_for_nothing():
    now, slept = [100.0], []

    def sleep(seconds):
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(10, timer=lambda: now[0], sleep=sleep)
    pace.wait()
    pace.wait()
    now[0] += 0.04
    pace.wait()
    now[0] += 60  # the provider was slow
    pace.wait()
    pace.wait()

    assert slept == pytest.approx([0.1, 0.06, 0.1])


def test_a_witness_passes_everything_on():
    class Client:
        def __getattr__(self, name):
            return lambda value: (name, value)

    refreshes = []
    witness = Witness(Client(), lambda: refreshes.append("now"))

    for name in ("authorization_url", "exchange", "fetch_profile", "revoke"):
        assert getattr(witness, name)("value") == (name, "value")
    assert refreshes == []
    assert witness.refresh("token") == ("refresh", "token")
    assert refreshes == ["now"]


def test_tokens_are_counted_by_registration(database):
    world = BulkWorld(database, **OTHER)
    assert count_tokens(database, now_of(world)) == []
    world.add("soon")
    world.add("late", 30 * DAY)
    world.add("gone", 2 * DAY, registration="other")
    world.provider.failing = {"other-client": GONE, "acme-client": DOWN}
    assert results(world) == [Result.FAILED, Result.REAUTH]
    world.network.replies["revoke"] = DOWN
    leaving = world.add("leaving", registration="other")
    world.accounts.unlink(world.accounts.of(leaving).id, leaving, even_last=True)

    assert count_tokens(database, now_of(world)) == [
        TokenCount("acme", open=2, reauth_required=0, ending=1, failing=1, pending_revocations=0),
        TokenCount("other", open=0, reauth_required=1, ending=0, failing=0, pending_revocations=1),
    ]


def test_revocations_that_wait_are_counted_without_any_token(database):
    world = BulkWorld(database)
    world.network.replies["revoke"] = DOWN
    leaving = world.add("leaving")
    world.accounts.unlink(world.accounts.of(leaving).id, leaving, even_last=True)

    assert count_tokens(database, now_of(world)) == [TokenCount("acme", 0, 0, 0, 0, 1)]


def test_a_token_ends_soon_when_a_week_is_left_to_the_second(database):
    world = BulkWorld(database)
    week = 7 * DAY
    world.add("now", week)
    world.add("then", week + timedelta(seconds=1))

    assert [count.ending for count in count_tokens(database, now_of(world))] == [1]


def test_the_counts_are_in_the_order_of_names(database):
    world = BulkWorld(database)
    for name in "gfedcba":
        world.add(name, registration=name)

    assert "".join(count.registration for count in count_tokens(database, now_of(world))) == "abcdefg"


@pytest.mark.slow
def test_as_many_wait_for_a_slow_provider_as_there_are_workers(database):
    world = BulkWorld(database)
    for name in ("one", "two", "three"):
        world.add(name)
    all_ask = threading.Barrier(3, timeout=10)

    def slow(request):
        all_ask.wait()
        return world.provider(request)

    world.network.replies["token"] = slow
    pace = Pace(0.8 / SILENCE)  # the third begins when the first two have waited for longer than others would

    assert results(world, pace=pace, workers=3) == [Result.REFRESHED] * 3
