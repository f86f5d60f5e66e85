"""`Faults`: what goes wrong at an emulator, how often, and at which endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from random import Random
from threading import Lock

from authkit.emulator.kinds import KINDS

__all__ = ["ANY_ENDPOINT", "Fault", "Faults"]

ANY_ENDPOINT = "*"
MOST_FAULTS = 100
MOST_TIMES = 10**6
DECIMALS = 6
WHEN = re.compile(r"once|always|[0-9]{1,7}|0?\.[0-9]{1,6}|[0-9]{1,3}(\.[0-9]{1,4})?%")
WHEN_HELP = "WHEN is once, a number of times, a probability such as 0.25 or 25%, or always"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that goes wrong, written ``endpoint:kind[=value][:when]``.

    A value that has a colon, such as an address with a port, may need ``:always`` behind it: what follows the last
    colon is taken for a ``when`` if it can be one.

    Attributes:
        endpoint: the endpoint at which it happens, ``*`` for any.
        kind: what happens, a name in `KINDS`.
        value: how much of it, in the kind's unit; "" for the kind's default.
        times: how many requests it disturbs; None for no end.
        probability: of disturbing a request, more than 0, up to 1, with 6 decimals at most; 1 if `times` is given.

    Raises:
        ValueError: there is no such fault; the message says what is possible.
    """

    endpoint: str
    kind: str
    value: str = ""
    times: int | None = None
    probability: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(_unknown("kind of fault", self.kind, KINDS))
        if self.value:
            KINDS[self.kind].check(self.value)
        is_probability = 0 < self.probability <= 1 and round(self.probability, DECIMALS) == self.probability
        is_number = self.times is None or (1 <= self.times <= MOST_TIMES and self.probability == 1)
        if not (is_probability and is_number):
            raise ValueError(f"{WHEN_HELP}; it is more than 0, and at most {MOST_TIMES} times")

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Return the fault that `text` is the spelling of.

        Raises:
            ValueError: it is none; the message says what is possible.
        """
        endpoint, _, rest = text.partition(":")
        head, _, tail = rest.rpartition(":")
        what, when = (head, tail) if head and WHEN.fullmatch(tail) else (rest, "always")
        kind, has_value, value = what.partition("=")
        if not endpoint or not kind or (has_value and not value):
            raise ValueError(f"a fault is written ENDPOINT:KIND[=VALUE][:WHEN], not {text!r}")
        if ":" in kind:
            raise ValueError(f"{WHEN_HELP}, not {tail!r}")
        times, probability = _read_when(when)
        return cls(endpoint=endpoint, kind=kind, value=value, times=times, probability=probability)

    def __str__(self) -> str:
        text = f"{self.endpoint}:{self.kind}={self.value}" if self.value else f"{self.endpoint}:{self.kind}"
        if self.times is not None:
            return f"{text}:once" if self.times == 1 else f"{text}:{self.times}"
        if self.probability < 1:
            return f"{text}:{self.probability:.{DECIMALS}f}".rstrip("0")
        is_ambiguous = ":" in self.value and WHEN.fullmatch(self.value.rpartition(":")[2])
        return f"{text}:always" if is_ambiguous else text

    @property
    def text(self) -> str:
        """The value, or the kind's default."""
        return self.value or KINDS[self.kind].default

    @property
    def number(self) -> float:
        """The value, or the kind's default, as a number."""
        return float(self.text)


class Faults:
    """The faults of an emulator, in the order in which they were added. May be used from many threads.

    Args:
        endpoints: the names of the endpoints.
        faults: what goes wrong from the start.
        seed: what decides about faults that have a probability, so that a run can be repeated.

    Raises:
        ValueError: a fault is not understood; the message says what is possible.
    """

    def __init__(self, endpoints: Collection[str], faults: Iterable[str] = (), seed: int = 0) -> None:
        self._endpoints = (*endpoints, ANY_ENDPOINT)
        self._present: list[Fault] = []
        self._lock = Lock()
        self.reseed(seed)
        for text in faults:
            self.add(text)

    def __iter__(self) -> Iterator[Fault]:
        """Yield the faults that are present, with what is left of their times."""
        with self._lock:
            return iter(tuple(self._present))

    def reseed(self, seed: int) -> None:
        """Draw from now on as a new emulator with this seed would."""
        self._random = Random(seed)  # noqa: S311 - it has to be repeatable

    def add(self, text: str) -> Fault:
        """Add a fault, written ``endpoint:kind[=value][:when]``.

        Raises:
            ValueError: it is not understood, or there is no such endpoint, or there are a hundred faults already.
        """
        fault = Fault.parse(text)
        if fault.endpoint not in self._endpoints:
            raise ValueError(_unknown("endpoint", fault.endpoint, self._endpoints))
        with self._lock:
            if len(self._present) >= MOST_FAULTS:
                raise ValueError(f"there are {MOST_FAULTS} faults already; remove some first")
            self._present.append(fault)
        return fault

    def remove(self, text: str) -> None:
        """Remove the first fault that is written so.

        Raises:
            ValueError: none is present.
        """
        fault = Fault.parse(text)
        with self._lock:
            if fault not in self._present:
                raise ValueError(f"the fault {text!r} is not present")
            self._present.remove(fault)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._present.clear()

    def take(self, endpoint: str, *, is_connected: bool = False) -> Fault | None:
        """Return the first fault that disturbs a request to `endpoint`, None for none; it counts as used.

        Args:
            endpoint: its name.
            is_connected: whether the connection cannot be slow to come about any more.
        """
        return self._take(
            lambda fault: (
                fault.endpoint in {endpoint, ANY_ENDPOINT} and not (is_connected and fault.kind == "slow-connect")
            )
        )

    def take_connecting(self) -> Fault | None:
        """Return the first fault that makes a connection slow, None for none; it counts as used.

        For what a connection will be used is not known before it is there, so the endpoint does not matter.
        """
        return self._take(lambda fault: fault.kind == "slow-connect")

    def _take(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            for place, fault in enumerate(self._present):
                if fits(fault) and (fault.probability == 1 or self._random.random() < fault.probability):
                    if fault.times == 1:
                        del self._present[place]
                    elif fault.times is not None:
                        self._present[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None


def _read_when(text: str) -> tuple[int | None, float]:
    """Return the times and the probability that `text`, which fits `WHEN`, stands for."""
    if text == "always":
        return None, 1.0
    if text.endswith("%"):
        return None, round(float(text[:-1]) / 100, DECIMALS)
    if "." in text:
        return None, float(text)
    return (1 if text == "once" else int(text)), 1.0


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    meant = get_close_matches(name, known, n=1)
    return f"no {what} is called {name!r}; " + (
        f"did you mean {meant[0]}?" if meant else f"there are: {', '.join(known)}"
    )
