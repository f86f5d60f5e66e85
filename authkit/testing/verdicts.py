"""Verdicts: what a contract says when something is wrong, in words that lead to the repair."""

from __future__ import annotations

from typing import NoReturn

import pytest

__all__ = ["expect", "fail", "lacks"]


def expect(condition: object, wrong: str, *, why: str, fix: str) -> None:
    """Fail the test unless `condition` holds. The message stands alone: no traceback of the contract's own code.

    Args:
        condition: what should be true.
        wrong: what was seen instead, with the evidence.
        why: what it may cost the people who sign in, or the one who runs the site.
        fix: what to change, and where.

    Raises:
        Failed: `condition` does not hold.
    """
    if not condition:
        fail(wrong, why=why, fix=fix)


def fail(wrong: str, *, why: str, fix: str) -> NoReturn:
    """Fail the test, as `expect` does."""
    pytest.fail(f"{wrong}\n  Why it matters: {why}\n  How to fix it:  {fix}", pytrace=False)


def lacks(capability: str, *, declare: str) -> None:
    """Skip the test, because what is tested has no such `capability`; a report shows it, so it is not silent.

    Args:
        capability: what is missing, such as "a revocation endpoint".
        declare: what to write once it is there, so that this test runs.

    Raises:
        Skipped: always.
    """
    pytest.skip(f"there is no {capability}; once there is, declare it: {declare}")
