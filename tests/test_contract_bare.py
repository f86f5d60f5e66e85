"""The contract of adapters is no portrait of Pyramid, and every one of its tests finds what it is there for."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from bare_adapter import BareApp
from measuring import unmeasured
from wrong_adapters import WRONG
from wrong_places import make_wrong

from authkit.testing import AdapterContract


class TestBareAdapter(AdapterContract):
    sessions = "server"

    def make_app(self, kit, on_login=None):
        return BareApp(kit, on_login)


TESTS = [name.removeprefix("test_") for name in dir(AdapterContract) if name.startswith("test_")]


def red(app_class, measured):
    """Return the tests that an adapter does not pass, each with what is said of it. Only one is measured."""

    class Contract(TestBareAdapter):
        def make_app(self, kit, on_login=None):
            return app_class(kit, on_login)

    found = {}
    for name in TESTS:
        with nullcontext() if name == measured else unmeasured():
            try:
                getattr(Contract(), f"test_{name}")()
            except pytest.fail.Exception as failed:
                found[name] = str(failed)
    return found


def test_every_test_of_the_contract_has_a_wrong_adapter_that_proves_it():
    assert sorted(WRONG) == sorted(TESTS)
    assert len({defect.changes for defect in WRONG.values()}) == len(WRONG)


@pytest.mark.slow
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_adapter_turns_the_one_test_red_that_is_about_it(name):
    found = red(make_wrong(WRONG[name]), measured=name)

    assert list(found) == [name]
    assert "Why it matters:" in found[name]
    assert "How to fix it:" in found[name]
