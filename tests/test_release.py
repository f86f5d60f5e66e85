"""How a release is made: the same commit gives the same bytes, and a document names everything that comes along."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from conftest import needs
from scripts import CHECKOUT, load_script

pytestmark = pytest.mark.slow

COMMITTED_AT = 1_767_225_600  # 2026-01-01 00:00:00 UTC
FILES = [
    "authkit_core-0.1.0-py3-none-any.whl",
    "authkit_core-0.1.0.tar.gz",
    "authkit_tiktok-0.1.0-py3-none-any.whl",
    "authkit_tiktok-0.1.0.tar.gz",
]


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """Give the script that makes a release."""
    needs(shutil.which("git"), "git")
    needs((Path(sys.executable).parent / "uv").exists(), "uv beside this Python: make test")
    return load_script("tools/release.py")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository with what is in this one, committed at a moment that is known, and a file that is not."""
    copy = tmp_path_factory.mktemp("release") / "checkout"
    litter = shutil.ignore_patterns(".*", "__pycache__", "*.egg-info", "build", "dist", "node_modules")
    shutil.copytree(CHECKOUT, copy, ignore=litter)
    author = {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org", "GIT_CONFIG_GLOBAL": os.devnull}
    committer = {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    environ = {**os.environ, **author, **committer, "GIT_COMMITTER_DATE": f"{COMMITTED_AT} +0000"}
    for words in (["init", "-q"], ["add", "--all"], ["commit", "-q", "--no-verify", "-m", "Everything"]):
        subprocess.run(["git", *words], cwd=copy, env=environ, check=True)
    (copy / "authkit" / "forgotten.py").write_text("")
    return copy


@pytest.fixture(scope="module")
def built(release: ModuleType, checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder with both distributions."""
    folder = tmp_path_factory.mktemp("dist")
    release.build(folder, checkout)
    return folder


@pytest.fixture(scope="module")
def python(release: ModuleType, built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give the Python of an environment in which what was built is installed, with every extra."""
    return release.try_out(built, tmp_path_factory.mktemp("tried") / "env")


@pytest.fixture(scope="module")
def document(release: ModuleType, python: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give the document that lists what is installed there; it takes some ten seconds to make."""
    parts: Path = release.list_parts(python, tmp_path_factory.mktemp("parts"))
    return parts.read_bytes()


# The files.


def test_the_same_commit_gives_the_same_bytes_wherever_and_whenever_it_is_built(
    release: ModuleType, checkout: Path, built: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    again.mkdir()
    os.utime(checkout / "authkit" / "__init__.py")
    (checkout / "authkit" / "flow.py").chmod(0o600)

    release.build(again, checkout, {"TZ": "America/St_Johns", "LC_ALL": "C"}, umask=0o002)

    digests = [
        {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
        for folder in (built, again)
    ]
    assert digests[0] == digests[1]
    assert sorted(digests[0]) == FILES


def test_what_differs_between_two_builds_is_named(release: ModuleType, tmp_path: Path) -> None:
    for folder, files in (("one", {"a": "1", "b": "1", "c": "1"}), ("other", {"a": "1", "b": "2", "d": "1"})):
        (tmp_path / folder).mkdir()
        for name, text in files.items():
            (tmp_path / folder / name).write_text(text)

    assert release.differing(tmp_path / "one", tmp_path / "other") == ["b", "c", "d"]


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".tar.gz")])
def test_an_sdist_says_nothing_of_the_machine_that_it_was_built_on(built: Path, name: str) -> None:
    with tarfile.open(built / name) as archive:
        members = archive.getmembers()

    assert {(each.mtime, each.uid, each.gid, each.uname, each.gname) for each in members} == {
        (COMMITTED_AT, 0, 0, "", "")
    }
    assert {each.mode for each in members if each.isfile()} == {0o644}
    assert [each.name for each in members] == sorted(each.name for each in members)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".whl")])
def test_a_wheel_is_dated_with_the_commit_and_can_be_read_by_everybody(built: Path, name: str) -> None:
    with zipfile.ZipFile(built / name) as archive:
        members = archive.infolist()

    assert {each.date_time for each in members} == {(2026, 1, 1, 0, 0, 0)}
    assert {each.external_attr >> 16 & 0o777 for each in members} <= {0o644, 0o664}


def test_what_is_not_committed_is_not_released(built: Path) -> None:
    with zipfile.ZipFile(built / FILES[0]) as archive:
        names = archive.namelist()

    assert "authkit/flow.py" in names
    assert "authkit/forgotten.py" not in names


# What comes along.


def test_the_document_names_everything_that_is_installed_with_authkit(python: Path, document: bytes) -> None:
    uv = Path(sys.executable).parent / "uv"
    frozen = subprocess.run(
        [uv, "pip", "list", "--format", "json", "--python", python], capture_output=True, check=True
    )
    installed = {(each["name"], each["version"]) for each in json.loads(frozen.stdout)}

    written = json.loads(document)
    parts = {
        (part["name"].lower().replace("_", "-").replace(".", "-"), part["version"]) for part in written["components"]
    }

    assert written["bomFormat"] == "CycloneDX"
    assert parts == {(name.lower().replace("_", "-").replace(".", "-"), version) for name, version in installed}
    assert {"authkit-core", "authkit-tiktok", "pyramid", "sqlalchemy", "cryptography"} <= {name for name, _ in parts}
    assert [part["name"] for part in written["components"] if not part.get("licenses") or not part.get("purl")] == []


def test_the_document_lists_what_the_page_of_licences_lists(document: bytes) -> None:
    brought = load_script("tools/licences.py").brought_along()

    components = json.loads(document)["components"]
    parts = {part["name"].lower().replace("_", "-").replace(".", "-") for part in components}

    assert parts - {"authkit-core", "authkit-tiktok"} <= set(brought)


def test_the_document_is_the_same_each_time_and_names_no_place(
    release: ModuleType, python: Path, document: bytes, tmp_path: Path
) -> None:
    again = release.list_parts(python, tmp_path).read_bytes()

    assert again == document
    assert [
        word for word in (b"file:", str(tmp_path.parent).encode(), str(python.parents[2]).encode()) if word in again
    ] == []


# Known vulnerabilities.


def test_an_audit_that_cannot_ask_fails_and_says_so(release: ModuleType, tmp_path: Path) -> None:
    nowhere = {
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "NO_PROXY": "",
        "no_proxy": "",
    }
    environ = {**os.environ, **nowhere, "XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, CHECKOUT / "tools" / "release.py", "audit"],
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.splitlines()[-1].startswith("Not audited, or not clean: PyPI could not be asked")
