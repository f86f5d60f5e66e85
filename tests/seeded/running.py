"""Runs the contract over a provider, one test after the other, without pytest between."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from authkit.testing import ProviderContract


def names_of(contract: type[ProviderContract]) -> list[str]:
    """Return the names of the contract's tests."""
    return [name for name in dir(contract) if name.startswith("test_")]


def outcomes_of(contract: type[ProviderContract]) -> Mapping[str, tuple[str, str]]:
    """Return what came of each test: passed, failed or skipped, and what it said."""
    return {name: _outcome_of(contract(), name) for name in names_of(contract)}


def _outcome_of(contract: ProviderContract, name: str) -> tuple[str, str]:
    with contract.new_bench() as bench:
        try:
            getattr(contract, name)(bench)
        except pytest.fail.Exception as exc:
            return "failed", str(exc)
        except pytest.skip.Exception as exc:
            return "skipped", str(exc)
    return "passed", ""
