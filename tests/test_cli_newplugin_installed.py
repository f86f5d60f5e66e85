"""A plugin that ``authkit new-plugin`` wrote, untouched: it installs, passes its tests, and has nothing to mend."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import needs
from places import Distribution, MakePlace, Place, build, contents, must_run

pytestmark = pytest.mark.slow

ENDPOINTS = (
    *("--authorize-url", "https://acme.example/oauth/authorize"),
    *("--token-url", "https://acme.example/oauth/token"),
    *("--userinfo-url", "https://acme.example/api/me"),
)
HOSTILE = ("--title", 'It\'s "Acme" \\ {{ 7 * 7 }}', "--revoke-url", "https://acme.example/revoke")
FORMS = {
    "oauth2": ENDPOINTS,
    "issuer": ("--issuer", "https://id.acme.example", *HOSTILE[:2]),
    "every-answer": (
        *ENDPOINTS,
        *HOSTILE,
        *("--scope", "profile mail", "--token-auth", "body", "--subject-type", "number"),
        *("--subject-field", "data.user.id", "--name-field", "data.user.name"),
    ),
}


@dataclass(frozen=True)
class Written:
    """A plugin that was just written, in the environment where it was written and installed."""

    place: Place
    folder: Path


@pytest.fixture(scope="module", params=sorted(FORMS))
def written(request: pytest.FixtureRequest, make_place: MakePlace, distributions: dict[str, Distribution]) -> Written:
    """Give a new plugin, written by the installed command line, and installed as its last lines say."""
    place = make_place(f"authkit-core[cli] @ file://{distributions['authkit_core'].wheel}")
    command = place.python.parent / "authkit"
    said = must_run(command, "new-plugin", "acme", *FORMS[request.param], "--yes", cwd=place.folder)
    assert re.findall(r"^  (.+)$", said, re.MULTILINE) == [
        "cd authkit-acme",
        "python -m pip install -e '.[test]'",
        "python -m pytest",
    ]
    folder = place.folder / "authkit-acme"
    place.install("-e", ".[test]", cwd=folder)
    return Written(place, folder)


def test_its_tests_pass(written: Written) -> None:
    said = must_run(written.place.python, "-W", "error", "-m", "pytest", "-rs", cwd=written.folder)

    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) >= 40, said


def test_authkit_lists_it(written: Written) -> None:
    said = must_run(written.place.python.parent / "authkit", "plugins", "acme", cwd=written.folder)

    assert said.startswith("acme: authkit-acme 0.1.0\n")
    assert re.search(r"^usable +yes +$", said, re.MULTILINE)


def test_its_types_hold(written: Written) -> None:
    needs(find_spec("mypy"), "mypy")
    said = must_run(
        *(sys.executable, "-m", "mypy", "--strict", "--python-executable", written.place.python),
        *("--cache-dir", written.place.folder / "cache"),
        cwd=written.folder,
    )

    assert said == "Success: no issues found in 2 source files\n"


def test_it_is_formatted_and_has_nothing_to_mend(written: Written) -> None:
    ruff = Path(sys.executable).parent / "ruff"
    needs(ruff.exists(), "ruff")

    must_run(ruff, "format", "--no-cache", "--check", ".", cwd=written.folder)
    must_run(ruff, "check", "--no-cache", "--select", "B,E,F,I,UP,W", ".", cwd=written.folder)


def test_it_builds_with_its_types(written: Written, tmp_path: Path) -> None:
    build(written.folder, tmp_path)
    (wheel,) = tmp_path.glob("authkit_acme-0.1.0-*.whl")

    assert {"authkit_acme/__init__.py", "authkit_acme/py.typed"} <= set(contents(wheel))
