"""The page for those who test their apps: what it shows runs, and its tables are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from authkit.testing import pytest_plugin
from authkit.testing.failures import FAILURES

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.pyramid

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_every_example_of_the_page_passes(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile("\n\n".join(EXAMPLES))
    pytester.makepyprojecttoml(f'[tool.pytest.ini_options]\npythonpath = ["{ROOT / "examples"}"]')

    done = pytester.runpytest_subprocess("-p", "authkit", "-p", "no:cacheprovider", "-W", "ignore")

    done.assert_outcomes(passed="\n\n".join(EXAMPLES).count("\ndef test_"))


def test_the_first_example_is_the_one_that_comes_with_the_code():
    source = (ROOT / "examples" / "test_hello.py").read_text(encoding="utf-8")

    assert source.partition('"""\n\n')[2] == EXAMPLES[0]


def test_every_failure_and_every_fixture_is_in_a_table():
    rows = [row.partition(" | ")[0] for row in re.findall(r"^\| (`.*)$", PAGE, re.MULTILINE)]
    named = re.findall(r"`(\w+)`", " ".join(rows))

    assert sorted(named) == sorted([*FAILURES, *pytest_plugin.__all__])
