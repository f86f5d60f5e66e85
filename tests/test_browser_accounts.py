"""Connected accounts as a person sees them in a browser: connecting, disconnecting, and what a page may do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from test_browser_demo import ADA, BEN, TIKTOK_SESSION, Running, consent, heading, requests_for, run_with_emulator

from authkit import AuthKit
from authkit.accounts import Database, metadata

if TYPE_CHECKING:
    from pathlib import Path

    from _typeshed.wsgi import WSGIApplication
    from browser import NewVisitor, Visitor
    from playwright.sync_api import Page

    GoTo = Callable[[Visitor, "Running", Database], Page]

pytest_plugins = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.pyramid]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Give a database with empty tables."""
    opened = Database.open(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    metadata.create_all(opened.engine)
    yield opened
    opened.close()


@pytest.fixture
def running(database: Database) -> Iterator[Running]:
    """Give an app with accounts; to a browser its provider is another site, as in real life."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def home(request: Any) -> Response:
        return Response(f'<link rel="icon" href="data:,"><p>{request.authenticated_userid or "nobody"}</p>')

    def make_app(kit: AuthKit) -> WSGIApplication:
        with Configurator() as config:
            config.registry["authkit.kit"], config.registry["authkit.database"] = kit, database
            config.include("authkit.pyramid.accounts")
            config.add_route("home", "/")
            config.add_view(home, route_name="home")
        app: WSGIApplication = config.make_wsgi_app()
        return app

    yield from run_with_emulator(make_app, "localhost")


def sign_in(visitor: Visitor, running: Running, number: int = 0) -> Page:
    """Sign in, and open the page of connected accounts."""
    page = visitor.open(f"{running.app}/auth/tiktok")
    consent(page, number)
    page.wait_for_url(f"{running.app}/")
    page.goto(f"{running.app}/auth/accounts")
    return page


def connect_another(visitor: Visitor, page: Page, number: int = 1) -> Page:
    """Connect another user's identity, as whom the visitor is signed in at the provider by then."""
    visitor.context.clear_cookies(name=TIKTOK_SESSION)
    page.get_by_role("button", name="Connect another TikTok account").click()
    return consent(page, number)


def names(page: Page) -> list[str]:
    return [row.split("\n")[1] for row in page.locator("li .who").all_inner_texts()]


def test_another_identity_is_connected_and_disconnected(visitor: Visitor, running: Running) -> None:
    posts = requests_for(visitor, "/auth/tiktok/")
    page = sign_in(visitor, running)
    first = names(page)
    connect_another(visitor, page)
    page.wait_for_url(f"{running.app}/auth/accounts")
    both = names(page)
    page.get_by_role("button", name=f"Disconnect {ADA.display_name} at TikTok").click()
    page.locator("li").nth(1).wait_for(state="detached")

    assert (first, both) == (["Ada Tok @ada.tok"], ["Ada Tok @ada.tok", "Ben Moka @benmoka"])
    assert names(page) == ["Ben Moka @benmoka"]
    sent = [post.all_headers() for post in posts if post.method == "POST"]
    assert [(headers["origin"], headers["sec-fetch-site"]) for headers in sent] == [("null", "same-origin")] * 2


def test_the_provider_asks_even_if_it_would_skip_its_page(visitor: Visitor, running: Running) -> None:
    page = sign_in(visitor, running)
    page.get_by_role("button", name="Connect another TikTok account").click()
    page.wait_for_selector("#consent")

    assert page.url.startswith(running.provider.replace("127.0.0.1", "localhost"))


def test_an_identity_of_somebody_else_is_said_to_be_theirs_and_there_is_a_way_back(
    new_visitor: NewVisitor, running: Running
) -> None:
    sign_in(new_visitor(), running, 1)
    visitor = new_visitor()
    page = sign_in(visitor, running)
    connect_another(visitor, page)
    refused = heading(page), page.locator("code").first.inner_text()
    page.get_by_role("link", name="Back").click()

    assert refused == ("Already connected elsewhere", "account_conflict")
    assert (heading(page), names(page)) == ("Connected accounts", ["Ada Tok @ada.tok"])


def test_the_last_way_to_sign_in_is_asked_for_twice(visitor: Visitor, running: Running) -> None:
    page = sign_in(visitor, running)
    page.get_by_role("button", name="Disconnect").click()
    asked = heading(page)
    page.get_by_role("link", name="Keep TikTok connected").click()
    kept = names(page)
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect all the same").click()
    page.wait_for_url(f"{running.app}/auth/accounts")

    assert (asked, kept, names(page)) == ("Your only way to sign in", ["Ada Tok @ada.tok"], [])
    assert page.get_by_role("button").all_inner_texts() == ["Connect TikTok"]


def test_all_of_it_takes_no_script(new_visitor: NewVisitor, running: Running) -> None:
    visitor = new_visitor(java_script_enabled=False)
    page = sign_in(visitor, running)
    connect_another(visitor, page)
    page.wait_for_url(f"{running.app}/auth/accounts")

    assert names(page) == ["Ada Tok @ada.tok", "Ben Moka @benmoka"]


# How the pages look.


def go_to_accounts(visitor: Visitor, running: Running, database: Database) -> Page:
    return sign_in(visitor, running)


def go_to_two_of_which_one_is_stale(visitor: Visitor, running: Running, database: Database) -> Page:
    from authkit.accounts.schema import tokens

    page = sign_in(visitor, running, 2)
    connect_another(visitor, page)
    page.wait_for_url(f"{running.app}/auth/accounts")
    closed = tokens.update().where(tokens.c.identity_id == 1).values(closed_at=tokens.c.obtained_at, sealed=None)
    database.write(lambda executor: executor.execute(closed))
    page.reload()
    return page


def go_to_nothing_connected(visitor: Visitor, running: Running, database: Database) -> Page:
    page = go_to_last(visitor, running, database)
    page.get_by_role("button", name="Disconnect all the same").click()
    page.wait_for_url(f"{running.app}/auth/accounts")
    return page


def go_to_last(visitor: Visitor, running: Running, database: Database) -> Page:
    page = sign_in(visitor, running)
    page.get_by_role("button", name="Disconnect").click()
    return page


def go_to_taken(visitor: Visitor, running: Running, database: Database) -> Page:
    page = sign_in(visitor, running)
    connect_another(visitor, page)
    page.wait_for_url(f"{running.app}/auth/accounts")
    page.get_by_role("button", name=f"Disconnect {BEN.display_name} at TikTok").click()
    page.locator("li").nth(1).wait_for(state="detached")
    page.context.clear_cookies(name="authkit_session")
    visitor.context.clear_cookies(name=TIKTOK_SESSION)
    page = sign_in(visitor, running, 1)
    connect_another(visitor, page, 0)
    return page


def go_to_stranger(visitor: Visitor, running: Running, database: Database) -> Page:
    return visitor.open(f"{running.app}/auth/accounts")


EVERY_PAGE = pytest.mark.parametrize(
    "go_to",
    [
        go_to_accounts,
        go_to_two_of_which_one_is_stale,
        go_to_nothing_connected,
        go_to_last,
        go_to_taken,
        go_to_stranger,
    ],
    ids=lambda go_to: go_to.__name__.removeprefix("go_to_"),
)


@EVERY_PAGE
def test_a_page_fits_a_phone(go_to: GoTo, new_visitor: NewVisitor, running: Running, database: Database) -> None:
    phone = new_visitor(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)

    assert phone.look(go_to(phone, running, database)).overflow == 0


@EVERY_PAGE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_easy_to_read_by_day_and_by_night(
    scheme: str, go_to: GoTo, new_visitor: NewVisitor, running: Running, database: Database
) -> None:
    visitor = new_visitor(color_scheme=scheme)
    look = visitor.look(go_to(visitor, running, database))

    assert (look.brightness > 0.5) is (scheme == "light")
    assert look.faint == []


@EVERY_PAGE
def test_a_page_can_be_used_without_a_mouse(
    go_to: GoTo, visitor: Visitor, running: Running, database: Database
) -> None:
    page = go_to(visitor, running, database)
    wanted = page.locator("a, button").count()
    number = "[...document.querySelectorAll('a, button')].indexOf(element)"
    reached = []
    for _ in range(wanted):
        page.keyboard.press("Tab")
        reached.append(
            page.locator(":focus").evaluate(f"(element) => [{number}, getComputedStyle(element).outlineStyle]")
        )

    assert reached == [[number, "solid"] for number in range(wanted)]
