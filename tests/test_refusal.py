"""A provider's "no", as a value."""

from __future__ import annotations

import dataclasses

import pytest

from authkit import Refusal


def test_a_refusal_says_no_more_than_it_was_given() -> None:
    refusal = Refusal("invalid_grant")

    assert (refusal.description, refusal.log_id, refusal.meaning) == ("", "", None)


def test_a_refusal_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Refusal("invalid_grant").error = "other"  # type: ignore[misc]
