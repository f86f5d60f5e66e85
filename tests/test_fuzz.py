"""The fuzz targets, without Atheris: what it has found is tried again, and hypothesis makes up more."""

from __future__ import annotations

import re

import pytest
from fuzz_inputs import inputs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripts import CHECKOUT

from fuzz.__main__ import MOST_BYTES, MOST_FILES
from fuzz.targets import CORPUS, NAMES, load

NEEDS_PYRAMID = {"return_to"}
EXAMPLES = 150
every_target = pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.pyramid) if name in NEEDS_PYRAMID else name for name in NAMES]
)


@every_target
def test_what_a_search_begins_with_is_read(name: str) -> None:
    target = load(name)

    assert target.read(target.SEEDS[0]) is not None
    for seed in target.SEEDS:
        target.target(seed)


@every_target
def test_whatever_was_found_is_read_or_refused(name: str) -> None:
    target = load(name).target

    for path in sorted((CORPUS / name).iterdir()):
        target(path.read_bytes())


@every_target
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_is_made_up_is_read_or_refused(name: str, data: st.DataObject) -> None:
    load(name).target(data.draw(inputs(name) | st.binary(max_size=200)))


@pytest.mark.parametrize("name", NAMES)
def test_what_is_kept_is_little(name: str) -> None:
    sizes = [path.stat().st_size for path in (CORPUS / name).iterdir()]

    assert 0 < len(sizes) <= MOST_FILES
    assert sum(sizes) <= MOST_BYTES


def test_every_corpus_is_that_of_a_target() -> None:
    assert sorted(path.name for path in CORPUS.iterdir()) == sorted(NAMES)


def test_the_page_says_what_each_target_promises() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (CHECKOUT / "docs" / "fuzzing.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert rows == [*NAMES]
