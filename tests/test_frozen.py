"""Values that are read-only all the way down, and still what they are."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from authkit import Profile
from authkit.frozen import FrozenDict, freeze

VALUE = {"a": [1, {"b": [2]}], "c": None}


@pytest.mark.parametrize(
    "change",
    [
        lambda frozen: frozen.update(a=1),
        lambda frozen: frozen.pop("a"),
        lambda frozen: frozen.popitem(),
        lambda frozen: frozen.clear(),
        lambda frozen: frozen.setdefault("d", 1),
        lambda frozen: frozen.__setitem__("a", 1),
        lambda frozen: frozen.__delitem__("a"),
        lambda frozen: frozen.__ior__({"a": 1}),
    ],
)
def test_no_change_is_taken_at_any_depth(change: Callable[[Any], object]) -> None:
    frozen = freeze({"a": {"a": 1}})
    for place in (frozen, frozen["a"]):
        with pytest.raises(TypeError, match="read-only"):
            change(place)
    assert frozen == {"a": {"a": 1}}


def test_the_original_stays_its_owner_s() -> None:
    original = {"a": [1]}
    frozen = freeze(original)
    original["a"].append(2)
    assert frozen == {"a": (1,)}


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda frozen: pickle.loads(pickle.dumps(frozen))])
def test_a_copy_is_frozen_too(make: Callable[[Any], Any]) -> None:
    made = make(freeze(VALUE))
    assert made == freeze(VALUE)
    assert type(made) is FrozenDict


def test_it_can_be_dumped_as_json() -> None:
    assert json.loads(json.dumps(freeze(VALUE))) == VALUE


def test_a_profile_can_be_taken_apart_copied_and_pickled() -> None:
    profile = Profile(subject="user-1", raw={"a": [1]})
    assert asdict(profile)["raw"] == {"a": (1,)}
    assert copy.deepcopy(profile) == profile
    assert pickle.loads(pickle.dumps(profile)) == profile
