"""Environments outside the checkout, and the two distributions built to be installed there."""

from __future__ import annotations

import email
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from email.message import Message
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parent.parent
UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
TEMPLATES = ("templates/*.css", "templates/*.html", "templates/*.js", "templates/plugin/*.jinja", "migrations/*.mako")
SHIPPED = ("*.py", "py.typed", *TEMPLATES)


def strangers_environ(**more: str) -> dict[str, str]:
    """Return the environment of somebody who knows nothing of this process' paths and settings, and `more`."""
    own = ("PYTHON", "COVERAGE", "COV_", "AUTHKIT_", "VIRTUAL_ENV")
    return {**{name: value for name, value in os.environ.items() if not name.startswith(own)}, **more}


def run(*command: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run `command` as a stranger would."""
    environ = strangers_environ()
    arguments = [str(argument) for argument in command]
    return subprocess.run(arguments, cwd=cwd, env=environ, capture_output=True, text=True, timeout=300, check=False)


def must_run(*command: object, cwd: Path) -> str:
    """Return what `command` prints; it has to end well."""
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build(source: Path, into: Path, *kinds: str) -> None:
    """Build the distribution in `source`; without `kinds`, an sdist, and a wheel out of that sdist."""
    tool = (UV, "build") if UV else (sys.executable, "-m", "build")
    must_run(*tool, source, "-o", into, *kinds, cwd=into)


@dataclass(frozen=True)
class Place:
    """A Python environment of its own, in a folder outside the checkout."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env" / "bin" / "python"

    def install(self, *what: object, cwd: Path | None = None) -> None:
        """Install `what`, which is how it stands behind ``pip install``."""
        if UV:
            tool: tuple[object, ...] = (UV, "pip", "install", "--quiet", "--python", self.python)
        else:
            tool = (self.python, "-m", "pip", "install", "--quiet")
        must_run(*tool, *what, cwd=cwd or self.folder)

    def run(self, *arguments: object) -> str:
        """Return what the environment's Python prints, with warnings as errors."""
        return must_run(self.python, "-W", "error", *arguments, cwd=self.folder)


MakePlace = Callable[..., Place]


@pytest.fixture(scope="session")
def make_place(tmp_path_factory: pytest.TempPathFactory) -> MakePlace:
    """Give a function that makes an environment and installs into it what it is given."""

    def make(*what: object, cwd: Path | None = None) -> Place:
        place = Place(tmp_path_factory.mktemp("place"))
        tool = (UV, "venv", "--quiet", "--python", sys.executable) if UV else (sys.executable, "-m", "venv")
        must_run(*tool, place.folder / "env", cwd=place.folder)
        place.install(*what, cwd=cwd)
        return place

    return make


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the checkout, with the litter that a checkout collects."""
    copy = tmp_path_factory.mktemp("checkout") / "authkit"
    litter = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist")
    shutil.copytree(CHECKOUT, copy, ignore=litter)
    for folder in ("authkit", "authkit/templates", "authkit_tiktok", "authkit_tiktok/emulator", "tests"):
        (copy / folder / "__pycache__").mkdir()
        for name in ("__pycache__/old.cpython-310.pyc", "notes.txt", ".env", "page.html~"):
            (copy / folder / name).write_text("litter")
    return copy


@dataclass(frozen=True)
class Distribution:
    """A distribution as it was built.

    Attributes:
        name: its name, as files are named after it.
        folder: where it stands in the checkout.
        package: its import package.
        sdist, wheel: the files, the wheel built out of the sdist.
        wheel_of_tree: the wheel built without an sdist.
    """

    name: str
    folder: Path
    package: str
    sdist: Path
    wheel: Path
    wheel_of_tree: Path

    @property
    def modules(self) -> set[str]:
        """What the package has to hold, by a look at the checkout; relative to the package."""
        package = CHECKOUT / self.package
        found = chain.from_iterable(package.rglob(pattern) for pattern in SHIPPED)
        paths = {path.relative_to(package) for path in found}
        return {str(path) for path in paths if not {"build", "dist"} & set(path.parts)}

    @property
    def metadata(self) -> Message:
        return email.message_from_bytes(contents(self.wheel)[f"{self.stem}.dist-info/METADATA"])

    @property
    def requirements(self) -> list[Requirement]:
        return [Requirement(line) for line in self.metadata.get_all("Requires-Dist", [])]

    @property
    def stem(self) -> str:
        return "-".join(self.wheel.name.split("-")[:2])


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def only(paths: Iterable[Path]) -> Path:
    (path,) = paths
    return path


@pytest.fixture(scope="session")
def distributions(source: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Distribution]:
    """Give both distributions, built."""
    built = {}
    for name, folder, package in (
        ("authkit_core", source, "authkit"),
        ("authkit_tiktok", source / "authkit_tiktok", "authkit_tiktok"),
    ):
        by_sdist, by_tree = tmp_path_factory.mktemp("by_sdist"), tmp_path_factory.mktemp("by_tree")
        build(folder, by_sdist)
        build(folder, by_tree, "--wheel")
        built[name] = Distribution(
            name,
            folder,
            package,
            only(by_sdist.glob("*.tar.gz")),
            only(by_sdist.glob("*.whl")),
            only(by_tree.glob("*.whl")),
        )
    return built
