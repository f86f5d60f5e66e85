"""The pages of a login: what is on them, what their form sends, and that nothing on them is trusted."""

from __future__ import annotations

import subprocess
import sys

import pytest
from bs4 import BeautifulSoup

from authkit.emulator import Answer, Choice, Consent, Problem, render_consent, render_problem

CONSENT = Consent(
    provider="TikTok",
    app="Demo & <i>Co</i>",
    users=(Choice("u-1", "Ada Tok", "@ada"), Choice("u-2", "Zoë <b>&", "@zoe")),
    scopes=(Choice("user.info.basic", "Read your profile", "user.info.basic"), Choice("video.list", "See videos")),
    chosen="u-2",
)
PROBLEM = Problem("TikTok", "Something went wrong", "We couldn't.", "Correct this:", "<redirect_uri>", "2026ABC")


def parse(html):
    return BeautifulSoup(html, "html.parser")


@pytest.fixture
def page():
    return parse(render_consent(CONSENT))


def test_the_form_is_posted_to_the_address_of_the_page(page):
    form = page.select_one("form#consent")

    assert (form["method"], form.get("action")) == ("post", None)


def test_one_user_can_be_chosen_and_one_is_chosen_at_first(page):
    radios = page.select("input[type=radio][name=user]")

    assert [(radio["value"], radio.has_attr("checked")) for radio in radios] == [("u-1", False), ("u-2", True)]


def test_every_scope_has_a_box_that_is_ticked_at_first(page):
    boxes = page.select("input[type=checkbox][name=scope]")

    assert [(box["value"], box.has_attr("checked")) for box in boxes] == [
        ("user.info.basic", True),
        ("video.list", True),
    ]


def test_the_first_button_continues_and_the_second_cancels(page):
    buttons = page.select("button[name=decision]")

    assert [(button["value"], button.text) for button in buttons] == [("allow", "Continue"), ("deny", "Cancel")]


def test_every_input_has_a_label_and_an_id_of_its_own(page):
    inputs = page.select("input")
    labels = {label["for"]: label.get_text(" ", strip=True) for label in page.select("label")}

    assert [field["id"] for field in inputs] == list(labels)
    assert labels["user-1"] == "Z Zoë <b>& @zoe"


def test_what_comes_from_outside_is_text_and_never_markup(page):
    assert page.h1.text == "Demo & <i>Co</i> wants to access your TikTok account"
    assert not page.select("main i, main b")
    assert parse(render_problem(PROBLEM)).select_one("#problem-parameter").text == "<redirect_uri>"


@pytest.mark.parametrize("html", [render_consent(CONSENT), render_problem(PROBLEM)], ids=["consent", "problem"])
def test_every_page_says_that_it_is_an_emulator_and_loads_nothing(html):
    page = parse(html)

    assert page.select_one("#emulator-banner").text == "Emulator. This is not TikTok. Everybody here is made up."
    assert page.title.text.endswith(" · TikTok emulator")
    assert not page.select("script, link, img, [src], [href], [onclick]")
    assert "url(" not in html
    assert "@import" not in html


def test_the_error_page_shows_text_parameter_and_log_id():
    main = parse(render_problem(PROBLEM)).main

    assert main.get_text("|", strip=True) == (
        "Something went wrong|We couldn't.|Correct this:|<redirect_uri>|Log id:|2026ABC"
    )


def test_a_page_is_answered_so_that_it_can_run_nothing():
    sent = []
    body = Answer.page("<p>é").send(lambda status, headers: sent.append((status, dict(headers))))

    assert body == ["<p>é".encode()]
    assert sent == [
        (
            "200 OK",
            {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'",
                "X-Content-Type-Options": "nosniff",
                "Content-Length": "5",
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
            },
        )
    ]


def test_importing_the_emulators_loads_neither_a_server_nor_a_framework_nor_templates():
    code = "import sys, authkit.emulator, authkit_tiktok.emulator; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert not {"cheroot", "trustme", "waitress", "pyramid", "webob", "jinja2"} & set(run.stdout.split())
