"""The load test, in short: what it promises of an app that is right, and that it sees what is wrong with others."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

import pytest
from scripts import CHECKOUT

sys.path.append(str(CHECKOUT / "benchmarks"))

import load_wrong_apps
from loadtest import faultmix, verdict
from loadtest.audit import Line
from loadtest.plot import plot
from loadtest.provider import Call
from loadtest.report import Report
from loadtest.rows import Rows
from loadtest.run import Load, run
from loadtest.tally import Attempt, Tally
from loadtest.verdict import Evidence, judge
from loadtest.watch import Sample

from authkit.emulator import Faults

pytestmark = [pytest.mark.pyramid, pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")]

SHORT = [
    blow for blow in faultmix.MIX if blow.fault not in {"silent=20", "slow-headers=0.5", "drip=1", "slow-connect=7"}
]
QUICK = Load(browsers=5, visits=6, faulty=0.1, every=0.1, memory=16 * 1024, mix=SHORT)

RIGHT = "Each answer of the app is a documented one, and whoever signed in is who consented"
CLEAR = "Each login ended in success, or in a code that fits what the provider did"
AUDITED = "Each end of a login has one line in the audit log"
CALM = "The app has logged no error and no traceback"
PROMPT = "Each answer came within 25 s"
OBJECTS = "Python has 10,000 more blocks of memory in use at most"
ALLOCATED = "The C library has 4 MiB more allocated at most"
STEADY = "What the process holds grows by 16 MiB at most in the last two thirds"
THREADS = "There are as many threads as before"
CLIENTS = "No connection to a browser is left"
POOLED = "No more connections to the provider are kept than threads could use at a time"
DATABASE = "The database's pool is no larger than it may be"
CLOSED = "Nothing else is left open"
ACCOUNTS = "Whoever signed in has an account, and nobody else"
OWNED = "Each identity is somebody's who proved it, and has a token; nothing is without its owner"
TRAIL = "Each success has one row in the audit trail"
TIDY = "Claims and revocations end"


def broken(evidence):
    return [promise.text for promise in judge(evidence) if not promise.is_kept]


def run_quickly(tmp_path, **changes):
    return run(replace(QUICK, **changes), f"sqlite:///{tmp_path / 'app.db'}", tmp_path)


# The real thing, in short.


@pytest.mark.slow
def test_under_load_and_faults_every_promise_is_kept(tmp_path):
    evidence = run_quickly(tmp_path)

    assert [promise for promise in judge(evidence) if not promise.is_kept] == []
    assert len(evidence.tally.attempts) > 40
    assert any(call.fault for call in evidence.calls)


@pytest.mark.slow
def test_an_app_that_leaks_is_found_out(tmp_path):
    assert broken(run_quickly(tmp_path, make=load_wrong_apps.leaky_app)) == [
        AUDITED,
        ALLOCATED,
        STEADY,
        THREADS,
        POOLED,
    ]


@pytest.mark.slow
def test_an_app_that_mixes_people_up_and_fails_by_itself_is_found_out(tmp_path):
    found = broken(run_quickly(tmp_path, make=load_wrong_apps.mixed_up_app))

    assert {RIGHT, CLEAR, CALM, ACCOUNTS, OWNED} <= set(found)


# What breaks which promise.


def sample(at=0, rss=100_000, threads=11, descriptors=20, **kinds):
    return Sample(at, rss, threads, descriptors, Counter({name.replace("_", " "): n for name, n in kinds.items()}))


def rows(**changes):
    counts = dict.fromkeys(("accounts", "identities", "tokens"), 1) | dict.fromkeys(("sessions", "revocations"), 0)
    good = Rows({**counts, "claims": 1, "audit": 1}, Counter(created=1), 0, frozenset({"ann"}))
    return replace(good, **changes)


def evidence(outcome="ok", cause="", kind="login", faults=(), **changes):
    """Return what one login has shown, after which everything is as it should be."""
    tally = Tally()
    tally.end(Attempt(kind, "code-1", outcome, "ref1", 0.1))
    tally.signed_in("ann")
    tally.audited.update(ok=1) if outcome == "ok" else tally.audited.update({"ok": 1, outcome: 1})
    failures = [] if outcome == "ok" else [Line(outcome, "ref1", cause)]
    good = Evidence(
        tally=tally,
        calls=[Call("code-1", endpoint, fault) for endpoint, fault in faults],
        audit=[Line("ok", "-", ""), *failures],
        warnings="2026-01-01 WARNING waitress.queue Task queue depth is 3\n",
        samples=[sample(), sample(1), sample(2), sample(3)],
        before=sample(),
        after=sample(),
        rows=rows(),
        rows_later=rows(),
        threads=8,
        memory=16 * 1024,
    )
    return replace(good, **changes)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        ({"faults": [("token", "silent=0.3")]}, []),
        ({"faults": [("token", "500")]}, [CLEAR]),
        ({"faults": [("userinfo", "reset")]}, []),
        ({"faults": [("token", "reset")]}, [CLEAR]),
        ({"faults": [("revoke", "500")]}, []),
        ({"outcome": "provider_unavailable", "faults": [("token", "500")]}, []),
        ({"outcome": "provider_unavailable", "faults": [("revoke", "500")]}, [CLEAR]),
        ({"outcome": "provider_unavailable", "faults": [("refresh", "500")]}, [CLEAR]),
        ({"outcome": "provider_unavailable"}, [CLEAR]),
        ({"outcome": "provider_unavailable", "cause": "connect timed out"}, []),
        ({"outcome": "provider_unavailable", "cause": "no answer came in time", "faults": [("token", "")]}, []),
        (
            {
                "outcome": "provider_unavailable",
                "cause": "no answer came in time",
                "faults": [("token", ""), ("userinfo", "")],
            },
            [CLEAR],
        ),
        ({"outcome": "provider_unavailable", "cause": "the provider did not answer; it is asked again in 7 s"}, []),
        ({"outcome": "provider_protocol", "cause": "connect timed out"}, [CLEAR]),
        ({"outcome": "provider_protocol", "faults": [("token", "500")]}, [CLEAR]),
        ({"outcome": "provider_protocol", "faults": [("token", "500"), ("userinfo", "html")]}, []),
        ({"outcome": "provider_rejected", "faults": [("userinfo", "wrong-types")]}, []),
        ({"outcome": "provider_rejected", "faults": [("token", "wrong-types")]}, [CLEAR]),
        ({"outcome": "store_unavailable", "faults": [("token", "500")]}, [CLEAR]),
        ({"outcome": "reauth_required", "kind": "refresh", "faults": [("refresh", "reset")]}, []),
        ({"outcome": "reauth_required", "kind": "refresh", "faults": [("token", "reset")]}, [CLEAR]),
        ({"outcome": "provider_rate_limited", "kind": "refresh", "faults": [("refresh", "429")]}, []),
    ],
)
def test_an_end_has_to_fit_what_the_provider_did(given, expected):
    assert broken(evidence(**given)) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"audit": []}, AUDITED),
        ({"audit": [Line("ok", "-", "")] * 2}, AUDITED),
        ({"audit": [Line("state_invalid", "-", "")]}, AUDITED),
        ({"warnings": "2026-01-01 ERROR waitress Exception while serving /\n"}, CALM),
        ({"warnings": "Traceback (most recent call last):\n"}, CALM),
        ({"samples": [sample(at, 100_000 + at * 10_000) for at in range(9)]}, STEADY),
        ({"after": replace(sample(), blocks=10_001)}, OBJECTS),
        ({"after": replace(sample(), allocated=4097)}, ALLOCATED),
        ({"after": sample(threads=12)}, THREADS),
        ({"after": sample(client_ESTABLISHED=1)}, CLIENTS),
        ({"after": sample(descriptors=29, provider_CLOSE_WAIT=4, dead_socket=5)}, POOLED),
        ({"after": sample(descriptors=26, database_ESTABLISHED=6)}, DATABASE),
        ({"after": sample(descriptors=35, database_file=15)}, DATABASE),
        ({"after": sample(descriptors=21)}, CLOSED),
        ({"rows": rows(strays=1)}, OWNED),
        ({"rows": rows(subjects=frozenset({"ben"}))}, OWNED),
        ({"rows": rows(events=Counter(created=1, signed_in=1))}, TRAIL),
        ({"rows_later": rows(counts={"claims": 2, "revocations": 0, "sessions": 0})}, TIDY),
        ({"rows_later": rows(counts={"claims": 1, "revocations": 1, "sessions": 0})}, TIDY),
    ],
)
def test_each_promise_can_be_broken(changes, expected):
    assert broken(evidence(**changes)) == [expected]


def test_an_account_of_nobody_breaks_a_promise():
    one_more = {**rows().counts, "accounts": 2}

    assert broken(evidence(rows=rows(counts=one_more))) == [ACCOUNTS]


def test_what_browsers_have_seen_breaks_promises():
    wrong, slow, nobody = evidence(), evidence(), evidence()
    wrong.tally.breach("Ben is signed in")
    slow.tally.answered(25.1, 1, 100)
    nobody.tally.attempts.clear()

    assert [broken(each) for each in (wrong, slow, nobody)] == [[RIGHT], [PROMPT], [CLEAR]]


def test_pools_may_be_full_at_the_end():
    after = sample(descriptors=42, provider_CLOSE_WAIT=7, dead_socket=1, database_file=14)

    assert broken(evidence(after=after)) == []


def test_memory_that_grows_only_in_the_beginning_has_not_grown():
    warm = [sample(at, 100_000 + min(at, 3) * 20_000) for at in range(12)]

    assert verdict.growth(warm) == 0
    assert verdict.growth(warm[:1]) == 0


# What it is made of.


def test_the_faults_come_as_often_as_they_should():
    faults = Faults(faultmix.CALLS, faultmix.faults_at(0.05), seed=1)
    drawn = Counter(
        fault and fault.kind for fault in (faults.take("userinfo", is_connected=True) for _ in range(20_000))
    )
    share = {blow.kind: sum(each.weight for each in faultmix.MIX if each.kind == blow.kind) for blow in faultmix.MIX}
    everything = sum(share.values())

    assert 1 - drawn[None] / 20_000 == pytest.approx(0.05, abs=0.006)
    assert drawn["reset"] / 20_000 == pytest.approx(0.05 * share["reset"] / everything, abs=0.003)
    assert drawn["skew"] / 20_000 == pytest.approx(0.05 * share["skew"] / everything, abs=0.002)
    assert list(faultmix.faults_at(0)) == []


def test_what_came_of_it_is_written_into_the_page_and_nothing_else_of_it_changes(tmp_path):
    (tmp_path / "images").mkdir()
    page, shown = tmp_path / "load.md", evidence(outcome="provider_unavailable", cause="connect timed out")
    own = (CHECKOUT / "docs" / "load.md").read_text(encoding="utf-8")
    page.write_text(own, encoding="utf-8")
    report = Report(replace(QUICK, seconds=600.0), "sqlite", shown, judge(shown))
    report.write(page)
    written = page.read_text(encoding="utf-8")

    assert report.is_good
    assert [promise.text for promise in report.promises if f"| {promise.text} | yes |" not in written] == []
    assert written.partition("<!-- load-sqlite -->")[0] == own.partition("<!-- load-sqlite -->")[0]
    assert written.partition("<!-- /load-sqlite -->")[2] == own.partition("<!-- /load-sqlite -->")[2]
    assert (tmp_path / "images" / "load-sqlite.svg").read_text(encoding="utf-8") == plot(shown.samples)


def test_the_page_of_text_says_what_is_broken_and_by_what():
    shown = evidence(outcome="provider_unavailable", cause="HTTP 503")
    text = Report(QUICK, "sqlite", shown, judge(shown)).as_text()

    assert f"BROKEN  {CLEAR}: 1 logins, links and refreshes\n          a login ended in provider_unavailable" in text
    assert f"kept    {RIGHT}: 0 answers\n" in text


def test_the_drawing_goes_from_the_first_look_to_the_last():
    drawn = plot([sample(10, 1024), sample(11, 2048), sample(12, 1024)])

    assert 'points="60.0,' in drawn
    assert drawn.count("<polyline") == 3
