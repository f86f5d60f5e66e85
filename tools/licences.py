"""Writes docs/licences.md: under which licence everything stands that requirements/dev.txt pins.

A package's own metadata says it, so this runs where all of them are installed: `make lock`. A test fails when the
page lists other packages than the lock does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from types import MappingProxyType

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
LOCK = ROOT / "requirements" / "dev.txt"

SPDX: Mapping[str, str] = MappingProxyType(
    {
        "Apache Software License": "Apache-2.0",
        "BSD License": "BSD-3-Clause",
        "ISC License (ISCL)": "ISC",
        "MIT License": "MIT",
        "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
        "Python Software Foundation License": "PSF-2.0",
        "Repoze Public License": "LicenseRef-Repoze-BSD-derived",
        "Zope Public License": "ZPL-2.1",
    }
)
"""What classifiers call a licence, and how it is called in SPDX."""

KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "atheris": "Apache-2.0",
        "colorama": "BSD-3-Clause",
        "docutils": "BSD-2-Clause AND LicenseRef-Public-Domain",  # what is GPL is in no wheel
        "exceptiongroup": "MIT AND PSF-2.0",
        "legacy-cgi": "PSF-2.0",
        "pywin32-ctypes": "BSD-3-Clause",
        "tomli": "MIT",
    }
)
"""What other systems and Pythons install, so that it cannot be asked here; and what metadata says in no plain way."""

HEAD = """\
# Licences

Everything that authkit brings along, and everything it is developed with, as the packages' own metadata says it, in
the words of SPDX. authkit itself is MIT. This page is written by `make lock`; [how a release is made](releasing.md)
says what else is known of each package.

## What authkit brings along

| package | licence | with |
| --- | --- | --- |
"""

DEVELOPMENT = """
## What authkit is developed with

None of it is in a release. psycopg is a driver that an app chooses, for PostgreSQL; authkit imports it only there.

| package | licence |
| --- | --- |
"""


def installed() -> dict[str, Distribution]:
    """Return what is installed here, by name."""
    return {canonicalize_name(found.metadata["Name"]): found for found in distributions()}


def licence(name: str, here: Mapping[str, Distribution]) -> str:
    """Return the licence of a package as an SPDX expression.

    Raises:
        SystemExit: it cannot be told, and somebody has to look it up.
    """
    if name in KNOWN:
        return KNOWN[name]
    if name in here:
        metadata = here[name].metadata
        classifiers = [line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if "License" in line]
        named = " OR ".join(SPDX[line] for line in classifiers if line in SPDX)
        text = metadata.get("License-Expression") or named or metadata.get("License", "").strip()
        if re.fullmatch(r"[\w.+-]+( (AND|OR|WITH) [\w.+-]+)*", text):
            return str(text)
    raise SystemExit(f"The licence of {name} is not known: look it up, and add it to KNOWN in {Path(__file__).name}")


def brought_along() -> dict[str, str]:
    """Return what comes with authkit on any Python, and the extras that bring it: "" if it always comes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    always = closure(project["dependencies"])
    found = dict.fromkeys(always, "")
    extras = project["optional-dependencies"]
    for extra, lines in sorted(extras.items()):
        others = [further for line in lines for each in Requirement(line).extras for further in extras[each]]
        for name in closure([*lines, *others]) - always:
            found[name] = f"{found[name]}, {extra}" if name in found else extra
    return found


def closure(lines: Iterable[str]) -> set[str]:
    """Return the names of what the requirements in `lines` bring along, their own among them."""
    found = {canonicalize_name(Requirement(line).name) for line in lines} - {"authkit-core"}
    parents = wanted_by()
    while further := {name for name, by in parents.items() if by & found} - found:
        found |= further
    return found


def wanted_by() -> dict[str, set[str]]:
    """Return everything that the lock pins, and for each the packages that want it."""
    found: dict[str, set[str]] = {}
    for name, by in re.findall(
        r"^([a-z0-9-]+)==(?:.+\n)+?((?: +#.*\n)+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE
    ):
        found.setdefault(name, set()).update(re.findall(r"^ +#(?: +via)? +([a-z0-9-]+)$", by, re.MULTILINE))
    return found


def page() -> str:
    """Return the page as it should be."""
    here = installed()
    brought = brought_along()
    rows = [f"| {name} | {licence(name, here)} | {brought[name] or 'always'} |" for name in sorted(brought)]
    others = [f"| {name} | {licence(name, here)} |" for name in sorted(wanted_by()) if name not in brought]
    return HEAD + "\n".join(rows) + "\n" + DEVELOPMENT + "\n".join(others) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
