"""Runs the contract over a provider: test by test without pytest between, or as a plugin's author does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import pytest
from measuring import unmeasured

from authkit.testing import ProviderContract


def names_of(contract: type[ProviderContract]) -> list[str]:
    """Return the names of the contract's tests."""
    return [name for name in dir(contract) if name.startswith("test_")]


def outcomes_of(contract: type[ProviderContract], measured: str) -> Mapping[str, tuple[str, str]]:
    """Return what came of each test: passed, failed or skipped, and what it said. Only one is measured."""
    outcomes = {}
    for name in names_of(contract):
        with nullcontext() if name == measured else unmeasured():
            outcomes[name] = outcome_of(contract(), name)
    return outcomes


def outcome_of(contract: ProviderContract, name: str) -> tuple[str, str]:
    """Return what came of one test."""
    with contract.new_bench() as bench:
        try:
            getattr(contract, name)(bench)
        except pytest.fail.Exception as exc:
            return "failed", str(exc)
        except pytest.skip.Exception as exc:
            return "skipped", str(exc)
    return "passed", ""


def pytest_of(folder: Path, code: str) -> str:
    """Return what pytest prints, in an empty `folder`, of a file of tests; it may import what stands here."""
    (folder / "none.ini").write_text("[pytest]\n", encoding="utf-8")
    (folder / "test_acme.py").write_text(code, encoding="utf-8")
    options = ["-q", "-rs", "-p", "no:cacheprovider", "-c", "none.ini"]
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, "test_acme.py"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    ).stdout
