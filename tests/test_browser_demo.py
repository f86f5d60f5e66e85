"""The demo, and an app with nothing but the defaults, as a person sees them in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from authkit import AuthKit
from authkit.cli.serving import serve as serve_app
from authkit.emulator import serve
from authkit_tiktok.emulator import TikTokEmulator

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from browser import NewVisitor, Visitor
    from playwright.sync_api import Page, Request

    GoTo = Callable[[Visitor, "Running", "Running"], Page]

pytest_plugins = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.pyramid]

ADA, BEN, ZOE = TikTokEmulator().users
SCOPES = list(TikTokEmulator().scopes)
TIKTOK_SESSION = "tiktok_emulator_session"


@dataclass(frozen=True)
class Running:
    """An app and the emulated provider, each on a port of its own."""

    app: str
    provider: str


def run_with_emulator(make_app: Callable[[AuthKit], WSGIApplication], provider_host: str) -> Iterator[Running]:
    """Serve what `make_app` makes, and the provider at `provider_host`, as ``authkit demo`` does."""
    from authkit.cli.demo import demo_settings

    def late(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return app(environ, start_response)

    emulator = TikTokEmulator()
    with serve(emulator, host=provider_host, port=0) as provider, serve_app(late, port=0) as server:
        settings = demo_settings(emulator, provider.origin, server.origin)
        app = make_app(AuthKit.from_settings(settings, environ={}))
        yield Running(server.origin, provider.origin)


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    """Give the demo, as ``authkit demo`` serves it."""
    from authkit.cli.demo_app import make_app

    yield from run_with_emulator(make_app, "127.0.0.1")


@pytest.fixture(scope="module")
def default_app() -> Iterator[Running]:
    """Give an app with no login handler of its own; to a browser its provider is another site, as in real life."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def home(request: Any) -> Response:
        return Response(f'<link rel="icon" href="data:,"><p>{request.authenticated_userid or "nobody"}</p>')

    def make_app(kit: AuthKit) -> WSGIApplication:
        with Configurator() as config:
            config.registry["authkit.kit"] = kit
            config.include("authkit.pyramid")
            config.add_route("home", "/")
            config.add_view(home, route_name="home")
        app: WSGIApplication = config.make_wsgi_app()
        return app

    yield from run_with_emulator(make_app, "localhost")


def consent(page: Page, number: int = 0, *, without: tuple[str, ...] = ()) -> Page:
    """Continue on the consent page as a user, with some boxes not ticked."""
    page.check(f"#user-{number}")
    for scope in without:
        page.uncheck(f"input[value='{scope}']")
    page.click("#decision-allow")
    return page


def sign_in(visitor: Visitor, demo: Running, number: int = 0, **choice: Any) -> Page:
    """Sign in at the demo and return its page."""
    page = visitor.open(demo.app)
    page.click("#continue")
    consent(page, number, **choice)
    page.wait_for_selector("#signed-in")
    return page


def heading(page: Page) -> str:
    return page.inner_text("h1")


def scopes(page: Page, row: str) -> list[str]:
    return page.locator(f"#{row} .tag").all_inner_texts()


def requests_for(visitor: Visitor, part: str) -> list[Request]:
    """Return the list into which the requests will be put whose URL has `part` in it."""
    found: list[Request] = []
    visitor.context.on("request", lambda request: found.append(request) if part in request.url else None)
    return found


# Signing in.


def test_a_stranger_signs_in_as_the_user_who_was_chosen(visitor: Visitor, demo: Running) -> None:
    page = visitor.open(demo.app)
    greeting = heading(page)
    page.click("#continue")
    asked = (heading(page), page.locator("#users .choice small").all_inner_texts(), page.is_checked("#user-0"))
    consent(page, 1)

    assert greeting == "Hello, stranger"
    assert asked == (
        "Example app wants to access your TikTok account",
        ["@ada.tok", "@benmoka", "@zoe_lukasz"],
        True,
    )
    assert (heading(page), page.url) == ("Ben Moka", f"{demo.app}/")
    assert page.inner_text("#identity").endswith(f":{BEN.open_id}")
    assert scopes(page, "granted") == SCOPES
    assert page.locator("#missing").count() == 0


def test_a_name_full_of_markup_is_text(visitor: Visitor, demo: Running) -> None:
    page = sign_in(visitor, demo, 2)

    assert heading(page) == ZOE.display_name
    assert page.locator("main script, main h1 b").count() == 0


def test_what_was_not_allowed_is_listed_and_can_be_asked_for_again(visitor: Visitor, demo: Running) -> None:
    page = sign_in(visitor, demo, without=("user.info.profile", "user.info.stats"))
    first = (heading(page), scopes(page, "granted"), scopes(page, "missing"))
    page.click("#ask-again")
    page.wait_for_selector("#consent")
    consent(page)

    assert first == ("Ada Tok", ["user.info.basic", "video.list"], ["user.info.profile", "user.info.stats"])
    assert heading(page) == "Ada Tok"
    assert page.inner_text(".who p") == "@ada.tok"
    assert {"user.info.profile", "user.info.stats"} <= set(scopes(page, "granted"))


def test_cancel_leads_to_a_page_with_the_code_a_reference_and_a_way_back(visitor: Visitor, demo: Running) -> None:
    page = visitor.open(demo.app)
    page.click("#continue")
    page.click("#decision-deny")
    code, reference = page.locator("code").all_inner_texts()
    failed = heading(page)
    page.get_by_role("link", name="Back to the site").click()

    assert (failed, code) == ("Sign-in failed", "access_denied")
    assert len(reference) == 16
    assert (heading(page), page.url) == ("Hello, stranger", f"{demo.app}/")


def test_after_cancel_another_try_succeeds(visitor: Visitor, demo: Running) -> None:
    page = visitor.open(demo.app)
    page.click("#continue")
    page.click("#decision-deny")
    page.get_by_role("link", name="Try again").click()
    consent(page)

    assert heading(page) == "Ada Tok"


def test_signing_out_leaves_a_stranger(visitor: Visitor, demo: Running) -> None:
    page = sign_in(visitor, demo)
    page.click("#log-out")
    page.wait_for_selector("#continue")
    again = visitor.open(demo.app)

    assert (heading(page), page.url) == ("Hello, stranger", f"{demo.app}/")
    assert heading(again) == "Hello, stranger"


def test_the_sign_in_page_starts_a_login_with_each_registration(visitor: Visitor, demo: Running) -> None:
    page = visitor.open(f"{demo.app}/auth/")
    page.get_by_role("link", name="Continue with TikTok").click()
    consent(page)

    assert (heading(page), page.url) == ("Ada Tok", f"{demo.app}/")


def test_signing_in_and_out_takes_no_script(new_visitor: NewVisitor, demo: Running) -> None:
    page = sign_in(new_visitor(java_script_enabled=False), demo, 1)
    name = heading(page)
    page.click("#log-out")
    page.wait_for_selector("#continue")

    assert (name, heading(page)) == ("Ben Moka", "Hello, stranger")


# Tabs, reloads, and the way back.


def test_two_tabs_each_finish_the_login_that_they_began(visitor: Visitor, demo: Running) -> None:
    first, second = visitor.open(demo.app), visitor.open(demo.app)
    first.click("#continue")
    second.click("#continue")
    consent(second)
    consent(first)

    assert [heading(second), heading(first)] == ["Ada Tok", "Ada Tok"]


def test_a_finished_callback_that_is_loaded_again_is_refused_and_signs_nobody_out(
    visitor: Visitor, demo: Running
) -> None:
    callbacks = requests_for(visitor, "/callback?")
    page = sign_in(visitor, demo)
    answer = page.goto(callbacks[0].url)
    code = page.locator("code").first.inner_text()
    page.get_by_role("link", name="Back to the site").click()

    assert answer is not None
    assert (answer.status, code) == (400, "state_invalid")
    assert heading(page) == "Ada Tok"


def test_the_back_button_begins_nothing_anew_and_signs_nobody_out(visitor: Visitor, demo: Running) -> None:
    page = sign_in(visitor, demo)
    page.go_back()  # the provider remembers the user, and sends the browser on with a state that has been used
    page.wait_for_url("**/callback?*")
    code = page.locator("code").first.inner_text()
    page.get_by_role("link", name="Back to the site").click()

    assert code == "state_invalid"
    assert heading(page) == "Ada Tok"


def test_a_finished_login_leaves_nothing_in_the_address_bar_and_no_transaction(
    visitor: Visitor, demo: Running
) -> None:
    page = sign_in(visitor, demo)

    assert page.url == f"{demo.app}/"
    assert [
        cookie["name"] for cookie in visitor.context.cookies(demo.app) if cookie["name"].startswith("authkit-")
    ] == []


# Somebody else is signed in already.


def be_asked_to_switch(visitor: Visitor, app: Running) -> Page:
    """Sign in as Ada, then begin a login and come back from the provider as Ben."""
    page = visitor.open(f"{app.app}/auth/tiktok")
    consent(page)
    page.wait_for_url(f"{app.app}/")
    visitor.context.clear_cookies(name=TIKTOK_SESSION)
    page.goto(f"{app.app}/auth/tiktok")
    return consent(page, 1)


def test_a_login_as_somebody_else_asks_before_it_switches(visitor: Visitor, default_app: Running) -> None:
    page = be_asked_to_switch(visitor, default_app)
    asked, code = heading(page), page.locator("code").first.inner_text()
    page.get_by_role("link", name="Stay signed in").click()

    assert (asked, code) == ("Switch account?", "account_conflict")
    assert page.inner_text("p").endswith(f":{ADA.open_id}")


def test_sign_out_and_switch_ends_as_the_other_user(visitor: Visitor, default_app: Running) -> None:
    # The form goes to the app, its redirects to the provider and back: the policy's form-action has to allow that,
    # and the page's referrer policy makes the browser send `Origin: null`.
    posts = requests_for(visitor, "/auth/logout")
    page = be_asked_to_switch(visitor, default_app)
    page.get_by_role("button", name="Sign out and switch").click()
    page.wait_for_url(f"{default_app.app}/")

    assert page.inner_text("p").endswith(f":{BEN.open_id}")
    sent = [post.all_headers() for post in posts]
    assert [(headers["origin"], headers["sec-fetch-site"]) for headers in sent] == [("null", "same-origin")]


def test_sign_out_and_switch_may_show_the_consent_page_again(visitor: Visitor, default_app: Running) -> None:
    page = be_asked_to_switch(visitor, default_app)
    visitor.context.clear_cookies(name=TIKTOK_SESSION)
    page.get_by_role("button", name="Sign out and switch").click()
    page.wait_for_selector("#consent")
    consent(page, 2)

    assert page.inner_text("p").endswith(f":{ZOE.open_id}")


# How the pages look.


def go_to_stranger(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return visitor.open(demo.app)


def go_to_sign_in(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return visitor.open(f"{demo.app}/auth/")


def go_to_consent(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return visitor.open(f"{demo.app}/auth/tiktok")


def go_to_problem(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return visitor.open(f"{demo.provider}/v2/auth/authorize/?client_key=unknown")


def go_to_signed_in(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return sign_in(visitor, demo, 2)


def go_to_partial(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return sign_in(visitor, demo, without=("user.info.profile", "user.info.stats"))


def go_to_error(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    page = go_to_consent(visitor, demo, default_app)
    page.click("#decision-deny")
    return page


def go_to_switch(visitor: Visitor, demo: Running, default_app: Running) -> Page:
    return be_asked_to_switch(visitor, default_app)


EVERY_PAGE = pytest.mark.parametrize(
    "go_to",
    [
        go_to_stranger,
        go_to_sign_in,
        go_to_consent,
        go_to_problem,
        go_to_signed_in,
        go_to_partial,
        go_to_error,
        go_to_switch,
    ],
    ids=lambda go_to: go_to.__name__.removeprefix("go_to_"),
)


@EVERY_PAGE
def test_a_page_fits_a_phone(go_to: GoTo, new_visitor: NewVisitor, demo: Running, default_app: Running) -> None:
    phone = new_visitor(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)

    assert phone.look(go_to(phone, demo, default_app)).overflow == 0


@EVERY_PAGE
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_easy_to_read_by_day_and_by_night(
    scheme: str, go_to: GoTo, new_visitor: NewVisitor, demo: Running, default_app: Running
) -> None:
    visitor = new_visitor(color_scheme=scheme)
    look = visitor.look(go_to(visitor, demo, default_app))

    assert (look.brightness > 0.5) is (scheme == "light")
    assert look.faint == []


@EVERY_PAGE
def test_a_page_can_be_used_without_a_mouse(
    go_to: GoTo, visitor: Visitor, demo: Running, default_app: Running
) -> None:
    page = go_to(visitor, demo, default_app)
    wanted = page.locator("a, button, input[type=checkbox], input[type=radio]:checked").count()
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        outline = "(element) => [element.outerHTML, getComputedStyle(element).outlineStyle]"
        reached.add(tuple(page.locator(":focus").evaluate(outline)))

    assert len(reached) == wanted
    assert {style for _, style in reached} <= {"solid"}
