"""The loopback login in a real browser: the last page says that it can be closed, and nothing goes elsewhere."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest
from loopback_world import desktop_emulator, port_of, settings_at

from authkit.emulator import serve
from authkit.errors import AccessDenied
from authkit.native.desktop import desktop_kit
from authkit.native.loopback import login

pytest_plugins = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def kit():
    emulator = desktop_emulator()
    with serve(emulator, host="localhost", port=0) as server:  # to the browser it is another site, as in real life
        yield desktop_kit("tiktok", settings_at(emulator, server.origin), environ={})


def sign_in(kit, visitor, decision):
    """Sign in with the browser; return what the program gets and the page at the end."""
    announced = Queue()
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(login, kit, "tiktok", announce=announced.put, open_browser=lambda url: None, timeout=40)
        url = announced.get(timeout=20)
        page = visitor.open(url)
        page.click(f"#decision-{decision}")
        page.wait_for_url(f"http://127.0.0.1:{port_of(url)}/callback/?*")
        error = outcome.exception(timeout=60)
    return error or outcome.result(), page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_user_signs_in_and_reads_that_the_page_can_be_closed(kit, new_visitor, scheme):
    visitor = new_visitor(color_scheme=scheme, viewport={"width": 390, "height": 844})
    done, page = sign_in(kit, visitor, "allow")
    look = visitor.look(page)

    assert done.profile.display_name == "Ada Tok"
    assert page.inner_text("main") == (
        "Signed in\n\nYou are signed in as Ada Tok. You can close this page and go back to the program."
    )
    assert (look.overflow, look.faint, look.brightness > 0.5) == (0, [], scheme == "light")


def test_a_user_who_says_no_reads_so(kit, visitor):
    error, page = sign_in(kit, visitor, "deny")

    assert isinstance(error, AccessDenied)
    assert page.inner_text("h1") == "Sign-in failed"
    assert page.locator("a, form").count() == 0
    assert page.locator("code").all_inner_texts() == ["access_denied", error.correlation_id]
