"""The pages: what stands on them, what never does, and whose templates come first."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from html import unescape

import pytest
from bs4 import BeautifulSoup
from fakes import acme, make_kit, plugins_with
from jinja2 import UndefinedError

from authkit import errors
from authkit.pages import SAFE_HEADERS, Pages

OTHER = {"authkit.other.client_id": "other-client", "authkit.other.client_secret": "other-secret"}
EVERY_ERROR = sorted(
    {
        kind.code: kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.AuthkitError)
    }.items()
)

other = replace(
    acme, name="other", title="<b>Other</b> & Co", authorize_url="https://other.example:8443/authorize?version=2"
)


@dataclass(frozen=True)
class HandMade:
    """A provider that is no OAuth 2.0 code flow."""

    name: str = "other"
    title: str = "Hand made"
    default_scope: tuple[str, ...] = ()

    def client(self, client_id, client_secret, transport):
        return object()


def two_kit(second=other, **settings):
    return make_kit(settings={**OTHER, **settings}, plugins=plugins_with(acme, second))


def parse(page):
    return BeautifulSoup(page.html, "html.parser")


def policy_of(page):
    directives = page.headers["Content-Security-Policy"].split("; ")
    return {name: rest.split() for name, _, rest in (directive.partition(" ") for directive in directives)}


def made(kind, reason=""):
    return kind("GET") if kind is errors.MethodNotAllowed else kind(reason)


def test_the_sign_in_page_has_a_button_per_registration_in_the_order_of_the_settings():
    page = Pages(two_kit()).sign_in()

    assert page.status == 200
    assert [(link.text, link["href"]) for link in parse(page).select("a")] == [
        ("Continue with Acme", "/auth/acme"),
        ("Continue with <b>Other</b> & Co", "/auth/other"),
    ]


def test_the_buttons_carry_where_to_return_to():
    page = Pages(make_kit()).sign_in("/inbox?a=1&b=2")

    assert parse(page).select_one("a")["href"] == "/auth/acme?return_to=%2Finbox%3Fa%3D1%26b%3D2"


def test_the_buttons_lead_below_the_path_that_the_app_is_mounted_under():
    kit = make_kit(settings={"authkit.base_url": "https://app.example/shop", "authkit.prefix": "/sign/in"})

    assert parse(Pages(kit).sign_in()).select_one("a")["href"] == "/shop/sign/in/acme"


@pytest.mark.parametrize("value", ['"><script>alert(1)</script>', "' onmouseover='alert(1)", "{{ kit }}", "\x00"])
def test_a_return_to_cannot_leave_its_attribute(value):
    page = Pages(make_kit()).sign_in(value)
    [link] = parse(page).select("a")

    assert set(link.attrs) == {"class", "href"}
    assert parse(page).select("script") == []
    assert "<script" not in page.html


def test_titles_are_text_and_never_markup():
    html = Pages(two_kit()).sign_in().html

    assert "<b>" not in html
    assert "&lt;b&gt;Other&lt;/b&gt; &amp; Co" in html


@pytest.mark.parametrize(("code", "kind"), EVERY_ERROR)
def test_an_error_page_has_the_code_a_sentence_and_the_reference(code, kind):
    error = made(kind, "the-cause")
    page = Pages(make_kit()).error(error)
    text = parse(page).get_text()

    assert page.status == kind.status
    assert kind.message in text
    assert [found.text for found in parse(page).select("code")] == [code, error.correlation_id]


@pytest.mark.parametrize(("code", "kind"), EVERY_ERROR)
def test_an_error_page_never_has_the_reason_or_the_provider_s_log_id(code, kind):
    error = made(kind)
    error.reason, error.log_id = "canary-reason", "canary-log-id"

    html = Pages(make_kit()).error(error).html

    assert "canary" not in html


def test_another_try_is_offered_where_the_registration_is_known():
    pages = Pages(make_kit())
    known, unknown = errors.StateInvalid(registration="acme"), errors.StateInvalid()

    assert [link["href"] for link in parse(pages.error(known)).select("a")] == ["/auth/acme", "/"]
    assert [link["href"] for link in parse(pages.error(unknown)).select("a")] == ["/"]


def test_the_way_back_leads_to_the_path_that_the_app_is_mounted_under():
    kit = make_kit(settings={"authkit.base_url": "https://app.example/shop"})

    page = Pages(kit).error(errors.StateInvalid(registration="acme"))

    assert [link["href"] for link in parse(page).select("a")] == ["/shop/auth/acme", "/shop/"]


def test_the_conflict_page_signs_out_by_post_and_starts_again():
    error = errors.AccountConflict(return_to="/inbox")
    error.registration = "acme"
    page = Pages(make_kit()).error(error)
    [form] = parse(page).select("form")

    assert (form["method"], form["action"]) == (
        "post",
        "https://app.example/auth/logout?return_to=%2Fauth%2Facme%3Freturn_to%3D%252Finbox",
    )
    assert [link["href"] for link in parse(page).select("a")] == ["/"]


def test_the_conflict_page_has_no_form_where_the_registration_is_unknown():
    page = Pages(make_kit()).error(errors.AccountConflict())

    assert parse(page).select("form") == []


def every_page(kit=None):
    pages = Pages(kit or two_kit())
    yield pages.sign_in("/x")
    for _, kind in EVERY_ERROR:
        error = made(kind)
        error.registration = "acme"
        yield pages.error(error)


def test_no_page_runs_a_script_or_loads_anything():
    for page in every_page():
        tree = parse(page)
        assert tree.select("script, link, img, iframe, object, embed, base, meta[http-equiv]") == []
        for tag in tree.find_all():
            assert not [name for name in tag.attrs if name.startswith("on") or name in ("style", "src")]
        assert not re.search(r"url\(|@import", page.html)


def test_every_page_has_the_safe_headers_and_a_strict_policy():
    for page in every_page():
        policy = policy_of(page)
        assert {**page.headers, "Content-Security-Policy": ""} == {**SAFE_HEADERS, "Content-Security-Policy": ""}
        assert policy["default-src"] == ["'none'"]
        assert policy["frame-ancestors"] == ["'none'"]
        assert policy["base-uri"] == ["'none'"]
        assert "script-src" not in policy
        assert "unsafe" not in page.headers["Content-Security-Policy"]


def test_the_safe_headers_say_not_to_keep_sniff_refer_or_frame():
    assert dict(SAFE_HEADERS) == {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    }


def test_the_nonce_of_the_page_is_the_nonce_of_the_policy_and_new_each_time():
    nonces = []
    for page in every_page():
        [style] = parse(page).select("style")
        assert f"'nonce-{style['nonce']}'" in policy_of(page)["style-src"]
        nonces.append(style["nonce"])

    assert len(set(nonces)) == len(nonces)
    assert min(map(len, nonces)) >= 22


def test_forms_may_lead_to_the_providers_and_nowhere_else():
    page = Pages(two_kit()).sign_in()

    assert policy_of(page)["form-action"] == ["'self'", "https://acme.example", "https://other.example:8443"]


def test_a_provider_without_an_authorization_endpoint_adds_no_place_for_forms():
    page = Pages(two_kit(HandMade())).sign_in()

    assert policy_of(page)["form-action"] == ["'self'", "https://acme.example"]
    assert "Continue with Hand made" in page.html


def test_a_page_does_not_show_its_html_in_a_repr():
    page = Pages(make_kit()).sign_in()

    assert "Continue" in page.html
    assert "Continue" not in repr(page)


def own_pages(tmp_path, **templates):
    for name, content in templates.items():
        (tmp_path / f"{name}.html").write_text(content, encoding="utf-8")
    return Pages(two_kit(**{"authkit.templates": str(tmp_path)}))


def test_the_app_s_own_folder_comes_first_and_ours_fills_the_gaps(tmp_path):
    pages = own_pages(tmp_path, sign_in="our own door")

    assert pages.sign_in().html == "our own door"
    assert "Sign-in failed" in pages.error(errors.StateInvalid()).html


def test_a_single_error_may_have_a_page_of_its_own(tmp_path):
    pages = own_pages(tmp_path, access_denied="maybe next time", error="something else")

    assert pages.error(errors.AccessDenied()).html == "maybe next time"
    assert pages.error(errors.AccessDenied()).status == 403
    assert pages.error(errors.StateInvalid()).html == "something else"


def test_our_page_for_a_single_error_comes_before_the_app_s_general_one(tmp_path):
    pages = own_pages(tmp_path, error="something else")

    assert "Switch account?" in pages.error(errors.AccountConflict()).html


def test_a_page_of_the_app_s_own_may_build_on_ours(tmp_path):
    main = "<h1>{{ error.code }} {{ kit.site.home }} {{ nonce }}</h1>"
    own = "{% extends 'base.html' %}{% block main %}" + main + "{% endblock %}"
    page = own_pages(tmp_path, error=own).error(errors.StateInvalid())
    tree = parse(page)

    assert tree.h1.text == f"state_invalid / {tree.style['nonce']}"
    assert page.headers["Referrer-Policy"] == "no-referrer"


def test_a_page_of_the_app_s_own_is_escaped_too(tmp_path):
    titles = "{% for registration in kit.registrations.values() %}{{ registration.provider.title }}{% endfor %}"
    own = titles + "{{ return_to }}"
    html = own_pages(tmp_path, sign_in=own).sign_in("<script>").html

    assert html == "Acme&lt;b&gt;Other&lt;/b&gt; &amp; Co&lt;script&gt;"
    assert unescape(html).endswith("<script>")


def test_a_word_that_a_template_gets_wrong_is_an_error_and_not_a_blank(tmp_path):
    pages = own_pages(tmp_path, error="{{ eror }}")

    with pytest.raises(UndefinedError):
        pages.error(errors.StateInvalid())


def test_the_folders_of_two_kits_do_not_mix(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = own_pages(tmp_path / "a", sign_in="one"), own_pages(tmp_path / "b", sign_in="two")

    assert [one.sign_in().html, two.sign_in().html, one.sign_in().html] == ["one", "two", "one"]
    assert "Continue with" in Pages(make_kit()).sign_in().html
