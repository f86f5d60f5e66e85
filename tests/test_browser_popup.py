"""A login in a popup, as the page about Pyramid has it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from test_browser_demo import Running, consent, run_with_emulator

from authkit import AuthKit

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from browser import Visitor

pytest_plugins = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.pyramid]

PAGE = Path(__file__).parent.parent / "docs" / "pyramid.md"
OPENS, CLOSES = re.findall(r"^```html\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture
def running() -> Iterator[Running]:
    """Give an app with the two pages; to a browser its provider is another site, as in real life."""
    from pyramid.config import Configurator
    from pyramid.response import Response

    def home(request: Any) -> Response:
        return Response(f'<link rel="icon" href="data:,"><p>{request.authenticated_userid or "nobody"}</p>{OPENS}')

    def make_app(kit: AuthKit) -> WSGIApplication:
        with Configurator() as config:
            config.registry["authkit.kit"] = kit
            config.include("authkit.pyramid")
            config.add_route("home", "/")
            config.add_view(home, route_name="home")
            config.add_route("signed_in", "/signed-in")
            config.add_view(lambda _: Response(CLOSES), route_name="signed_in")
        app: WSGIApplication = config.make_wsgi_app()
        return app

    yield from run_with_emulator(make_app, "localhost")


def test_a_login_in_a_popup_signs_the_page_in_that_opened_it_and_closes(visitor: Visitor, running: Running) -> None:
    page = visitor.open(f"{running.app}/")
    assert page.inner_text("p") == "nobody"

    with page.expect_popup() as opened:
        page.get_by_role("button", name="Continue with TikTok").click()
    popup = opened.value
    with popup.expect_event("close"):
        consent(popup)

    page.get_by_text("v1:tiktok:").wait_for()
    assert page.url == f"{running.app}/"
