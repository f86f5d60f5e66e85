"""What joserfc leaves open and we do not: one algorithm for one verification."""

from __future__ import annotations

from typing import Any

from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

__all__ = ["OneAlgorithm"]


class OneAlgorithm(JWSRegistry):
    """Knows one algorithm, whatever a header asks for (RFC 8725, section 3.1).

    Args:
        algorithm: its name.
        is_strict: whether a header may have registered members only. A critical one that is not known is always
            refused (RFC 7515, section 4.1.11).
    """

    def __init__(self, algorithm: str, *, is_strict: bool = True) -> None:
        super().__init__(algorithms=[algorithm], strict_check_header=is_strict)
        self._algorithm = algorithm

    def get_alg(self, name: str) -> Any:
        """Return the algorithm, if it is the one."""
        if name != self._algorithm:
            raise UnsupportedAlgorithmError("the key is for another algorithm")
        return self.algorithms[name]
