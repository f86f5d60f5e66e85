"""Makes what a release is made of, into dist/, and looks it over: `make dist` and `make release-check`.

Both distributions are built twice, from what git has committed, at two places, at two times, and with a umask and a
time zone that differ, and have to be the same byte for byte. Whoever builds the same commit gets the same files.
"""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent
LOCK = ROOT / "requirements" / "dev.txt"
PROJECTS = ("authkit-core", "authkit-tiktok")
FOLDERS = (".", "authkit_tiktok")
PARTS = "authkit, authkit.accounts, authkit.cli, authkit.emulator, authkit.native, authkit.oidc, authkit.pyramid"
TRY = f"import {PARTS}, authkit.testing, authkit_tiktok.emulator; print(authkit.__file__)"


def run(*command: object, cwd: Path = ROOT, environ: Mapping[str, str] | None = None, umask: int = 0o022) -> str:
    """Return what a program prints.

    Raises:
        SystemExit: it failed; what it said was shown.
    """
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**os.environ, **(environ or {})},
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        raise SystemExit(f"{Path(str(command[0])).name} failed: {' '.join(str(word) for word in command[1:4])} …")
    return done.stdout


def committed_at(checkout: Path = ROOT) -> int:
    """Return when the last commit was made, in seconds since 1970: what every file of a release is dated with."""
    return int(run("git", "log", "-1", "--format=%ct", cwd=checkout))


def build(into: Path, checkout: Path = ROOT, environ: Mapping[str, str] | None = None, umask: int = 0o022) -> None:
    """Build both distributions of what git has committed, the wheel out of the sdist, with pinned build tools."""
    moment = committed_at(checkout)
    surroundings = {**(environ or {}), "SOURCE_DATE_EPOCH": str(moment)}
    hashed = ("--build-constraints", LOCK, "--require-hashes")
    tool = (BIN / "uv", "build", "--quiet", "--no-create-gitignore", *hashed, "--out-dir", into)
    with tempfile.TemporaryDirectory() as folder:
        archive, source = Path(folder) / "source.tar", Path(folder) / "source"
        run("git", "archive", "--output", archive, "HEAD", cwd=checkout, umask=umask)
        source.mkdir()
        run("tar", "-xf", archive, cwd=source, umask=umask)
        for place in FOLDERS:
            before = set(into.glob("*.tar.gz"))
            run(*tool, "--sdist", source / place, environ=surroundings, umask=umask)
            (sdist,) = set(into.glob("*.tar.gz")) - before
            settle(sdist, moment)
            run(*tool, "--wheel", sdist, environ=surroundings)


def settle(sdist: Path, moment: int) -> None:
    """Pack an sdist anew, without what differs from one build to the next: order, owner, modes and times.

    setuptools dates a wheel by SOURCE_DATE_EPOCH, but not an sdist.
    """
    packed = io.BytesIO()
    with tarfile.open(sdist) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            content = old.extractfile(member) if member.isfile() else None
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime, member.pax_headers = moment, {}
            member.mode = 0o644 if member.isfile() and not member.mode & 0o100 else 0o755
            new.addfile(member, content)
    with sdist.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=moment) as zipped:
        zipped.write(packed.getvalue())


def differing(one: Path, other: Path) -> list[str]:
    """Return the names of the files in two folders that are not the same in both."""
    files = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (one, other)]
    return sorted(name for name in files[0].keys() | files[1].keys() if files[0].get(name) != files[1].get(name))


def build_twice(into: Path, checkout: Path = ROOT) -> None:
    """Build both distributions into a folder, and again elsewhere.

    Raises:
        SystemExit: the two are not the same.
    """
    with tempfile.TemporaryDirectory(prefix="another-place-") as again:
        build(into, checkout)
        build(Path(again), checkout, {"TZ": "Pacific/Auckland", "LC_ALL": "C", "PYTHONHASHSEED": "7"}, umask=0o077)
        if names := differing(into, Path(again)):
            raise SystemExit(f"Built twice, these differ: {', '.join(names)}")


def try_out(built: Path, place: Path) -> Path:
    """Install what was built, with every extra, into an environment of its own, and import every part of it there.

    Returns:
        the environment's Python.
    """
    python = place / "bin" / "python"
    run(BIN / "uv", "venv", "--quiet", "--python", sys.executable, place)
    install = (BIN / "uv", "pip", "install", "--quiet", "--python", python)
    run(*install, "--constraints", LOCK, "--build-constraints", LOCK, "-r", ROOT / "pyproject.toml", "--all-extras")
    run(*install, "--no-deps", "--no-index", "--find-links", built, *PROJECTS)
    run(python, "-c", TRY, cwd=place, environ={"PYTHONWARNINGS": "ignore"})
    return python


def list_parts(python: Path, into: Path) -> Path:
    """Write down what is installed beside authkit, as a CycloneDX document, and return its path."""
    file = into / "authkit.cdx.json"
    options = ("--output-reproducible", "--output-file", file)
    run(BIN / "cyclonedx-py", "environment", *options, python, environ={"SOURCE_DATE_EPOCH": str(committed_at())})
    return file


def make_dist() -> None:
    """Make everything that a release is made of, into dist/."""
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    dist.mkdir()
    build_twice(dist)
    run(BIN / "twine", "check", "--strict", *sorted(dist.iterdir()))
    with tempfile.TemporaryDirectory() as place:
        list_parts(try_out(dist, Path(place) / "env"), dist)
    print(*sorted(path.relative_to(ROOT) for path in dist.iterdir()), sep="\n")


def audit() -> None:
    """Ask PyPI for known vulnerabilities of what the lock pins for this Python.

    Raises:
        SystemExit: there is one, or PyPI could not be asked of everything, which would pass for "none".
    """
    # Without --strict, what PyPI does not answer for counts as sound.
    options = ("--strict", "--progress-spinner", "off", "--disable-pip", "--require-hashes")
    try:
        run(BIN / "pip-audit", *options, "-r", LOCK)
    except SystemExit:
        raise SystemExit(
            "Not audited, or not clean: PyPI could not be asked, or knows a vulnerability; see above"
        ) from None
    print("No known vulnerability in what requirements/dev.txt pins")


if __name__ == "__main__":
    {"dist": make_dist, "audit": audit}[sys.argv[1]]()
