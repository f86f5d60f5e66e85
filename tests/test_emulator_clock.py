"""The clock of an emulator."""

from __future__ import annotations

import pytest

from authkit.emulator import AdjustableClock


def test_it_goes_with_the_other_clock(clock):
    adjustable = AdjustableClock(clock)

    assert adjustable() == clock()


def test_it_is_put_forward_and_back(clock):
    adjustable = AdjustableClock(clock)
    adjustable.advance(7200)
    adjustable.advance(-200.5)

    assert adjustable.ahead == 6999.5
    assert adjustable() == clock() + 6999.5


def test_it_is_wrong_for_a_while_even_if_something_fails_meanwhile(clock):
    def fail():
        with adjustable.skewed(3600):
            seen.append(adjustable())
            raise RuntimeError

    adjustable, seen = AdjustableClock(clock), []
    adjustable.advance(10)
    with pytest.raises(RuntimeError):
        fail()

    assert (seen, adjustable.ahead) == ([clock() + 3610], 10)
