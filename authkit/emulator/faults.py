"""`Faults`: what goes wrong at an emulator, how often, and at which endpoint."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from threading import Lock

__all__ = ["Fault", "Faults"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong, written ``endpoint:kind[=value][:when]``.

    Attributes:
        endpoint: the endpoint at which it happens, ``*`` for any.
        kind: what happens.
        value: how much of it: seconds, bytes or an address, as the kind has it.
        times: how many requests it disturbs; None for no end.
        probability: of disturbing a request, from 0 to 1.
    """

    endpoint: str
    kind: str
    value: str = ""
    times: int | None = None
    probability: float = 1.0


class Faults:
    """The faults of an emulator."""

    def __init__(self, faults: Iterable[str] = (), seed: int = 0) -> None:
        self._random = Random(seed)  # noqa: S311 - it has to be repeatable
        self._lock = Lock()

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault that disturbs a request to `endpoint`, None for none; it counts as used."""
        return None
