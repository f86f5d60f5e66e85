"""What the contract of providers changes in an answer on its way."""

from __future__ import annotations

from typing import Any

import pytest

from authkit.testing.provider.tampering import MISSING, named, replacing, setting


@pytest.mark.parametrize(
    ("value", "changed"),
    [(2, {"id": 2, "name": "Ada"}), (None, {"id": None, "name": "Ada"}), (MISSING, {"name": "Ada"})],
)
def test_a_member_gets_another_value_or_goes(value: Any, changed: Any) -> None:
    assert setting("id", value)({"id": 1, "name": "Ada"}) == changed


def test_an_array_has_no_members_to_set() -> None:
    assert setting("id", 2)([{"id": 1}]) == [{"id": 1}]


def test_members_are_replaced_at_whatever_depth_of_arrays_too() -> None:
    answer = [{"email": "a@b.example", "verified": True}, {"more": {"verified": True}}, "verified"]

    assert replacing(named(["verified"]), False)(answer) == [
        {"email": "a@b.example", "verified": False},
        {"more": {"verified": False}},
        "verified",
    ]
