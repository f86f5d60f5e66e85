"""What `make` installs is pinned and hashed, for every Python that authkit runs on."""

from __future__ import annotations

import re
import sys
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

CHECKOUT = Path(__file__).parent.parent
LOCKS = [CHECKOUT / "requirements" / "dev.txt", CHECKOUT / "requirements" / "uv.txt"]
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
PIN = re.compile(
    r"(?P<pin>[a-z0-9-]+==[^\s;]+)(?P<marker> ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+\n(    #.*\n)+"
)


def pins(lock: Path) -> list[Requirement]:
    """Return what a lock pins, with its markers."""
    found = PIN.finditer(lock.read_text(encoding="utf-8"))
    return [Requirement(f"{entry['pin']}{entry['marker'] or ''}") for entry in found]


def wanted() -> list[Requirement]:
    """Return what the core needs, with every extra and group, and what builds both distributions."""
    core = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    plugin = tomllib.loads((CHECKOUT / "authkit_tiktok" / "pyproject.toml").read_text(encoding="utf-8"))
    lines = chain(
        core["project"]["dependencies"],
        *core["project"]["optional-dependencies"].values(),
        *core["dependency-groups"].values(),
        core["build-system"]["requires"],
        plugin["build-system"]["requires"],
    )
    found = [Requirement(line) for line in lines]
    return [requirement for requirement in found if requirement.name != "authkit-core"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_holds_pins_with_their_hashes_and_nothing_else(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert PIN.sub("", text) == ""
    assert len(pins(lock)) > 0


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_names_no_place_to_download_from(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert re.findall(r"://|^\s*-[^-]|--(?!hash=)[a-z-]+|\S+ @ \S+", text, re.MULTILINE) == []


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_is_wanted_is_pinned_once_to_a_version_that_will_do(python: str) -> None:
    environment = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    pinned: dict[str, list[str]] = {}
    for pin in pins(LOCKS[0]):
        if pin.marker is None or pin.marker.evaluate(environment):
            pinned.setdefault(canonicalize_name(pin.name), []).append(next(iter(pin.specifier)).version)
    here = [needed for needed in wanted() if needed.marker is None or needed.marker.evaluate(environment)]

    twice = [name for name, versions in pinned.items() if len(versions) > 1]
    missing = [
        str(needed)
        for needed in here
        if not any(needed.specifier.contains(version) for version in pinned.get(canonicalize_name(needed.name), []))
    ]
    assert (twice, missing) == ([], []), "pyproject.toml has changed: make lock"


def test_the_tool_that_installs_is_the_one_of_the_lock() -> None:
    (tool,) = pins(LOCKS[1])

    assert str(tool) in [str(pin) for pin in pins(LOCKS[0])]


def test_whatever_make_installs_it_installs_from_a_lock() -> None:
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    installs = re.findall(r"^\t.*pip install.*$", makefile, re.MULTILINE)

    assert len(installs) == 4
    assert [line for line in installs if "$(LOCKED)" not in line and "--require-hashes" not in line] == []
    assert re.search(r"^LOCKED := --constraints (\S+) --build-constraints \1$", makefile, re.MULTILINE)
