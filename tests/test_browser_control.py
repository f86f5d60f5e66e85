"""The control page as a person sees and uses it in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from emulator_fakes import SECRET, TOKEN, call, make_workbench, post_form

from authkit.emulator import Table, Workbench, serve

if TYPE_CHECKING:
    from browser import NewVisitor, Visitor
    from playwright.sync_api import Page

pytest_plugins = ["browser"]
pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
LONG = "long-" * 400
ROWS = "#request-list > li"
CHANGED = ".change:not([hidden])"


@dataclass
class Running:
    """An emulator that is served.

    Attributes:
        workbench: the emulator.
        origin: where it is.
    """

    workbench: Workbench
    origin: str

    def log_in(self) -> None:
        """Let an app do one request of each kind, the last of them disturbed."""
        call(self.workbench, "GET", "/authorize", query="client_id=acme-1&state=abc")
        post_form(self.workbench, "/token", client_secret=SECRET, code=TOKEN, redirect_uri="https://app.example/cb")
        post_form(self.workbench, "/token", client_secret=SECRET, code=TOKEN, redirect_uri=HOSTILE)
        self.workbench.faults.add("userinfo:503:once")
        call(self.workbench, "GET", "/me", Authorization=f"Bearer {TOKEN}")


@pytest.fixture
def running() -> Iterator[Running]:
    """Give an emulator that nobody has sent anything to; ask for it before a visitor, who must leave first."""
    workbench = make_workbench()
    with serve(workbench, port=0) as server:
        yield Running(workbench, server.origin)


def open_page(visitor: Visitor, running: Running) -> Page:
    page = visitor.open(running.origin)
    page.wait_for_selector("body.live")
    return page


def shown(page: Page, selector: str) -> list[str]:
    """Return the texts that can be seen."""
    return [text.strip() for text in page.locator(f"{selector} >> visible=true").all_inner_texts()]


def forgive(visitor: Visitor, text: str) -> None:
    """Expect that the browser complained of answers with `text`, as it does of every request that fails."""
    assert [text in complaint for complaint in visitor.complaints].count(True) > 0
    visitor.complaints[:] = [complaint for complaint in visitor.complaints if text not in complaint]


# Requests.


def test_requests_come_in_while_one_looks_newest_first(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    before = shown(page, "#no-requests")
    running.log_in()
    page.wait_for_selector(f"{ROWS}:nth-child(4)")

    assert before == ["Nothing was sent yet. Point an app to this emulator, and log in."]
    assert shown(page, f"{ROWS} .what b") == ["userinfo", "token", "token", "authorize"]
    assert shown(page, f"{ROWS} .status") == ["503", "200", "200", "302"]
    assert shown(page, f"{ROWS} .chip") == ["userinfo:503:once", "A7"]
    assert page.inner_text("#news") == "4 new requests, the last: GET userinfo, 503, disturbed (no. 4)"


def test_a_row_opens_by_keyboard_and_shows_parameters_verdict_rule_and_source(
    running: Running, visitor: Visitor
) -> None:
    running.log_in()
    page = open_page(visitor, running)
    row = page.locator(ROWS).nth(1)
    row.locator("summary").first.focus()
    page.keyboard.press("Enter")

    assert row.locator(".reason").inner_text().split("\n\n") == [
        "Refused: invalid_request",
        "A7 The redirect URI of the token request is that of the login.",
        "Source: Tokens",
    ]
    assert row.locator(".reason a").get_attribute("href") == "https://acme.example/doc"
    assert row.locator("dl").first.inner_text().split("\n") == [
        "client_secret",
        "acme…(31)",
        "code",
        "act.…(30)",
        "redirect_uri",
        HOSTILE,
    ]


def test_a_disturbed_request_names_its_fault_and_an_odd_source_is_no_link(running: Running, visitor: Visitor) -> None:
    running.log_in()
    page = open_page(visitor, running)
    row = page.locator(ROWS).nth(0)
    row.locator("summary").first.click()

    assert row.locator(".reason.disturbed").inner_text() == "Disturbed by the fault userinfo:503:once"
    assert row.locator("a").count() == 0


def test_what_was_sent_is_text_and_never_markup(running: Running, visitor: Visitor) -> None:
    call(running.workbench, "GET", f"/{HOSTILE}", query=f"{HOSTILE}={HOSTILE}", User_Agent=HOSTILE)
    page = open_page(visitor, running)
    page.locator(f"{ROWS} summary").first.click()
    page.locator(f"{ROWS} .detail summary").click()

    assert HOSTILE in page.inner_text(ROWS)
    assert page.locator("main img, main script").count() == 0


def test_secrets_are_masked_until_asked_for_and_masked_again(running: Running, visitor: Visitor) -> None:
    running.log_in()
    page = open_page(visitor, running)
    page.locator(f"{ROWS} summary").nth(1).click()
    masked = page.content()
    page.click("#secrets")
    page.wait_for_selector(f"{ROWS} dd:has-text('{SECRET}')")
    table = page.inner_text("#tables")
    pressed = page.get_attribute("#secrets", "aria-pressed")
    page.click("#secrets")
    page.wait_for_selector(f"{ROWS} dd:has-text('acme…(31)')")

    assert SECRET not in masked
    assert TOKEN not in masked
    assert (SECRET in table, pressed) == (True, "true")
    assert SECRET not in page.inner_text("body")


def test_the_list_shows_one_endpoint_or_only_what_went_wrong(running: Running, visitor: Visitor) -> None:
    running.log_in()
    page = open_page(visitor, running)
    page.select_option("#only", "token")
    one = shown(page, f"{ROWS} .what b")
    page.check("#only-bad")
    wrong = shown(page, f"{ROWS} .chip")
    page.select_option("#only", "authorize")
    nothing = shown(page, "#no-requests")

    assert (one, wrong, nothing) == (["token", "token"], ["A7"], ["No request is like that."])


def test_the_last_fifty_are_shown_and_the_older_ones_on_request(running: Running, visitor: Visitor) -> None:
    for _ in range(60):
        call(running.workbench, "GET", "/me")
    page = open_page(visitor, running)
    before = len(shown(page, ROWS))
    page.click("#older")

    assert (before, len(shown(page, ROWS)), page.is_visible("#older")) == (50, 60, False)


def test_clearing_empties_the_list_here_and_in_another_tab(running: Running, visitor: Visitor) -> None:
    running.log_in()
    page, other = open_page(visitor, running), open_page(visitor, running)
    page.click("#forget")
    for tab in (page, other):
        tab.locator(ROWS).first.wait_for(state="detached")

    assert len(running.workbench.requests) == 0
    assert page.inner_text("#message") == "the requests are forgotten"


# What people change.


def test_switches_are_turned_and_marked_until_they_are_back(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    page.get_by_role("switch", name="rotation").click()
    page.get_by_label("status").select_option("rfc")
    page.get_by_label("lifetime").fill("60")
    page.get_by_label("lifetime").press("Tab")
    page.locator(CHANGED).nth(2).wait_for()
    now = running.workbench.switches.now
    page.click("#row-rotation .quiet")
    page.locator(CHANGED).nth(2).wait_for(state="detached")

    assert (now.rotation, now.status, now.lifetime) == (False, "rfc", 60)
    assert (running.workbench.switches.now.rotation, page.is_checked("#switch-rotation")) == (True, True)


def test_what_a_switch_cannot_be_is_said_and_taken_back(running: Running, visitor: Visitor) -> None:
    from playwright.sync_api import expect

    page = open_page(visitor, running)
    page.get_by_label("lifetime").fill("-5")
    page.get_by_label("lifetime").press("Tab")
    expect(page.get_by_label("lifetime")).to_have_value("3600")

    assert page.inner_text("#message.bad") == "lifetime is a number from 0 to 1000000000, not '-5'"
    forgive(visitor, "status of 400")


@pytest.mark.parametrize(
    ("when", "often", "spelling"),
    [
        ("always", "", "token:drip=0.5"),
        ("once", "", "token:drip=0.5:once"),
        ("times", "4", "token:drip=0.5:4"),
        ("percent", "25", "token:drip=0.5:0.25"),
    ],
)
def test_a_fault_is_put_together_added_and_removed(
    running: Running, visitor: Visitor, when: str, often: str, spelling: str
) -> None:
    page = open_page(visitor, running)
    page.select_option("#fault-endpoint", "token")
    page.select_option("#fault-kind", "drip")
    page.fill("#fault-value", "0.5")
    page.select_option("#fault-when", when)
    if often:
        page.fill("#fault-often", often)
    page.click("#add-fault button")
    page.wait_for_selector("#fault-list li")
    present = [str(fault) for fault in running.workbench.faults]
    page.get_by_role("button", name=f"Remove {spelling}").click()
    page.locator("#fault-list li").wait_for(state="detached")

    assert present == [spelling]
    assert list(running.workbench.faults) == []
    assert page.evaluate("document.activeElement.id") == "faults-title"


def test_a_kind_of_fault_says_what_it_does_and_what_its_value_is(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    page.select_option("#fault-kind", "drip")
    drip = (page.inner_text("#fault-unit"), page.get_attribute("#fault-value", "placeholder"))
    page.select_option("#fault-kind", "reset")

    assert drip == ("Value (seconds)", "1")
    assert page.inner_text("#fault-help").startswith("The connection is reset instead of an answer.")
    assert page.is_disabled("#fault-value")


def test_a_fault_that_cannot_be_is_said_and_what_was_typed_stays(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    page.select_option("#fault-kind", "drip")
    page.fill("#fault-value", "soon")
    page.click("#add-fault button")
    page.wait_for_selector("#message.bad")

    assert "drip takes a number of seconds" in page.inner_text("#message")
    assert page.input_value("#fault-value") == "soon"
    forgive(visitor, "status of 400")


def test_the_clock_is_put_forward_and_set_right_again(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    page.click("[data-advance='3600']")
    page.wait_for_selector("#ahead:has-text('1 h ahead')")
    page.fill("#amount", "2")
    page.select_option("#unit", "86400")
    page.click("#advance button")
    page.wait_for_selector("#ahead:has-text('2 d 1 h ahead')")
    ahead = running.workbench.clock.ahead
    page.click("#right")
    page.wait_for_selector("#ahead", state="hidden")

    assert (ahead, running.workbench.clock.ahead) == (2 * 86400 + 3600, 0)


def test_an_action_is_done_and_says_what_came_of_it(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    form = page.locator("#action-list form").first
    form.get_by_label("user").fill("ben")
    form.get_by_role("button").click()
    page.wait_for_selector("#message.bad:has-text(\"there is no user 'ben'\")")
    form.get_by_label("user").fill("ada")
    form.get_by_role("button").click()

    page.wait_for_selector("#message:has-text('Ada is disconnected')")
    forgive(visitor, "status of 400")


# What happens around it.


@pytest.mark.slow
def test_it_says_that_the_emulator_is_gone_and_starts_over_with_the_next_one(visitor: Visitor) -> None:
    first = make_workbench()
    with serve(first, port=0) as server:
        running = Running(first, server.origin)
        running.log_in()
        page = open_page(visitor, running)
    page.wait_for_selector("body.offline")
    gone = (page.inner_text("#live"), page.is_visible("#offline"), page.locator(ROWS).count())
    second = make_workbench()
    post_form(second, "/token", code=TOKEN)
    with serve(second, port=int(server.origin.rpartition(":")[2])):
        page.wait_for_selector("body.live")
        page.locator(ROWS).nth(1).wait_for(state="detached")
        page.close()

    assert gone == ("Offline", True, 4)
    forgive(visitor, "net::ERR_")


@pytest.mark.slow
def test_it_asks_for_nothing_while_its_tab_is_hidden(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true, configurable: true})")
    page.wait_for_timeout(100)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1300)
    hidden = list(asked)
    with page.expect_request("**/api/state*"):
        page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")

    assert hidden == []


# How it looks.


def full(running: Running) -> None:
    """Fill every part of the page with what is hard to show."""
    running.log_in()
    post_form(running.workbench, f"/{LONG}", **{"x": LONG, LONG: "x", "code": LONG})
    running.workbench.faults.add(f"authorize:redirect=https://evil.example/{LONG[:1500]}")
    running.workbench.switches.turn("rotation", "off")
    running.workbench.clock.advance(93784)


@pytest.fixture
def crowded() -> Iterator[Running]:
    """Give an emulator whose every text is long."""
    columns = tuple(f"column number {number} of many" for number in range(8))
    table = Table("Apps", columns, ((LONG[:200], SECRET, *columns[2:]),), frozenset({columns[1]}))
    workbench = make_workbench(tables=lambda: [table])
    with serve(workbench, port=0) as server:
        running = Running(workbench, server.origin)
        full(running)
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1400])
def test_it_is_readable_and_nothing_overflows(
    crowded: Running, new_visitor: NewVisitor, scheme: str, width: int
) -> None:
    visitor = new_visitor(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = open_page(visitor, crowded)
    for summary in page.locator(f"{ROWS} > details > summary").all():
        summary.click()
    look = visitor.look(page)

    assert (look.overflow, look.faint) == (0, [])
    assert (look.brightness > 0.5) is (scheme == "light")
    assert (
        page.evaluate("[...document.querySelectorAll('section')].filter(s => s.scrollWidth > s.clientWidth).length")
        == 0
    )


def test_every_control_has_a_name(running: Running, visitor: Visitor) -> None:
    page = open_page(visitor, running)
    controls = page.locator("button, input, select")
    names = page.evaluate(
        """() => [...document.querySelectorAll("button, input, select")].map((node) =>
            node.ariaLabel || (node.tagName === "BUTTON" ? node.textContent.trim() : node.labels.length))"""
    )

    assert len(names) == controls.count() > 15
    assert all(names)
