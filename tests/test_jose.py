"""One algorithm for one verification."""

from __future__ import annotations

import pytest
from joserfc.errors import UnsupportedAlgorithmError, UnsupportedHeaderError

from authkit.jose import OneAlgorithm


def test_a_header_cannot_ask_for_another_algorithm() -> None:
    """joserfc itself would know them all, and warn of one that it finds old; this knows one, and says nothing."""
    registry = OneAlgorithm("EdDSA")

    assert registry.get_alg("EdDSA").name == "EdDSA"
    for other in ("ES256", "HS256", "none", "eddsa", ""):
        with pytest.raises(UnsupportedAlgorithmError, match="the key is for another algorithm"):
            registry.get_alg(other)


def test_a_header_has_registered_members_only_unless_told_otherwise() -> None:
    header = {"alg": "EdDSA", "own": "1"}

    OneAlgorithm("EdDSA", is_strict=False).check_header(header)
    with pytest.raises(UnsupportedHeaderError):
        OneAlgorithm("EdDSA").check_header(header)
