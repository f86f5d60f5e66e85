"""Switches: how they are described, and what can be done to them by name."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass

import pytest
from emulator_fakes import AcmeSwitches

from authkit.emulator import Switch, Switchboard


@dataclass(frozen=True)
class NoSwitches:
    """No switches."""


@pytest.fixture
def board():
    return Switchboard(AcmeSwitches(lifetime=60))


def test_the_present_values_are_a_frozen_value(board):
    assert board.now == AcmeSwitches(rotation=True, lifetime=60, status="200")
    with pytest.raises(FrozenInstanceError):
        board.now.rotation = False


def test_every_switch_is_described_with_value_default_and_choices(board):
    assert board.describe() == (
        Switch("rotation", "on", "on", ("on", "off"), "Whether a refresh replaces the refresh token."),
        Switch("lifetime", "60", "3600", (), "Seconds for which an access token works."),
        Switch("status", "200", "200", ("200", "rfc"), "The status of errors."),
    )


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("rotation", "off", False),
        ("rotation", "on", True),
        ("status", "rfc", "rfc"),
        ("lifetime", "0", 0),
        ("lifetime", "1000000000", 10**9),
    ],
)
def test_a_switch_is_turned_by_its_name(board, name, text, value):
    board.turn(name, text)

    assert getattr(board.now, name) == value


def test_code_that_holds_the_old_values_keeps_them(board):
    before = board.now
    board.turn("rotation", "off")

    assert (before.rotation, board.now.rotation) == (True, False)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("rotatoin", "on", "no switch is called 'rotatoin'; did you mean rotation?"),
        ("x", "on", "no switch is called 'x'; there are: rotation, lifetime, status"),
        ("rotation", "yes", "rotation is one of on, off, not 'yes'"),
        ("status", "", "status is one of 200, rfc, not ''"),
        ("lifetime", "", "lifetime is a number from 0 to 1000000000, not ''"),
        ("lifetime", "-1", "lifetime is a number from 0 to 1000000000, not '-1'"),
        ("lifetime", "1_0", "lifetime is a number from 0 to 1000000000, not '1_0'"),
        ("lifetime", "\uff11\uff16", "lifetime is a number from 0 to 1000000000, not '\uff11\uff16'"),
        ("lifetime", "1000000001", "lifetime is a number from 0 to 1000000000, not '1000000001'"),
    ],
)
def test_what_cannot_be_is_refused_with_what_can_and_changes_nothing(board, name, text, reason):
    before = board.now
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared
        board.turn(name, text)

    assert str(caught.value) == reason
    assert board.now is before


def test_a_number_too_long_to_show_is_no_work():
    with pytest.raises(ValueError, match="lifetime is a number"):
        Switchboard(AcmeSwitches()).turn("lifetime", "9" * 10_000)


def test_a_board_without_switches_says_so():
    with pytest.raises(ValueError, match=r"there are: none$"):
        Switchboard(NoSwitches()).turn("x", "on")
