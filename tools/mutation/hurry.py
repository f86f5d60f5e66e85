"""What makes a run of many mutants shorter."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterable


def hurry() -> None:
    """Let hypothesis try the same each time, and stop at what it has found."""
    import hypothesis  # pytest wants to be the first that does

    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile("mutation", database=None, derandomize=True, phases=phases)
    hypothesis.settings.load_profile("mutation")


def import_all(names: Iterable[str]) -> None:
    """Import what the tests will import anyway, so that no fork has to."""
    for name in names:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                importlib.import_module(name)
            except Exception:  # noqa: BLE001, S112 - names that tests made up
                continue
