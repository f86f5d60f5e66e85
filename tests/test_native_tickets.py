"""Tickets: once, for two minutes, for the app that began the login, and for nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fakes import SECRET, Clock, CountingRandom, make_kit
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from native_world import CHALLENGE, VERIFIER, new_jwts
from race_world import runners

from authkit import AuthKit, Secret
from authkit.accounts import Database, SqlClaims
from authkit.accounts.schema import claims
from authkit.errors import InvalidRequest, TicketInvalid
from authkit.native.tickets import Ticket, Tickets, check_challenge
from authkit.seal import Sealer
from authkit.transactions import MemoryClaims

NEW_SECRET = "another-app-secret-that-is-long-enough-as-well"
NOW = 1_800_000_000


def new_tickets(clock: Clock, *secrets: str) -> Tickets:
    """Return tickets whose claims are in the memory of this process."""
    settings = {"authkit.secret": list(secrets)} if secrets else {}
    return Tickets(make_kit(settings=settings, clock=clock), MemoryClaims(clock))  # type: ignore[arg-type]


def issued(tickets: Tickets, account_id: str = "ada", challenge: str = CHALLENGE) -> str:
    return tickets.issue(account_id, "phone", "acme", challenge)


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(TicketInvalid) as caught:
        call()
    error = caught.value
    assert (error.code, error.status, error.__cause__, error.__context__) == ("ticket_invalid", 401, None, None)
    return error.reason


# What it stands for


def test_a_ticket_stands_for_the_account_that_signed_in(clock: Clock) -> None:
    tickets = new_tickets(clock)

    assert tickets.redeem(issued(tickets), VERIFIER, "acme") == Ticket("ada", "phone", "acme", CHALLENGE, NOW)


@pytest.mark.parametrize("account_id", ["a" * 255, "é" * 255, "\U0001f600" * 255, '"' * 255, "a b"])
def test_the_longest_account_id_fits_into_a_ticket(account_id: str, clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = tickets.issue(account_id, "p" * 32, "r" * 32, CHALLENGE)

    assert len(text) <= 2048
    assert tickets.redeem(text, VERIFIER, "r" * 32).account_id == account_id


def test_a_text_is_a_ticket_up_to_its_greatest_length(clock: Clock) -> None:
    tickets = new_tickets(clock)
    texts = {len(text): text for text in (issued(tickets, "a" * length) for length in range(1300, 1500))}

    assert tickets.redeem(texts[2048], VERIFIER, "acme").app == "phone"
    assert refused(lambda: tickets.redeem(texts[2050], VERIFIER, "acme")).startswith("the ticket is damaged")


def test_a_ticket_is_written_as_short_as_a_link_wants_it(clock: Clock) -> None:
    sealer = Sealer([Secret(SECRET)], "ticket", CountingRandom())

    assert sealer.open(issued(new_tickets(clock)), "acme") == f'["ada","phone","acme","{CHALLENGE}",{NOW}]'.encode()


def test_two_tickets_of_one_moment_are_two(clock: Clock) -> None:
    tickets = new_tickets(clock)
    one, other = issued(tickets), issued(tickets)

    assert one != other
    assert tickets.redeem(one, VERIFIER, "acme") == tickets.redeem(other, VERIFIER, "acme")


def test_lek_11_a_ticket_shows_nothing_of_what_it_stands_for(clock: Clock) -> None:
    text = issued(new_tickets(clock))

    assert text.isascii()
    assert not any(word in text for word in ("ada", "phone", "acme", CHALLENGE))


# MOB-03: once


def test_mob_03_a_ticket_is_of_use_once(clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)
    tickets.redeem(text, VERIFIER, "acme")

    assert refused(lambda: tickets.redeem(text, VERIFIER, "acme")) == "the ticket was used before"


def test_mob_03_of_twenty_at_the_same_moment_on_two_servers_one_wins(database: Database, clock: Clock) -> None:
    servers = [Tickets(make_kit(clock=clock), SqlClaims(database, clock)) for _ in range(2)]
    text = issued(servers[0])

    def redeem(number: int) -> str:
        try:
            return servers[number % 2].redeem(text, VERIFIER, "acme").account_id
        except TicketInvalid as error:
            return error.reason

    with ThreadPoolExecutor(20) as threads:
        outcomes = sorted(threads.map(redeem, range(20)))

    assert outcomes == ["ada", *["the ticket was used before"] * 19]


def make_tickets(url: str) -> Tickets:
    return Tickets(make_kit(clock=Clock()), SqlClaims(Database.open(url), Clock()))


def redeem(tickets: Tickets, text: str) -> str:
    try:
        return tickets.redeem(text, VERIFIER, "acme").account_id
    except TicketInvalid as error:
        return error.reason


@pytest.mark.slow
def test_mob_03_of_two_processes_one_wins(database: Database, clock: Clock) -> None:
    text = issued(new_tickets(clock))
    url = database.engine.url.render_as_string(hide_password=False)

    with runners(make_tickets, redeem, url, processes=2, threads=1) as running:
        outcomes = running.run([text, text])

    assert [outcome.failure for outcome in outcomes] == ["", ""]
    assert sorted(outcome.returned for outcome in outcomes) == ["ada", "the ticket was used before"]


def test_the_claim_outlives_the_ticket_on_the_server_whose_clock_is_a_minute_ahead(
    database: Database, clock: Clock
) -> None:
    ahead = Clock(NOW + 60)
    server, other = (Tickets(make_kit(clock=now), SqlClaims(database, now)) for now in (clock, ahead))
    text = issued(server)
    server.redeem(text, VERIFIER, "acme")
    clock.now, ahead.now = NOW + 119, NOW + 179

    other.redeem(issued(other), VERIFIER, "acme")  # which clears what has expired by its clock

    assert refused(lambda: server.redeem(text, VERIFIER, "acme")) == "the ticket was used before"


def test_a_ticket_that_a_server_of_another_version_has_claimed_was_used(clock: Clock) -> None:
    known = MemoryClaims(clock)
    tickets = Tickets(make_kit(clock=clock), known)  # type: ignore[arg-type]
    text = issued(tickets)

    assert known.claim(f"ticket:{text}", NOW + 180)

    assert refused(lambda: tickets.redeem(text, VERIFIER, "acme")) == "the ticket was used before"


def test_what_is_refused_anyway_claims_nothing(database: Database, clock: Clock) -> None:
    tickets = Tickets(make_kit(clock=clock), SqlClaims(database, clock))
    text = issued(tickets)
    for call in (
        lambda: tickets.redeem(text, "w" * 43, "acme"),
        lambda: tickets.redeem(text, VERIFIER, "other"),
        lambda: tickets.redeem(text[:-1], VERIFIER, "acme"),
    ):
        refused(call)

    assert database.read(lambda executor: executor.execute(claims.select()).all()) == []
    assert tickets.redeem(text, VERIFIER, "acme").account_id == "ada"


# MOB-04, CLK-04: for two minutes


@pytest.mark.parametrize("later", [-60, 0, 119, 119.9])
def test_a_ticket_holds_for_two_minutes(later: float, clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)
    clock.now += later

    assert tickets.redeem(text, VERIFIER, "acme").account_id == "ada"


@pytest.mark.parametrize("later", [120, 121, 3600, -61, -3600])
def test_clk_04_at_exactly_two_minutes_it_is_over(later: float, clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)
    clock.now += later

    assert refused(lambda: tickets.redeem(text, VERIFIER, "acme")) == (
        f"the ticket is {later:.0f} s old, 120 s are allowed"
    )


# MOB-05: for the app that began


@pytest.mark.parametrize(
    "verifier",
    [
        "",
        "w" * 43,
        VERIFIER[:-1],
        VERIFIER + "v",
        VERIFIER.upper(),
        CHALLENGE,
        "v" * 42,
        "v" * 129,
        "v" * 1_000_000,
        "é" * 43,
        "\ud800" * 43,
        "v" * 42 + "\n",
        VERIFIER + "\n",
        "\x00" * 43,
        "\uff56" * 43,
    ],
)
def test_mob_05_a_wrong_verifier_gets_nothing_and_takes_nothing(verifier: str, clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)

    reason = refused(lambda: tickets.redeem(text, verifier, "acme"))

    assert reason == "the verifier is not that of the app that began the login"
    assert tickets.redeem(text, VERIFIER, "acme").account_id == "ada"


def test_a_verifier_may_have_43_to_128_characters(clock: Clock) -> None:
    from base64 import urlsafe_b64encode
    from hashlib import sha256

    tickets = new_tickets(clock)
    for verifier in ("a" * 43, "-._~" * 32):
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        assert tickets.redeem(issued(tickets, challenge=challenge), verifier, "acme").challenge == challenge
    for verifier in ("a" * 42, "a" * 129, "a" * 43 + "!"):
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        text = issued(tickets, challenge=challenge)
        refused(lambda text=text, verifier=verifier: tickets.redeem(text, verifier, "acme"))


def test_a_ticket_without_a_challenge_is_of_no_use(clock: Clock) -> None:
    tickets = new_tickets(clock)

    refused(lambda: tickets.redeem(issued(tickets, challenge=""), "", "acme"))
    refused(lambda: tickets.redeem(issued(tickets, challenge=""), VERIFIER, "acme"))


@pytest.mark.parametrize("registration", ["other", "", "acm", "ACME", "acme "])
def test_a_ticket_is_of_use_at_its_own_registration(registration: str, clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)

    refused(lambda: tickets.redeem(text, VERIFIER, registration))
    assert tickets.redeem(text, VERIFIER, "acme").registration == "acme"


# What is no ticket


def test_a_ticket_damaged_in_any_character_is_refused(clock: Clock) -> None:
    tickets = new_tickets(clock)
    text = issued(tickets)

    for index, char in enumerate(text):
        other = text[:index] + ("A" if char != "A" else "B") + text[index + 1 :]
        assert "damaged" in refused(lambda other=other: tickets.redeem(other, VERIFIER, "acme"))
    assert tickets.redeem(text, VERIFIER, "acme").account_id == "ada"


@pytest.mark.parametrize("text", ["", "x", "é", "\ud800", "\x00", "=", "a" * 2048, "a" * 2049, "a" * 1_000_000])
def test_what_is_no_ticket_is_refused(text: str, clock: Clock) -> None:
    assert "damaged" in refused(lambda: new_tickets(clock).redeem(text, VERIFIER, "acme"))


def test_a_ticket_that_is_too_long_is_not_opened(clock: Clock) -> None:
    kit = make_kit(clock=clock)
    values = json.dumps(["ada" + " " * 1600, "phone", "acme", CHALLENGE, NOW]).encode()
    text = Sealer(kit.secrets, "ticket", kit.random).seal(values, "acme")

    assert len(text) > 2048
    assert "damaged" in refused(lambda: new_tickets(clock).redeem(text, VERIFIER, "acme"))


def test_jwt_07_nothing_else_that_we_make_is_a_ticket(clock: Clock) -> None:
    kit = make_kit(clock=clock)
    content = json.dumps(["ada", "phone", "acme", CHALLENGE, NOW]).encode()
    for text in (
        new_jwts(clock).issue("ada", "s"),
        kit.begin("acme").cookies[0].value,
        Sealer(kit.secrets, "transaction", kit.random).seal(content, "acme"),
        Sealer(kit.secrets, "vault", kit.random).seal(content, "acme"),
        f"{'a' * 32}.{'b' * 64}",
    ):
        assert "damaged" in refused(lambda text=text: new_tickets(clock).redeem(text, VERIFIER, "acme"))


OTHER_FORMS = [
    *(b"[]", b'["ada"]', b"1", b"null", b"[1,2,3,4,5,6]", b"{", b"\xff", b"[" * 5000),
    json.dumps(["ada", "phone", "acme", CHALLENGE, [NOW]]).encode(),
    json.dumps(["ada", "phone", "acme", CHALLENGE, True]).encode(),
    json.dumps(["ada", "phone", "acme", CHALLENGE, float(NOW)]).encode(),
    json.dumps(["ada", "phone", "acme", 1, NOW]).encode(),
]


@pytest.mark.parametrize("content", OTHER_FORMS)
def test_a_ticket_of_another_version_is_refused(content: bytes, clock: Clock) -> None:
    kit = make_kit(clock=clock)
    text = Sealer(kit.secrets, "ticket", kit.random).seal(content, "acme")

    assert "damaged" in refused(lambda: new_tickets(clock).redeem(text, VERIFIER, "acme"))


def sealed(*values: Any) -> str:
    """Return a ticket of these values, as another version of authkit may have sealed one."""
    kit = make_kit()
    return Sealer(kit.secrets, "ticket", kit.random).seal(json.dumps(values).encode(), "acme")


@pytest.mark.parametrize("challenge", ["", "é" * 43, "\ud800", CHALLENGE[:-1]])
def test_a_ticket_with_what_is_no_challenge_is_refused(challenge: str, clock: Clock) -> None:
    text = sealed("ada", "phone", "acme", challenge, NOW)

    assert "the verifier is not that of the app" in refused(lambda: new_tickets(clock).redeem(text, VERIFIER, "acme"))


@pytest.mark.parametrize("issued_at", [10**400, -(10**400)], ids=["future", "past"])
def test_a_ticket_of_a_time_that_no_clock_shows_is_refused(issued_at: int, clock: Clock) -> None:
    text = sealed("ada", "phone", "acme", CHALLENGE, issued_at)

    assert refused(lambda: new_tickets(clock).redeem(text, VERIFIER, "acme")).startswith("the ticket is ")


def test_a_ticket_survives_a_new_secret_and_not_the_loss_of_its_own(clock: Clock) -> None:
    text = issued(new_tickets(clock))

    rotated = new_tickets(clock, NEW_SECRET, SECRET)
    assert rotated.redeem(text, VERIFIER, "acme").account_id == "ada"
    foreign = new_tickets(clock, NEW_SECRET)
    assert "another secret" in refused(lambda: foreign.redeem(text, VERIFIER, "acme"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")), st.text(), st.text())
def test_whatever_comes_in_is_refused_as_a_ticket(text: str, verifier: str, registration: str) -> None:
    refused(lambda: TICKETS.redeem(text, verifier, registration))


TICKETS = new_tickets(Clock())


# The challenge


def test_a_challenge_is_kept_as_it_is() -> None:
    assert check_challenge(CHALLENGE) == CHALLENGE


@pytest.mark.parametrize("challenge", ["", "a" * 42, "a" * 44, "a" * 64, CHALLENGE + "=", CHALLENGE + "\n", "é" * 43])
def test_a_challenge_that_is_no_s256_in_base64url_is_refused(challenge: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check_challenge(challenge)

    assert caught.value.reason == "the challenge must be the base64url of a SHA-256, 43 characters long"


def test_a_ticket_is_sealed_with_what_the_kit_is_given(clock: Clock) -> None:
    def kit() -> AuthKit:
        return make_kit(clock=clock, random=CountingRandom())

    texts = [issued(Tickets(kit(), MemoryClaims(clock))) for _ in range(2)]  # type: ignore[arg-type]

    assert texts[0] == texts[1]
