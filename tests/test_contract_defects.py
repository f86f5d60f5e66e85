"""The contract of providers is proved: each of the seeded defects turns one test red, and no other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from seeded import DEFECTS
from seeded.by_hand import SERVER, AcmeByHand
from seeded.defect import ContractByHand, Defect
from seeded.running import names_of, outcome_of, outcomes_of, pytest_of

from authkit.testing import ProviderContract

UNPROVED = {
    "test_a_broken_answer_is_refused",
    "test_a_code_of_somebody_else_s_login_is_refused",
    "test_a_code_that_has_ended_is_refused",
    "test_a_provider_that_drips_is_unavailable",
    "test_a_redirect_is_not_followed",
    "test_a_silent_provider_is_unavailable",
    "test_an_answer_that_is_far_too_large_is_refused",
    "test_json_that_is_no_object_is_refused",
}
"""Tests of what the core's transport keeps for every provider, or of what another test names first."""

FAILING = """
from dataclasses import replace
from seeded.by_hand import SERVER
from authkit.testing import ProviderContract

class TestAcme(ProviderContract):
    provider = replace(SERVER, title="", revoke_url="")
"""


class TestGoodData(ProviderContract):
    provider = SERVER
    requires = ("email", "pkce", "prompt", "refresh", "revoke", "scopes")


class TestGoodByHand(ContractByHand):
    provider = AcmeByHand()
    requires = ("email", "pkce", "refresh", "revoke", "scopes")


@pytest.mark.slow
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_turns_one_test_red_and_no_other(defect: Defect) -> None:
    outcomes = outcomes_of(defect.contract, measured=defect.red)

    assert {name: said for name, (outcome, said) in outcomes.items() if outcome == "failed"}.keys() == {defect.red}
    what, why, fix = outcomes[defect.red][1].split("\n")
    assert what
    assert why.startswith("  Why it matters: ")
    assert fix.startswith("  How to fix it:  ")


@pytest.mark.parametrize(
    ("red", "name", "outcome"),
    [
        (
            "test_a_token_is_what_the_provider_issued",
            "test_a_refresh_is_a_grant_of_its_own",
            ("skipped", "no refresh: acme gave no refresh token"),
        ),
        (
            "test_two_interleaved_logins_do_not_mix",
            "test_a_code_of_somebody_else_s_login_is_refused",
            ("skipped", "explained by test_two_interleaved_logins_do_not_mix"),
        ),
        (
            "test_the_authorization_url_has_one_query",
            "test_the_verifier_is_in_the_token_request",
            ("passed", ""),
        ),
    ],
)
def test_what_one_test_says_of_a_defect_no_other_does(red: str, name: str, outcome: tuple[str, str]) -> None:
    (defect,) = (defect for defect in DEFECTS if defect.red == red)

    assert outcome_of(defect.contract(), name) == outcome


def test_no_two_defects_turn_the_same_test_red() -> None:
    assert {red: times for red, times in Counter(defect.red for defect in DEFECTS).items() if times > 1} == {}


def test_every_test_of_the_contract_is_proved_by_a_defect_or_named_here() -> None:
    names = names_of(ProviderContract)

    assert len(names) >= 100
    assert set(names) - {defect.red for defect in DEFECTS} == UNPROVED


@pytest.mark.slow
def test_a_plugin_s_author_reads_three_sentences_and_the_skips(tmp_path: Path) -> None:
    said = pytest_of(tmp_path, FAILING)

    assert "The title is ''.\n  Why it matters: people read it after 'Continue with'\n  How to fix it:  " in said
    assert "verdicts.py:" not in said.partition("short test summary")[0]
    assert "no revoke: acme has no way to end a token" in said
    assert "1 failed" in said


def test_what_a_plugin_requires_is_not_skipped() -> None:
    class TestAcme(ProviderContract):
        provider = type(SERVER)(
            name="acme",
            title="Acme",
            authorize_url="https://acme.example/oauth/authorize",
            token_url="https://acme.example/oauth/token",
            userinfo_url="https://acme.example/api/me",
            profile=SERVER.profile,
        )
        requires = ("revoke",)

    contract = TestAcme()
    with contract.new_bench() as bench, pytest.raises(pytest.fail.Exception, match="requires 'revoke'"):
        contract.test_a_revoked_token_is_dead(bench)
