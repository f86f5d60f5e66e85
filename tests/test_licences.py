"""The licences of everything that authkit brings along, or is developed with."""

from __future__ import annotations

import re
from collections import Counter
from types import ModuleType

import pytest
from scripts import CHECKOUT, load_script

PERMISSIVE = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "PSF-2.0", "ZPL-2.1"),
    *("LicenseRef-Public-Domain", "LicenseRef-Repoze-BSD-derived"),
}
BY_FILE = {"MPL-2.0"}
"""Whoever changes a file of such a package has to give the change away; whoever uses the package, nothing."""


@pytest.fixture(scope="module")
def licences() -> ModuleType:
    """Give the script that writes the page."""
    return load_script("tools/licences.py")


def page() -> tuple[dict[str, tuple[str, str]], dict[str, str]]:
    """Return the licence of what authkit brings along, and with what it comes, and of what it is developed with."""
    brought, others = (CHECKOUT / "docs" / "licences.md").read_text(encoding="utf-8").split("## What authkit is dev")
    first = re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \| (.*) \| (.*) \|$", brought, re.MULTILINE)
    second = re.findall(r"^\| ([a-z0-9][a-z0-9-]*) \| (.*) \|$", others, re.MULTILINE)
    return ({name: (licence, extras) for name, licence, extras in first[1:]}, dict(second[1:]))


def can_be_used(expression: str, allowed: set[str]) -> bool:
    """Say whether one of the choices that an SPDX expression gives has no part but those in `allowed`."""
    return any(set(choice.split(" AND ")) <= allowed for choice in expression.split(" OR "))


@pytest.mark.parametrize(
    ("expression", "verdict"),
    [
        ("MIT", True),
        ("MIT AND PSF-2.0", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("LGPL-3.0-only", False),
        ("Apache-2.0 WITH LLVM-exception", False),
    ],
)
def test_a_choice_counts_and_every_part_of_it(expression: str, verdict: bool) -> None:
    assert can_be_used(expression, PERMISSIVE) is verdict


def test_what_authkit_brings_along_ties_nobody() -> None:
    brought, _ = page()

    assert [
        name for name, (expression, _) in brought.items() if not can_be_used(expression, PERMISSIVE | BY_FILE)
    ] == []
    assert [name for name, (expression, _) in brought.items() if not can_be_used(expression, PERMISSIVE)] == [
        "certifi"
    ]


def test_what_authkit_is_developed_with_is_copyleft_in_one_place() -> None:
    _, others = page()

    tying = [name for name, expression in others.items() if not can_be_used(expression, PERMISSIVE | BY_FILE)]
    assert tying == ["psycopg", "psycopg-binary"]


def test_everything_that_is_pinned_is_listed_once_where_it_belongs(licences: ModuleType) -> None:
    brought, others = page()

    assert sorted([*brought, *others]) == sorted(licences.wanted_by()), "make lock"
    assert {name: extras for name, (_, extras) in brought.items()} == {
        name: extras or "always" for name, extras in licences.brought_along().items()
    }


def test_what_is_said_by_hand_is_still_needed(licences: ModuleType) -> None:
    assert [name for name in licences.KNOWN if name not in licences.wanted_by()] == []


@pytest.mark.slow  # so that it runs where everything is installed as it is pinned
def test_what_is_installed_has_the_licence_that_is_listed(licences: ModuleType) -> None:
    brought, others = page()
    here = licences.installed()
    versions = Counter(re.findall(r"^([a-z0-9-]+)==", licences.LOCK.read_text(encoding="utf-8"), re.MULTILINE))
    listed = {**{name: licence for name, (licence, _) in brought.items()}, **others}

    # Where Pythons get different versions, these may have different licences: the page has one of them.
    said = {name: licences.licence(name, here) for name in listed if name in here and versions[name] == 1}

    assert {name: text for name, text in said.items() if listed[name] != text} == {}
    assert len(said) > 100


def test_a_licence_that_nobody_knows_has_to_be_looked_up(licences: ModuleType) -> None:
    with pytest.raises(SystemExit, match="The licence of acme-tool is not known: look it up"):
        licences.licence("acme-tool", {})
