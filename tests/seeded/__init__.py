"""Providers that are wrong in one way each, to prove the contract of providers.

Each is a test class of its own, as a plugin's author would write it. `DEFECTS` has them all.
"""

from __future__ import annotations

from seeded import answers, authorization, data, exchange, functions, later, profiles, shared
from seeded.defect import Defect

MODULES = (data, authorization, exchange, answers, functions, profiles, later, shared)

DEFECTS: tuple[Defect, ...] = tuple(defect for module in MODULES for defect in module.DEFECTS)
