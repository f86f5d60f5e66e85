"""The targets, a file each.

Each has ``read(data)``, which returns what our parser makes of the bytes, or None if it refused them with an error
that it may raise; ``target(data)``, which asserts what must hold of what was read; and ``SEEDS``, with which a search
begins, and of which the first is read.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType

__all__ = ["CORPUS", "NAMES", "load"]

CORPUS = Path(__file__).parent.parent / "corpus"
NAMES = tuple(sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py")))


def load(name: str) -> ModuleType:
    """Return the target `name`."""
    return import_module(f"fuzz.targets.{name}")
