"""Scripts of the checkout that belong to no package, as modules that a test can use."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).parent.parent


def load_script(path: str) -> ModuleType:
    """Return the script at `path`, which begins in the checkout, as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, CHECKOUT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
