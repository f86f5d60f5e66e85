"""Transactions: in the browser that began them, once, and for ten minutes."""

from __future__ import annotations

import dataclasses
import random as predictable
import secrets
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

import pytest
from ada_url import URL, join_url
from fakes import FIRST_STATE, FIRST_VERIFIER, SECRET, Clock, CountingRandom, make_kit
from hypothesis import given
from hypothesis import strategies as st

from authkit.cookies import Cookie
from authkit.errors import RateLimited, StateInvalid, StoreUnavailable
from authkit.models import Secret
from authkit.seal import Sealer
from authkit.transactions import ClaimStore, MemoryClaims, Transaction, Transactions, local_path

ORIGIN = "https://app.example"
HOSTILE = st.lists(st.sampled_from([*"/\\?#:@.%;&= \t\r\n\x00a05€\u2028\ud800", "evil.example", "//", "https:"])).map(
    "".join
)
VISIBLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '\\"')
FIELDS: Mapping[str, Any] = {
    "registration": "acme",
    "redirect_uri": "https://app.example/auth/acme/callback",
    "scope": ("profile", "e-mail"),
    "return_to": "/inbox",
    "purpose": "login",
    "bound": "",
}
OURS: Mapping[str, str] = {"registration": "acme", "purpose": "login", "bound": ""}


class World:
    """Transactions with a clock that stands still, and the cookies of one browser."""

    def __init__(
        self,
        *,
        secret: str = SECRET,
        secure: bool = True,
        random: Callable[[int], bytes] = secrets.token_bytes,
        claims: ClaimStore | None = None,
    ) -> None:
        self.clock = Clock()
        self.jar: dict[str, str] = {}
        self.transactions = Transactions(
            Sealer([Secret(secret)], "transaction", random),
            claims or MemoryClaims(self.clock),
            clock=self.clock,
            random=random,
            secure=secure,
        )

    def begin(self, **changes: Any) -> tuple[str, Transaction, tuple[Cookie, ...]]:
        state, transaction, cookies = self.transactions.begin(**{**FIELDS, "cookies": self.jar, **changes})
        for cookie in cookies:
            self.jar[cookie.name] = cookie.value
        self.jar = {name: value for name, value in self.jar.items() if value}
        return state, transaction, cookies

    def claim(self, state: str, **changes: Any) -> tuple[Transaction, Cookie]:
        return self.transactions.claim(state, **{"cookies": self.jar, **OURS, **changes})

    def refuse(self, state: str, **changes: Any) -> StateInvalid:
        with pytest.raises(StateInvalid) as caught:
            self.claim(state, **changes)
        return caught.value


@pytest.fixture
def world() -> World:
    """Give transactions, and a browser without cookies."""
    return World()


# Where to go afterwards


@given(HOSTILE.map(lambda text: f"/{text}") | HOSTILE | st.text())
def test_a_local_path_resolves_to_our_own_origin(value: str) -> None:
    path = local_path(value)

    assert URL(ORIGIN + path).origin == ORIGIN
    assert URL(join_url(f"{ORIGIN}/auth/acme/callback", path)).origin == ORIGIN
    assert path.isascii()
    assert path.isprintable()
    assert len(path) <= 512


@pytest.mark.parametrize(
    "value",
    ["/", "/a?b=1&c=//d#e", "/a//b", "/caf%C3%A9", "/a%20b", "/a:b", "/%5cevil", "/" + "a" * 511, f"/{VISIBLE}"],
)
def test_opr_08_a_good_path_is_kept_byte_for_byte(value: str) -> None:
    assert local_path(value) == value


@pytest.mark.parametrize(("value", "path"), [("/café", "/caf%C3%A9"), ("/a b", "/a%20b"), ("/\u2028", "/%E2%80%A8")])
def test_a_path_with_other_characters_is_encoded(value: str, path: str) -> None:
    assert local_path(value) == path
    assert unquote(path) == value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "inbox",
        "?a",
        "https://evil.example/",
        "HTTPS://EVIL.EXAMPLE",
        "//evil.example/x",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "\\/evil.example",
        "/a\\b",
        "/\t/evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "/ok\r\nSet-Cookie: a=b",
        "/\x00",
        "/\x7f",
        "/\ud800",
        "javascript:alert(1)",
        "https://app.example@evil.example/",
        "https://app.example/inbox",
        "/" + "a" * 512,
        "/" + "é" * 100,
        "/" + "a" * 3000,
    ],
)
def test_opr_01_anything_else_becomes_the_default(value: str | None) -> None:
    assert local_path(value) == "/"
    assert local_path(value, "/home/") == "/home/"


# The memory of claims


def test_a_key_is_claimed_once(clock: Clock) -> None:
    claims = MemoryClaims(clock)

    assert [
        claims.claim("a", clock.now + 10),
        claims.claim("a", clock.now + 10),
        claims.claim("b", clock.now + 10),
    ] == [
        True,
        False,
        True,
    ]


def test_a_claim_is_forgotten_when_it_expires(clock: Clock) -> None:
    claims = MemoryClaims(clock)
    end = clock.now + 10
    assert claims.claim("a", end)

    clock.now = end - 0.001
    assert not claims.claim("a", end)
    clock.now = end
    assert claims.claim("a", end + 10)


def test_inp_04_a_full_memory_refuses_new_claims_until_old_ones_expire(clock: Clock) -> None:
    claims = MemoryClaims(clock, capacity=2)
    assert claims.claim("a", clock.now + 10)
    assert claims.claim("b", clock.now + 20)

    with pytest.raises(RateLimited, match="the memory store of claims is full"):
        claims.claim("c", clock.now + 20)
    assert not claims.claim("b", clock.now + 20)
    clock.now += 10
    assert claims.claim("c", clock.now + 20)


def test_a_claim_is_forgotten_however_many_that_end_later_came_before(clock: Clock) -> None:
    claims = MemoryClaims(clock, capacity=3)
    assert all(claims.claim(key, clock.now + seconds) for key, seconds in [("a", 30), ("b", 10), ("c", 20)])

    clock.now += 10
    assert claims.claim("d", clock.now + 10)
    with pytest.raises(RateLimited):
        claims.claim("e", clock.now + 10)
    clock.now += 10
    assert claims.claim("e", clock.now + 10)
    assert claims.claim("f", clock.now + 10)
    assert not claims.claim("a", clock.now + 10)


TEN_YEARS = 10 * 365 * 24 * 3600


def test_logins_while_the_clock_was_years_ahead_leave_room_for_others(clock: Clock) -> None:
    claims = MemoryClaims(clock, capacity=100)
    clock.now += TEN_YEARS
    assert all(claims.claim(f"ahead {number}", clock.now + 660) for number in range(100))
    clock.now -= TEN_YEARS

    for number in range(1000):
        clock.now += 60
        assert claims.claim(str(number), clock.now + 660)
        assert not claims.claim(str(number), clock.now + 660)


def test_a_login_while_the_clock_was_ahead_is_remembered_as_long_as_there_is_room(clock: Clock) -> None:
    claims = MemoryClaims(clock, capacity=100)
    clock.now += TEN_YEARS
    end = clock.now + 660
    assert claims.claim("ahead", end)
    clock.now -= TEN_YEARS

    for number in range(1000):
        clock.now += 60
        assert claims.claim(str(number), clock.now + 660)
    clock.now = end - 1
    assert not claims.claim("ahead", end)
    clock.now = end
    assert claims.claim("ahead", end + 1)


@pytest.mark.parametrize(("seconds", "is_kept"), [(720, True), (721, False)])
def test_for_want_of_room_only_what_no_good_login_can_have_claimed_is_forgotten(
    clock: Clock, seconds: int, is_kept: bool
) -> None:
    claims = MemoryClaims(clock, capacity=4)
    ends = {"a": 1, "b": 720, "c": TEN_YEARS, "d": seconds}
    assert all(claims.claim(key, clock.now + end) for key, end in ends.items())

    assert claims.claim("e", clock.now + 660)

    assert [key for key in "abde" if not claims.claim(key, clock.now + 660)] == [*"ab", *"d" * is_kept, "e"]
    with pytest.raises(RateLimited):
        claims.claim("f", clock.now + 660)


def test_the_last_login_of_a_clock_that_is_a_minute_ahead_is_not_forgotten_for_want_of_room() -> None:
    world = World()
    world.transactions = world.transactions.claimed_in(MemoryClaims(world.clock, capacity=1))
    state, _, _ = world.begin()
    world.claim(state)

    world.clock.now -= 60

    assert world.refuse(state).reason == "the state was used before: a replay, or a reloaded callback"
    with pytest.raises(RateLimited):
        world.claim(world.begin()[0])
    assert world.refuse(state).reason == "the state was used before: a replay, or a reloaded callback"


def test_a_full_memory_refuses_without_a_search(clock: Clock) -> None:
    claims = MemoryClaims(clock)
    assert all(claims.claim(str(number), clock.now + 720) for number in range(100_000))

    began = time.process_time()
    for number in range(1000):
        with pytest.raises(RateLimited):
            claims.claim(f"more {number}", clock.now + 720)
    assert time.process_time() - began < 1


def test_a_claim_costs_the_same_however_many_are_remembered_while_as_many_expire_as_come() -> None:
    def cost(remembered: int) -> float:
        clock = Clock()
        claims = MemoryClaims(clock)
        took = []
        for number in range(remembered + 20_000):
            clock.now += 1
            if number >= remembered and number % 2_000 == 0:
                took.append(time.process_time())
            claims.claim(str(number), clock.now + remembered)
        return took[-1] - took[0]

    cost(100)  # the first is slower
    assert cost(90_000) < 8 * cost(100)


def test_the_memory_holds_a_hundred_thousand_claims(clock: Clock) -> None:
    claims = MemoryClaims(clock)

    assert all(claims.claim(str(number), clock.now + 10) for number in range(100_000))
    with pytest.raises(RateLimited):
        claims.claim("one more", clock.now + 10)


def test_con_02_of_twenty_threads_one_gets_the_claim(clock: Clock) -> None:
    claims = MemoryClaims(clock)
    together = threading.Barrier(20)

    def claim(_: int) -> bool:
        together.wait()
        return claims.claim("a", clock.now + 10)

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(claim, range(20))) == 1


class Interrupted(int):
    """A capacity that lets another thread do something while a claim is judged."""

    meanwhile: Callable[[], None]
    thread: threading.Thread | None = None

    def __le__(self, other: int) -> bool:
        if self.thread is None:
            self.thread = threading.Thread(target=self.meanwhile)
            self.thread.start()
            self.thread.join(0.05)
        return int(self) <= other


def test_con_02_a_claim_waits_for_the_one_that_is_being_judged(clock: Clock) -> None:
    answers: list[bool] = []
    capacity = Interrupted(5)
    capacity.meanwhile = lambda: answers.append(claims.claim("a", clock.now + 10))
    claims = MemoryClaims(clock, capacity)

    assert claims.claim("a", clock.now + 10)
    assert capacity.thread
    capacity.thread.join(5)
    assert answers == [False]


# A transaction and its cookie


@given(
    st.builds(
        Transaction,
        registration=st.text(),
        redirect_uri=st.text(),
        scope=st.lists(st.text()).map(tuple),
        return_to=st.text(),
        purpose=st.text(),
        bound=st.text(),
        code_verifier=st.builds(Secret, st.text()),
        issued_at=st.integers(),
    )
)
def test_a_transaction_comes_back_as_it_was(transaction: Transaction) -> None:
    assert Transaction.from_bytes(transaction.to_bytes()) == transaction


def test_a_transaction_is_written_as_short_as_a_cookie_wants_it() -> None:
    _, transaction, _ = World(random=CountingRandom()).begin(bound="account-1")

    assert transaction.to_bytes().decode() == (
        '["acme","https://app.example/auth/acme/callback",["profile","e-mail"],"/inbox","login","account-1",'
        f'"{FIRST_VERIFIER}",1800000000]'
    )


def test_a_transaction_is_frozen(world: World) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        world.begin()[1].return_to = "/elsewhere"  # type: ignore[misc]


def test_a_transaction_does_not_show_its_verifier() -> None:
    shown = repr(World(random=CountingRandom()).begin()[1])

    assert not [text for text in (FIRST_VERIFIER, "code_verifier") if text in shown]


def test_a_transaction_remembers_what_it_was_begun_with() -> None:
    world = World(random=CountingRandom())

    state, transaction, cookies = world.begin()

    assert state == FIRST_STATE
    assert transaction == Transaction(**FIELDS, code_verifier=Secret(FIRST_VERIFIER), issued_at=1_800_000_000)
    assert len(cookies) == 1
    assert world.claim(state)[0] == transaction


@pytest.mark.parametrize(("secure", "prefix"), [(True, "__Host-authkit-"), (False, "authkit-")])
def test_ses_03_the_cookie_is_named_by_the_hash_of_the_state(secure: bool, prefix: str) -> None:
    state, _, (cookie,) = World(secure=secure).begin()

    assert cookie.name == prefix + sha256(state.encode()).hexdigest()[:32]
    assert (cookie.max_age, cookie.secure) == (600, secure)


def test_ses_09_the_cookie_shows_nothing(world: World) -> None:
    state, transaction, (cookie,) = world.begin()
    content = urlsafe_b64decode(cookie.value + "=" * (-len(cookie.value) % 4))

    for text in (state, transaction.code_verifier.reveal(), "/inbox", "acme", "profile"):
        assert text.encode() not in content
        assert text not in cookie.name


def test_a_claimed_transaction_clears_its_cookie(world: World) -> None:
    state, _, (cookie,) = world.begin()

    assert world.claim(state)[1] == Cookie(cookie.name, "", 0, True)


def test_sta_15_states_and_verifiers_are_random() -> None:
    predictable.seed(1)
    world = World()
    started = [world.begin(cookies={}) for _ in range(2000)]
    states = {state for state, _, _ in started}
    verifiers = {transaction.code_verifier.reveal() for _, transaction, _ in started}

    assert len(states) == len(verifiers) == len(states | verifiers) - 2000 == 2000
    assert {len(state) for state in states} == {43}
    assert len({state[0] for state in states}) > 1


# Refusals


def test_sta_01_no_state_is_refused(world: World) -> None:
    world.begin()

    error = world.refuse("")

    assert (error.reason, error.cookies) == ("the callback has no state", ())


@pytest.mark.parametrize("state", ["x", "x" * 43, "é", "\x00", "\ud800", "a" * 65536])
def test_sta_02_an_unknown_state_is_refused(world: World, state: str) -> None:
    world.begin()

    error = world.refuse(state)

    assert (
        error.reason == "this browser has no cookie for the state: another browser or host, too late, or loaded again"
    )
    assert error.cookies == ()


def test_sta_03_another_browser_is_refused_and_consumes_nothing(world: World) -> None:
    state, transaction, _ = world.begin()

    world.refuse(state, cookies={})
    world.refuse(state, cookies=dict.fromkeys(world.jar, ""))

    assert world.claim(state)[0] == transaction


def test_a_cookie_under_the_name_of_another_state_is_refused(world: World) -> None:
    _, _, (cookie,) = world.begin(cookies={})
    second, _, (other,) = world.begin(cookies={})

    error = world.refuse(second, cookies={other.name: cookie.value})

    assert error.reason == "the cookie is damaged, or sealed with another secret"
    assert error.cookies == (Cookie(other.name, "", 0, True),)


def test_sta_08_a_replay_is_refused_and_its_cookie_cleared(world: World) -> None:
    state, _, (cookie,) = world.begin()
    world.claim(state)

    error = world.refuse(state)

    assert error.reason == "the state was used before: a replay, or a reloaded callback"
    assert error.cookies == (Cookie(cookie.name, "", 0, True),)


@pytest.mark.parametrize("age", [-60, 0, 599.999])
def test_sta_10_a_transaction_holds_for_ten_minutes(world: World, age: float) -> None:
    state, transaction, _ = world.begin()
    world.clock.now += age

    assert world.claim(state)[0] == transaction


@pytest.mark.parametrize("age", [600, 601, 1e6, -61])
def test_clk_04_at_exactly_ten_minutes_it_is_over(world: World, age: float) -> None:
    state, _, (cookie,) = world.begin()
    world.clock.now += age

    error = world.refuse(state)

    assert error.reason == f"the login was begun {age:.0f} s ago, 600 s are allowed"
    assert error.cookies == (Cookie(cookie.name, "", 0, True),)


def test_sta_08_a_replay_after_ten_minutes_is_refused_too(world: World) -> None:
    state, _, _ = world.begin()
    world.claim(state)
    world.clock.now += 600

    world.refuse(state)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"registration": "other"}, "the state belongs to a login with 'acme'"),
        ({"purpose": "link"}, "the state is for purpose 'login', or bound to another value"),
        ({"bound": "account-2"}, "the state is for purpose 'login', or bound to another value"),
    ],
    ids=["STA-11", "purpose", "bound"],
)
def test_a_transaction_for_something_else_is_refused_and_not_consumed(
    world: World, change: Mapping[str, str], reason: str
) -> None:
    state, transaction, _ = world.begin(bound="account-1")
    ours = {"bound": "account-1", **change}

    error = world.refuse(state, **ours)

    assert (error.reason, error.cookies) == (reason, ())
    assert world.claim(state, bound="account-1")[0] == transaction


@given(st.data())
def test_ses_07_a_cookie_damaged_in_any_byte_is_refused_and_cleared(data: st.DataObject) -> None:
    world = World()
    state, _, (cookie,) = world.begin()
    position = data.draw(st.integers(0, len(cookie.value) - 1))
    char = data.draw(st.characters(codec="latin-1").filter(lambda char: char != cookie.value[position]))
    damaged = cookie.value[:position] + char + cookie.value[position + 1 :]

    error = world.refuse(state, cookies={cookie.name: damaged})

    assert error.reason == "the cookie is damaged, or sealed with another secret"
    assert error.cookies == (Cookie(cookie.name, "", 0, True),)


OTHER_FORMS = [
    *(
        b"no JSON",
        b"[1,2]",
        b"7",
        b"null",
        b"{}",
        b"[" * 5000,
        b'["","",[7],"","","","",1]',
        b'["","","","","","","",1]',
    ),
    *(
        b'["acme","",[],"/","login","","v",%s]' % value
        for value in (b"[1]", b"true", b"1800000000.0", b'"1800000000"')
    ),
]


def sealed(name: str, *, secret: str = SECRET, purpose: str = "transaction", content: bytes = b"[1,2]") -> str:
    return Sealer([Secret(secret)], purpose, secrets.token_bytes).seal(content, name)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: "x" * 16384,
        lambda _: "%00",
        lambda cookie: cookie.value[:-10],
        lambda cookie: sealed(cookie.name, secret="s" * 32),
        lambda cookie: sealed(cookie.name, purpose="session"),
        lambda cookie: sealed(cookie.name),
        lambda cookie: sealed(cookie.name, content=b"no JSON"),
        lambda cookie: sealed(cookie.name, content=b'["acme","",[1],"/","login","","v",1800000000]'),
    ],
    ids=["16k", "nul", "truncated", "other-secret", "other-purpose", "other-version", "no-json", "no-scope"],
)
def test_ses_07_a_cookie_that_is_not_ours_counts_as_absent(world: World, spoil: Callable[[Cookie], str]) -> None:
    state, _, (cookie,) = world.begin()
    world.jar[cookie.name] = spoil(cookie)

    world.refuse(state)
    _, _, cookies = world.begin()

    assert cookies[1:] == (Cookie(cookie.name, "", 0, True),)


@pytest.mark.parametrize("content", OTHER_FORMS)
def test_a_cookie_of_another_version_counts_as_absent(world: World, content: bytes) -> None:
    state, _, (cookie,) = world.begin()
    world.jar[cookie.name] = sealed(cookie.name, content=content)

    world.refuse(state)

    assert world.transactions.begun(state, world.jar) == ("", "")
    assert world.begin()[2][1:] == (Cookie(cookie.name, "", 0, True),)


@pytest.mark.parametrize("issued_at", [10**400, -(10**400)], ids=["future", "past"])
def test_a_cookie_of_a_time_that_no_clock_shows_is_refused(world: World, issued_at: int) -> None:
    state, _, (cookie,) = world.begin()
    content = b'["acme","",[],"/","login","","v",%d]' % issued_at
    world.jar[cookie.name] = sealed(cookie.name, content=content)

    assert world.refuse(state).reason.startswith("the login was begun ")


class Store:
    """A store of claims that answers with what it is given."""

    def __init__(self, answer: bool | Exception) -> None:
        self.answer = answer
        self.asked: list[tuple[str, float]] = []

    def claim(self, key: str, expires_at: float) -> bool:
        self.asked.append((key, expires_at))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_store_is_asked_for_the_name_of_the_cookie_until_the_transaction_ends() -> None:
    store = Store(answer=True)
    world = World(claims=store)

    state, transaction, (cookie,) = world.begin()
    world.claim(state)

    assert store.asked == [(cookie.name, transaction.issued_at + 660)]


@pytest.mark.parametrize("secure", [True, False])
def test_transactions_may_be_claimed_in_another_store(secure: bool) -> None:
    world, store = World(secure=secure), Store(answer=True)
    state, transaction, (cookie, *_) = world.begin()
    world.transactions = world.transactions.claimed_in(store)

    assert world.claim(state) == (transaction, Cookie(cookie.name, "", 0, secure))
    assert store.asked == [(cookie.name, transaction.issued_at + 660)]
    assert world.begin()[2][0].secure is secure


@pytest.mark.parametrize("secure", [True, False])
def test_transactions_may_go_by_another_clock(secure: bool) -> None:
    world, later = World(secure=secure, random=CountingRandom()), Clock()
    old_state, _, _ = world.begin(bound="account-1")
    world.transactions = world.transactions.timed_by(later)
    later.now += 600

    state, transaction, (cookie, *_) = world.begin()

    assert (transaction.issued_at, cookie.secure) == (int(later.now), secure)
    assert cookie.name.startswith("__Host-") is secure
    assert world.claim(state)[0] == transaction
    assert world.refuse(state).reason == "the state was used before: a replay, or a reloaded callback"
    world.refuse(old_state)


def test_what_a_transaction_was_begun_for_is_read_and_nothing_claimed(world: World) -> None:
    state, _, (cookie, *_) = world.begin(purpose="native", bound="phone challenge state")
    other, _, _ = world.begin()

    assert world.transactions.begun(state, world.jar) == ("native", "phone challenge state")
    assert world.transactions.begun(other, world.jar) == ("login", "")
    assert world.transactions.begun(state, {}) == ("", "")
    assert world.transactions.begun("", world.jar) == ("", "")
    assert world.transactions.begun(state, {cookie.name: cookie.value[:-4] + "AAAA"}) == ("", "")
    assert world.claim(state, purpose="native", bound="phone challenge state")[0].purpose == "native"


def test_the_store_is_not_asked_about_what_is_refused_anyway() -> None:
    store = Store(answer=True)
    world = World(claims=store)
    state, _, _ = world.begin()

    world.refuse(state, registration="other")
    world.clock.now += 600
    world.refuse(state)

    assert store.asked == []


def test_dbf_01_a_store_that_fails_fails_the_login() -> None:
    world = World(claims=Store(OSError("canary: postgres://user:pass@db")))
    state, _, _ = world.begin()

    with pytest.raises(StoreUnavailable) as caught:
        world.claim(state)

    assert caught.value.reason == "the store of claims raised OSError"
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_store_that_is_full_says_so() -> None:
    full = RateLimited("full")
    world = World(claims=Store(full))
    state, _, _ = world.begin()

    with pytest.raises(RateLimited) as caught:
        world.claim(state)

    assert caught.value is full


# Many cookies


def test_ses_04_of_sixty_starts_in_one_jar_the_last_one_works(world: World) -> None:
    started = []
    for _ in range(60):
        started.append(world.begin())
        world.clock.now += 1
        assert len(world.jar) <= 10
        assert sum(len(name) + len(value) for name, value in world.jar.items()) <= 4096

    state, transaction, cookies = started[-1]
    assert cookies[0].name in world.jar
    assert world.claim(state)[0] == transaction


def test_ses_04_the_oldest_cookies_are_dropped_beyond_ten() -> None:
    world = World()
    short: dict[str, Any] = {"redirect_uri": "", "scope": (), "return_to": "/"}
    names = []
    for _ in range(13):
        _, _, cookies = world.begin(**short)
        names.append(cookies[0].name)
        world.clock.now += 1

    assert sorted(world.jar) == sorted(names[3:])


def test_ses_04_the_oldest_cookies_are_dropped_beyond_four_kib(world: World) -> None:
    _, _, (first, *_) = world.begin(return_to="/" + "a" * 511)
    size = len(first.name) + len(first.value)
    names = [first.name]
    for _ in range(9):
        world.clock.now += 1
        _, _, cookies = world.begin(return_to="/" + "a" * 511)
        names.append(cookies[0].name)

    assert sorted(world.jar) == sorted(names[-(4096 // size) :])


def fitting(world: World, size: int) -> dict[str, str]:
    """Return what makes a transaction whose cookie, its name included, has exactly `size` bytes."""

    def taken(length: int) -> int:
        (cookie,) = world.transactions.begin(**{**FIELDS, "bound": "a" * length}, cookies={})[2]
        return len(cookie.name) + len(cookie.value)

    about = (size - taken(0)) * 3 // 4  # what base64 has room for
    length = next(length for length in range(about - 3, about + 4) if taken(length) == size)
    return {"bound": "a" * length}


def test_a_cookie_may_be_as_long_as_browsers_keep_it() -> None:
    world = World(secure=False)
    fits = fitting(world, 4096)

    assert len(world.begin(**fits)[2]) == 1
    with pytest.raises(ValueError, match="too long for one cookie"):
        world.begin(bound=fits["bound"] + "a")


def test_a_cookie_that_is_one_byte_longer_is_none_that_browsers_keep(world: World) -> None:
    nearly = fitting(world, 4095)

    assert len(world.begin(**nearly)[2]) == 1
    with pytest.raises(ValueError, match="too long for one cookie"):
        world.begin(bound=nearly["bound"] + "a")


def test_ses_04_cookies_of_exactly_four_kib_are_all_kept() -> None:
    world = World(secure=False)
    half = fitting(world, 2048)
    first = world.begin(**half)[2][0]
    world.clock.now += 1

    assert world.begin(**half)[2][1:] == ()
    world.jar = {first.name: first.value}
    assert world.begin(bound=half["bound"] + "a")[2][1:] == (Cookie(first.name, "", 0, False),)


def test_expired_cookies_are_cleared(world: World) -> None:
    _, _, (old,) = world.begin()
    world.clock.now += 600

    _, _, cookies = world.begin()

    assert cookies[1:] == (Cookie(old.name, "", 0, True),)


def test_a_cookie_that_is_empty_is_left_alone(world: World) -> None:
    assert len(world.begin(cookies={"__Host-authkit-" + "0" * 32: ""})[2]) == 1


def test_a_cookie_that_still_holds_is_left_alone(world: World) -> None:
    world.begin()
    world.clock.now += 599

    assert len(world.begin()[2]) == 1


@pytest.mark.parametrize(
    "name", ["session", "0" * 32, "authkit-" + "0" * 32, "__Host-authkit-session", "__Host-authkit-" + "0" * 33]
)
def test_the_cookies_of_others_are_left_alone(world: World, name: str) -> None:
    _, _, cookies = world.begin(cookies={name: "x" * 5000})

    assert len(cookies) == 1


def test_a_flood_of_foreign_cookies_is_cleared_fifty_at_a_time(world: World) -> None:
    _, _, cookies = world.begin(cookies={f"__Host-authkit-{number:032x}": "x" for number in range(200)})

    assert len(cookies) == 51
    assert {cookie.value for cookie in cookies[1:]} == {""}


def test_a_transaction_that_a_browser_would_drop_is_refused() -> None:
    with pytest.raises(ValueError, match="too long for one cookie"):
        make_kit().begin("acme", bound="x" * 4000)


def test_a_return_to_costs_the_same_whatever_it_is_made_of() -> None:
    assert local_path('/a"b') == "/a%22b"
    assert local_path("/" + '"' * 511) == "/"
