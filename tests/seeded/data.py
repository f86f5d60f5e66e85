"""Providers whose data are wrong."""

from __future__ import annotations

from dataclasses import replace

from authkit import pkce
from seeded.by_hand import SERVER
from seeded.defect import in_data


def only_mine(uri, _options):
    if uri != "https://acme.example/demo/callback":
        raise ValueError("it is not registered")


DEFECTS = (
    in_data(
        "The name has a capital and a blank.",
        "test_the_provider_is_one_that_a_plugin_may_supply",
        replace(SERVER, name="Acme Login"),
    ),
    in_data("There is no title.", "test_the_title_is_what_people_read", replace(SERVER, title="")),
    in_data(
        "Two scopes are written as one text.",
        "test_each_scope_is_one_word",
        replace(SERVER, default_scope=("profile email",)),
    ),
    in_data(
        "The token endpoint is the one of the author's own machine.",
        "test_no_endpoint_is_left_over_from_development",
        replace(SERVER, token_url="http://127.0.0.1:8000/oauth/token"),
    ),
    in_data(
        "The id is a number, and becomes the subject as it is.",
        "test_the_emulator_can_be_made",
        SERVER,
        users=[{"id": 1, "name": "Ada"}, {"id": 2, "name": "Ben"}],
    ),
    in_data(
        "Only the redirect URI of the author's own app is accepted.",
        "test_the_provider_can_be_registered",
        replace(SERVER, check_redirect_uri=only_mine),
    ),
    in_data(
        "The challenge has padding.",
        "test_the_challenge_is_made_as_the_provider_documents",
        replace(SERVER, code_challenge=lambda verifier: pkce.s256(verifier) + "="),
    ),
    in_data(
        "The challenge is the verifier.",
        "test_the_verifier_is_not_in_the_browser",
        replace(SERVER, code_challenge=lambda verifier: verifier),
    ),
    in_data(
        "The challenge is that of an example.",
        "test_each_login_has_a_challenge_of_its_own",
        replace(SERVER, code_challenge=lambda _: pkce.s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")),
    ),
    in_data(
        "The user info function has the address in it.",
        "test_the_endpoints_may_be_moved_by_settings",
        replace(SERVER, userinfo=lambda api, _: api.get_json("https://acme.example/api/me")),
    ),
)
