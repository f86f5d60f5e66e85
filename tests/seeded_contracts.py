"""The test classes of the good providers and of the seeded defects; `test_contract_defects.py` runs pytest on it."""

from __future__ import annotations

import seeded
from seeded.by_hand import SERVER, AcmeByHand
from seeded.defect import ContractByHand

from authkit.testing import ProviderContract


class TestGoodData(ProviderContract):
    provider = SERVER
    requires = ("email", "pkce", "prompt", "refresh", "revoke", "scopes")


class TestGoodByHand(ContractByHand):
    provider = AcmeByHand()
    requires = ("email", "pkce", "refresh", "revoke", "scopes")


for defect in seeded.DEFECTS:
    globals()[defect.name] = type(defect.name, (defect.contract,), {})
