"""The scripts that write the generated parts of the docs, for the tests that hold the docs to the code."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parent.parent


def load_tables() -> ModuleType:
    """Return docs/tables.py as a module."""
    return load_docs("tables")


def load_docs(name: str) -> ModuleType:
    """Return a script of docs/ as a module; it finds the others by their names, as if it was run."""
    folder = str(ROOT / "docs")
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
