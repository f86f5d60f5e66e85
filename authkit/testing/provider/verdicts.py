"""What a test of the contract says: a failure in three sentences, or a skip with its reason."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

import pytest

from authkit.testing.verdicts import fail as wrong

if TYPE_CHECKING:
    from authkit.testing.provider.bench import Bench
    from authkit.testing.provider.contract import ProviderContract

__all__ = ["Test", "explained_by", "pointless", "waiting", "wrong"]

Test: TypeAlias = "Callable[[Any, Bench], None]"


def waiting(what: str, test: str) -> NoReturn:
    """Skip a test that cannot run before `test` is green."""
    pytest.skip(f"waits for {what}: see {test}")


def pointless(reason: str) -> NoReturn:
    """Skip a test that has nothing to look at in this provider."""
    pytest.skip(reason)


def explained_by(*causes: str) -> Callable[[Test], Test]:
    """Return a decorator for a test that fails whenever one of `causes` does, and is then skipped in its favour.

    A wrong thing is to turn one test red: that which names it. So a test that fails runs the tests that would name
    the cause, each on a bench of its own, and says nothing more if one of them fails.
    """

    def decorate(test: Test) -> Test:
        @wraps(test)
        def explained(contract: ProviderContract, bench: Bench) -> None:
            try:
                test(contract, bench)
            except pytest.fail.Exception:
                cause = next((name for name in causes if _fails(contract, name)), None)
                if cause is None:
                    raise
            else:
                return
            pytest.skip(f"explained by {cause}")

        return explained

    return decorate


def _fails(contract: ProviderContract, name: str) -> bool:
    """Whether the test called `name` fails, whatever explains it."""
    test = getattr(type(contract), name)
    with contract.new_bench() as bench:
        try:
            getattr(test, "__wrapped__", test)(contract, bench)
        except pytest.fail.Exception:
            return True
        except pytest.skip.Exception:
            return False
    return False
