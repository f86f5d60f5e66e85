"""Whatever visitors, providers and operators do, in whatever order, on several servers: a model of it agrees."""

from __future__ import annotations

import os

import pytest
from history_accounts import AccountPlay
from history_play import RETURNS, Play
from history_providers import FAULTS, REGISTRATIONS, USERINFO_FAULTS
from history_queries import AS_IT_IS, CHANGES, changed
from history_site import SKEWS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

pytestmark = pytest.mark.pyramid

WANTED = int(os.environ.get("AUTHKIT_HISTORIES", "0"))
"""How many histories are told, for a long run; 0 for the few that are always the same."""
BROWSERS = st.integers(0, 2)
FOREIGN = st.sampled_from([*[None] * 6, 0, 1, 2])
SERVERS = st.integers(0, len(SKEWS) - 1)
NAMES = st.sampled_from(REGISTRATIONS)
PERSONS = st.sampled_from([0, 1, 0, 1, 0, 1, None])
"""Who says yes at the provider; None says no."""
RECENT = st.sampled_from([0, 0, 0, 1, 2, 3, 5, 8])
"""Which one, counted from the newest."""
RETURN_TO = st.sampled_from(list(RETURNS))
OFTEN = ("take_elsewhere", "take_elsewhere", "mix_up", "swap_code")
CHANGE = st.sampled_from([*[AS_IT_IS] * len(CHANGES), *CHANGES, *OFTEN])
PLACES = st.integers(0, 200)
WAYS = st.fixed_dictionaries(
    {
        "server": SERVERS,
        "elsewhere": st.sampled_from([None, None, None, 0, 1, 2]),
        "copies": st.sampled_from([True, True, False]),
        "change": CHANGE,
    }
)
"""How a callback comes: to which server, in which browser, with a copied cookie or not, and with which change."""


class Histories(RuleBasedStateMachine):
    """Servers that share nothing but their secrets."""

    def __init__(self) -> None:
        super().__init__()
        self.play = self.new_play()

    def new_play(self):
        return Play()

    def teardown(self) -> None:
        try:
            self.play.finish()
        finally:
            self.play.end()

    def begin(self, browser, server, name, return_to, purpose):
        return self.play.start(self.play.browsers[browser], server, name, return_to)

    def come_back(self, callback, way, other, place):
        """Open a callback in the way that is given."""
        if way["change"] == "take_elsewhere" and not self.play.has_phones:
            return
        browser, tab, path = callback
        browser = browser if way["elsewhere"] is None else self.play.browsers[way["elsewhere"]]
        if way["copies"]:
            browser.put_cookie(tab.cookie)
        _, _, other_path = self.recent(self.play.callbacks, other)
        self.play.deliver(browser, way["server"], changed(way["change"], path, other_path, place))

    @staticmethod
    def recent(things, number):
        return things[-1 - number % len(things)]

    @initialize(servers=st.tuples(SERVERS, SERVERS), names=st.tuples(NAMES, NAMES))
    def somebody_is_here(self, servers, names):
        """Sign two people in; each has said yes in another tab for the other, and has not come back yet."""
        for browser, name in enumerate(names):
            self.go_through(browser, servers, name, "/", 0, browser)
            for purpose in (0, 2, 3):
                tab = self.begin(browser, servers[0], names[purpose % 2], "/inbox", purpose)
                self.play.consent(self.play.browsers[browser], tab, 1 - browser)

    @rule(browser=BROWSERS, server=SERVERS, name=NAMES, return_to=RETURN_TO, purpose=st.integers(0, 3))
    def start(self, browser, server, name, return_to, purpose):
        self.begin(browser, server, name, return_to, purpose)

    @rule(
        browser=BROWSERS,
        servers=st.tuples(SERVERS, SERVERS),
        name=NAMES,
        return_to=RETURN_TO,
        purpose=st.integers(0, 3),
        person=st.integers(0, 1),
    )
    def go_through(self, browser, servers, name, return_to, purpose, person):
        visitor, tab = self.play.browsers[browser], self.begin(browser, servers[0], name, return_to, purpose)
        self.play.deliver(visitor, servers[1], self.play.consent(visitor, tab, person))

    @precondition(lambda self: self.play.tabs)
    @rule(number=RECENT, person=PERSONS, way=WAYS, other=RECENT, place=PLACES)
    def consent_and_come_back(self, number, person, way, other, place):
        self.play.consent(*self.recent(self.play.tabs, number), person)
        self.come_back(self.play.callbacks[-1], way, other, place)

    @precondition(lambda self: self.play.callbacks)
    @rule(number=RECENT, way=WAYS, other=RECENT, place=PLACES)
    def come_back_again(self, number, way, other, place):
        self.come_back(self.recent(self.play.callbacks, number), way, other, place)

    @precondition(lambda self: self.play.tabs)
    @rule(number=RECENT, person=PERSONS)
    def consent(self, number, person):
        self.play.consent(*self.recent(self.play.tabs, number), person)

    @rule(browser=BROWSERS, server=SERVERS, name=NAMES, what=st.sampled_from(["sign out", "put", "frame"]))
    def visit(self, browser, server, name, what):
        visitor = self.play.browsers[browser]
        if what == "sign out":
            self.play.log_out(visitor, server)
        elif what == "put":
            self.play.plant(visitor, server, name)
        else:
            self.play.start_in_frame(visitor, server, name)

    @rule(seconds=st.sampled_from([1, 10, 40, 59, 60, 61, 119, 300, 599, 600, 620, 1200]))
    def wait(self, seconds):
        self.play.site.clock.now += seconds

    @rule(
        name=NAMES,
        fault=st.sampled_from(
            [*[f"token:{kind}" for kind in FAULTS], *[f"userinfo:{kind}" for kind in USERINFO_FAULTS]]
        ),
        times=st.integers(0, 2),
    )
    def fail(self, name, fault, times):
        self.play.site.providers.repair()
        if times:
            self.play.site.providers.of(name).workbench.faults.add(f"{fault}:{times}")

    @rule(server=SERVERS, is_rotation=st.sampled_from([False, False, True]))
    def operate(self, server, is_rotation):
        if is_rotation:
            self.play.rotate()
        else:
            self.play.restart(server)

    @invariant()
    def everybody_is_who_they_should_be(self):
        self.play.check()


class AccountHistories(Histories):
    """Servers that share a database."""

    url: str

    def new_play(self):
        return AccountPlay(self.url)

    def begin(self, browser, server, name, return_to, purpose):
        visitor = self.play.browsers[browser]
        if purpose == 2:
            return self.play.start_on_phone(visitor, server, name)
        if purpose == 3 and self.play.model.me(visitor.visitor) is not None:
            return self.play.start_link(visitor, server, name, return_to)
        return self.play.start(visitor, server, name, return_to)

    @rule(browser=BROWSERS, server=SERVERS, number=RECENT, even_last=st.booleans(), foreign=FOREIGN)
    def unlink(self, browser, server, number, even_last, foreign):
        foreigner = None if foreign is None else self.play.browsers[foreign]
        self.play.unlink(self.play.browsers[browser], server, number, even_last=even_last, foreign=foreigner)

    @rule(browser=BROWSERS, server=SERVERS, name=NAMES, foreign=BROWSERS)
    def link_with_the_form_of_another(self, browser, server, name, foreign):
        self.play.start_link(self.play.browsers[browser], server, name, foreign=self.play.browsers[foreign])

    @precondition(lambda self: self.play.tickets)
    @rule(
        number=RECENT,
        server=SERVERS,
        elsewhere=st.sampled_from([None, None, *REGISTRATIONS]),
        is_own=st.sampled_from([True, True, False]),
    )
    def redeem(self, number, server, elsewhere, is_own):
        ticket = self.recent(self.play.tickets, number)
        self.play.redeem(server, ticket, elsewhere or ticket.registration, is_own=is_own)

    @rule(server=SERVERS, number=st.integers(0, 9), what=st.sampled_from(["disable", "disable", "enable", "delete"]))
    def change_account(self, server, number, what):
        if what == "delete":
            self.play.delete(server, number)
        else:
            self.play.disable(server, number, is_disabled=what == "disable")


def run(machine, examples: int) -> None:
    """Tell histories: the same each time, or as many others as are wanted."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=WANTED or examples,
            stateful_step_count=120,
            derandomize=not WANTED,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.timeout(0 if WANTED else 600)
def test_servers_that_share_nothing_but_their_secrets_do_what_the_model_does():
    run(Histories, 10)


@pytest.mark.slow
@pytest.mark.unmeasured
@pytest.mark.timeout(0 if WANTED else 600)
def test_servers_that_share_a_database_do_what_the_model_does(tmp_path):
    class Ours(AccountHistories):
        url = f"sqlite:///{tmp_path / 'accounts.sqlite'}"

    run(Ours, 16)
