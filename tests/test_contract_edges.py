"""What the contract of providers says of emulators and providers that are unusual."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from seeded.by_hand import SERVER, AcmeByHand
from seeded.defect import ContractByHand
from seeded.running import pytest_of

from authkit import Profile, pkce
from authkit.emulator import StockEmulator, StockSwitches
from authkit.testing import ProviderContract
from authkit.testing.provider.declaration import wait_for_provider
from authkit.testing.provider.tampering import MISSING, Tamper, setting

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


def outcome_of(contract: type[ProviderContract], name: str) -> str:
    """Run one test and return what it says, "" if it passes."""
    made = contract()
    with made.new_bench() as bench:
        try:
            getattr(made, name)(bench)
        except (pytest.fail.Exception, pytest.skip.Exception) as exc:
            return str(exc)
    return ""


def contract_of(provider: object, **members: object) -> type[ProviderContract]:
    return type("TestAcme", (ProviderContract,), {"provider": provider, **members})


def test_a_word_that_is_no_capability_is_refused() -> None:
    with pytest.raises(TypeError, match=r"requires has \['refesh'\], which are none of: email, pkce, "):
        contract_of(SERVER, requires=("refesh",))


def test_a_class_without_a_provider_is_told_so() -> None:
    contract = type("TestAcme", (ProviderContract,), {})

    said = outcome_of(contract, "test_the_provider_is_one_that_a_plugin_may_supply")
    assert said.startswith("TestAcme names no provider.\n")
    assert "write into the class: provider = acme" in said


@pytest.mark.parametrize("provider", [None, json, type(SERVER)])
def test_without_a_provider_the_other_tests_wait(provider: object) -> None:
    wait_for_provider(provider, "test_the_provider_is_one_that_a_plugin_may_supply")
    with pytest.raises(pytest.skip.Exception, match="waits for a provider: see test_the_provider_is_one_that"):
        wait_for_provider(provider, "test_a_login_succeeds")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("pass", "TestAcme names no provider."),
        ("import json as provider", "returned a module, which is no provider"),
        ("from authkit import OAuth2Provider as provider", "returned the class OAuth2Provider; return an instance"),
    ],
)
def test_what_is_no_provider_turns_one_test_red(tmp_path: Path, line: str, problem: str) -> None:
    code = f"from authkit.testing import ProviderContract\nclass TestAcme(ProviderContract):\n    {line}\n"
    said = pytest_of(tmp_path, code)

    assert problem in said
    assert "waits for a provider: see test_the_provider_is_one_that_a_plugin_may_supply" in said
    assert re.search(r"^1 failed, \d{3} skipped in ", said, re.MULTILINE)


def test_a_client_of_its_own_needs_an_emulator() -> None:
    said = outcome_of(contract_of(AcmeByHand()), "test_the_emulator_can_be_made")

    assert "give the test class a method new_emulator(self) that returns an emulator of it" in said


def test_an_emulator_says_what_it_lacks() -> None:
    contract = contract_of(SERVER, new_emulator=lambda _: object())

    said = outcome_of(contract, "test_the_emulator_can_be_made")
    assert "new_emulator returns one without workbench, settings, scopes, approve, deny." in said
    assert said.endswith("  How to fix it:  give it these, which authkit.emulator.Drivable describes")
    assert outcome_of(contract, "test_a_login_succeeds") == "waits for an emulator: see test_the_emulator_can_be_made"


def test_one_user_are_not_two() -> None:
    users = [{"id": "ada", "name": "Ada"}]
    said = outcome_of(contract_of(SERVER, users=users), "test_two_users_are_two_subjects")

    assert said == "the emulator has no second user: the emulator has no user 1"


def test_codes_that_live_long_are_no_mistake_of_the_provider() -> None:
    class Contract(ContractByHand):
        provider = AcmeByHand()

        def new_emulator(self) -> StockEmulator:
            return StockEmulator(SERVER, switches=StockSwitches(code_lifetime=3600))

    assert outcome_of(Contract, "test_a_code_that_has_ended_is_refused") == (
        "codes of this emulator live longer than 590 seconds"
    )


def test_a_server_that_looks_at_no_verifier_is_no_mistake_of_the_provider() -> None:
    class Contract(ContractByHand):
        provider = AcmeByHand()

        def new_emulator(self) -> StockEmulator:
            return StockEmulator(SERVER, switches=StockSwitches(pkce="ignored"))

    assert outcome_of(Contract, "test_a_code_of_somebody_else_s_login_is_refused") == (
        "this server looks at no verifier"
    )


def test_a_public_client_has_no_secret_to_look_for() -> None:
    public = contract_of(replace(SERVER, token_auth="none"))

    assert outcome_of(public, "test_the_token_request_says_which_app_asks") == "a client of acme has no secret"
    assert outcome_of(public, "test_no_secret_is_in_an_address") == ""


@pytest.mark.parametrize(
    "test",
    [
        "test_a_challenge_comes_with_its_method",
        "test_the_challenge_method_is_s256",
        "test_the_verifier_is_in_the_token_request",
        "test_a_code_of_somebody_else_s_login_is_refused",
    ],
)
def test_without_pkce_its_tests_are_skipped(test: str) -> None:
    said = outcome_of(contract_of(replace(SERVER, code_challenge=None)), test)

    assert said == "no pkce: acme sends no code_challenge"


def test_without_a_user_info_endpoint_there_is_none_to_refuse() -> None:
    provider = replace(
        SERVER,
        userinfo_url="",
        subject_param="user",
        userinfo=lambda _, token: {"id": token.subject},
    )

    assert outcome_of(contract_of(provider), "test_user_info_that_is_refused_is_no_login") == (
        "there is no user info endpoint"
    )


def test_a_profile_that_is_only_a_subject_has_nothing_to_leave_out() -> None:
    provider = replace(SERVER, profile=lambda data: Profile(subject=data["id"]))

    assert outcome_of(contract_of(provider), "test_a_user_who_tells_nothing_can_log_in") == (
        "the profile has nothing but the subject"
    )


def test_a_subject_that_no_answer_holds_cannot_be_taken_away() -> None:
    provider = replace(SERVER, profile=lambda data: Profile(subject=f"acme-{data['id']}"))

    assert outcome_of(contract_of(provider), "test_a_user_without_an_id_is_refused") == (
        "no answer of the emulator holds the subject as it is"
    )


def test_the_challenge_may_be_the_provider_s_own() -> None:
    provider = replace(SERVER, code_challenge=pkce.s256_hex)
    test = "test_the_challenge_is_made_as_the_provider_documents"

    assert "not 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'" in outcome_of(contract_of(provider), test)
    assert outcome_of(contract_of(provider, challenge=pkce.s256_hex(VERIFIER)), test) == ""


def test_credentials_in_the_header_are_read_there() -> None:
    contract = contract_of(replace(SERVER, token_auth="basic"))

    for test in (
        "test_the_token_request_says_which_app_asks",
        "test_odd_credentials_arrive_as_they_are",
        "test_a_refresh_says_which_app_asks",
        "test_a_revocation_says_which_app_asks",
    ):
        assert outcome_of(contract, test) == ""


def said_in(test: str, tamper: Tamper, contract: type[ProviderContract]) -> str:
    """Run one test while token answers are changed, and return what it says."""
    made = contract()
    with made.new_bench() as bench, bench.tampered("token", tamper):
        try:
            getattr(made, test)(bench)
        except (pytest.fail.Exception, pytest.skip.Exception) as exc:
            return str(exc)
    return ""


def test_an_emulator_that_names_no_end_of_a_token_proves_nothing() -> None:
    said = said_in("test_a_token_ends_when_the_provider_says", setting("expires_in", MISSING), contract_of(SERVER))

    assert said == "the emulator does not say when the token ends"


def test_without_a_refresh_token_a_revoked_access_token_has_to_be_dead() -> None:
    without = setting("refresh_token", MISSING)

    assert (
        said_in("test_a_revoked_token_is_dead", without, contract_of(replace(SERVER, revoke_with="access_token")))
        == ""
    )


def test_an_endpoint_that_an_emulator_has_not_cannot_fail() -> None:
    with (
        contract_of(SERVER)().new_bench() as bench,
        pytest.raises(pytest.skip.Exception) as raised,
        bench.disturbed("nowhere:reset"),
    ):
        raise AssertionError("it is not reached")

    assert "the emulator of acme cannot do that: no endpoint is called 'nowhere'" in str(raised.value)


def test_a_userinfo_function_may_post_to_its_own_provider_only() -> None:
    provider = replace(SERVER, userinfo=lambda api, _: api.post_json("https://profiles.example/me", {}))

    said = outcome_of(contract_of(provider), "test_the_userinfo_function_calls_nobody_else")
    assert said.startswith("The userinfo function wants to call https://profiles.example/me.")
