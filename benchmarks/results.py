"""What came of a run: the rounds of each peer, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import nan
from statistics import median

from measure import Measured


@dataclass
class Result:
    """What came of one peer in one scenario: a measurement for each round, or why there is none."""

    rounds: list[Measured] = field(default_factory=list)
    problem: str = ""

    @property
    def middle(self) -> Measured:
        """Return the medians of the rounds; failures are added up."""
        names = [each.name for each in fields(Measured)]
        values = {name: median(getattr(one, name) for one in self.rounds) for name in names}
        return Measured(**{**values, "failures": sum(one.failures for one in self.rounds)})

    def ratio(self, value: Callable[[Measured], float], base: Result) -> float:
        """Return the median over the rounds of what this is of `base` in the same round."""
        pairs = zip(self.rounds, base.rounds, strict=False)
        return median(value(one) / value(other) for one, other in pairs) if self.rounds and base.rounds else nan
