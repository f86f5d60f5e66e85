"""Values that are read-only all the way down, and still what they are."""

from __future__ import annotations

import copy
import importlib
import json
import pickle
import pkgutil
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import Any

import pytest

import authkit
import authkit_tiktok
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


FILLED = {"Given", "Summary", "Notes", "_Client"}
"""What is filled bit by bit, and so is no value."""


@pytest.mark.pyramid
def test_no_field_of_a_value_can_be_set_anew() -> None:
    packages = [
        *pkgutil.walk_packages(authkit.__path__, "authkit."),
        *pkgutil.walk_packages(authkit_tiktok.__path__, "authkit_tiktok."),
    ]
    modules = [
        importlib.import_module(name)
        for _, name, _ in packages
        if not name.endswith(".__main__") and ".migrations" not in name
    ]
    values = {kind for module in modules for kind in vars(module).values() if _is_ours(kind)}

    assert {kind.__name__ for kind in values if not kind.__dataclass_params__.frozen} == FILLED
    assert {kind for kind in values if "__slots__" not in vars(kind)} == set()


def _is_ours(kind: Any) -> bool:
    return isinstance(kind, type) and is_dataclass(kind) and kind.__module__.startswith("authkit")
