"""Providers whose `read_error` or `userinfo` function is wrong."""

from __future__ import annotations

from dataclasses import replace

from authkit import Refusal, errors, read_refusal
from authkit_tiktok.emulator import TikTokEmulator
from authkit_tiktok.provider import tiktok
from seeded.by_hand import SERVER
from seeded.defect import in_data

KNOWN = ("access_denied", "invalid_client", "invalid_grant", "invalid_request", "server_error")


def meaning(word, kind):
    def read_error(data):
        refusal = read_refusal(data)
        return replace(refusal, meaning=kind) if refusal and refusal.error == word else refusal

    return read_error


def known_only(data):
    return read_refusal(data) if data.get("error") in KNOWN or not isinstance(data.get("error"), str) else None


def with_description_only(data):
    return read_refusal(data) if "error_description" in data else None


def not_beside_a_token(data):
    return None if "access_token" in data else read_refusal(data)


def in_lower_case(data):
    error = (data.get("error") or "").lower()
    return Refusal(error) if error else None


def whole_answer(data):
    return Refusal(str(data["error"]), description=str(data)) if "error" in data else None


def token_in_the_address(api, token):
    return api.get_json(api.userinfo_url, {"access_token": token.access_token.reveal()})


def errors_swallowed(api, _token):
    try:
        return api.get_json(api.userinfo_url)
    except errors.AuthkitError:
        return {}


def nonsense_swallowed(api, token):
    try:
        return api.get_json(api.userinfo_url)
    except errors.ProviderProtocolError:
        return {"id": token.subject}


def guest(api, _token):
    try:
        return api.get_json(api.userinfo_url)
    except errors.ProviderRejected:
        return {"id": "guest"}


def again_and_again(api, _token):
    for _ in range(9):
        try:
            return api.get_json(api.userinfo_url)
        except errors.ProviderUnavailable:
            pass
    return api.get_json(api.userinfo_url)


def userinfo(function):
    return replace(SERVER, userinfo=function)


DEFECTS = (
    in_data(
        "access_denied is read as any other refusal.",
        "test_a_user_who_says_no_is_told_apart",
        replace(SERVER, read_error=meaning("access_denied", errors.ProviderRejected)),
    ),
    in_data(
        "Only some errors are read.",
        "test_the_provider_s_word_for_an_error_reaches_the_operator",
        replace(SERVER, read_error=known_only),
    ),
    in_data(
        "invalid_grant is read as the user's no.",
        "test_a_code_that_was_used_is_refused",
        replace(SERVER, read_error=meaning("invalid_grant", errors.AccessDenied)),
    ),
    in_data(
        "An error beside a token is not read.",
        "test_a_good_answer_with_an_error_in_it_is_refused",
        replace(SERVER, read_error=not_beside_a_token),
    ),
    in_data(
        "An error 'ok' is read as an error.",
        "test_a_good_answer_is_not_taken_for_an_error",
        replace(tiktok, read_error=read_refusal),
        challenge="13d31e961a1ad8ec2f16b10c4c982e0876a878ad6df144566ee1894acb70f9c3",
        new_emulator=lambda _: TikTokEmulator(),
    ),
    in_data(
        "Every error is taken for a text.",
        "test_an_error_of_an_odd_type_makes_nothing_raise",
        replace(SERVER, read_error=in_lower_case),
    ),
    in_data(
        "A refusal has the whole answer in its description.",
        "test_no_refusal_quotes_a_secret",
        replace(SERVER, read_error=whole_answer),
    ),
    in_data(
        "The token goes to somebody else.",
        "test_the_userinfo_function_calls_nobody_else",
        userinfo(lambda api, _: api.get_json("https://profiles.example/me")),
    ),
    in_data(
        "The access token is in the address.",
        "test_the_access_token_travels_in_the_bearer_header",
        userinfo(token_in_the_address),
    ),
    in_data(
        "Errors of user info are swallowed.", "test_a_dead_connection_is_unavailable", userinfo(errors_swallowed)
    ),
    in_data(
        "Where user info is nonsense, the token answer has to do.",
        "test_a_page_instead_of_json_is_refused",
        replace(SERVER, subject_param="user", userinfo=nonsense_swallowed),
    ),
    in_data("Whoever is refused is a guest.", "test_user_info_that_is_refused_is_no_login", userinfo(guest)),
    in_data(
        "User info that fails is asked ten times.",
        "test_user_info_that_fails_is_asked_seldom",
        userinfo(again_and_again),
    ),
)
