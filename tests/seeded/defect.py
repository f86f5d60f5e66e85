"""`Defect`: what is wrong with a provider, and the one test that has to say so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from authkit.emulator import StockEmulator
from authkit.testing import ProviderContract
from seeded.by_hand import SERVER, AcmeByHand, AcmeClient


class ContractByHand(ProviderContract):
    """What the author of a provider with a client of its own writes."""

    server = SERVER

    def new_emulator(self) -> StockEmulator:
        return StockEmulator(self.server)


@dataclass(frozen=True)
class Defect:
    """A provider that is wrong in one way.

    Attributes:
        what: the mistake, in a sentence.
        red: the test that has to fail, and no other.
        contract: the test class of the plugin.
    """

    what: str
    red: str
    contract: type[ProviderContract]

    @property
    def name(self) -> str:
        return "Test" + "".join(word.capitalize() for word in self.red.removeprefix("test_").split("_"))


def in_data(what: str, red: str, provider: Any, users: Sequence[Mapping[str, Any]] = (), **more: Any) -> Defect:
    """Return a defect of a provider that is data."""
    return Defect(what, red, type("InData", (ProviderContract,), {"provider": provider, "users": users, **more}))


class Clients:
    """Collects the defects of a file whose clients are wrong."""

    def __init__(self) -> None:
        self.found: list[Defect] = []

    def __call__(
        self, what: str, red: str, prompts: Mapping[str, Mapping[str, str]] = MappingProxyType({}), **more: Any
    ) -> Callable[[type[AcmeClient]], type[AcmeClient]]:
        """Return a decorator for a client that is wrong in one way.

        `prompts` are those of its provider, `more` are members of the test class.
        """

        def collect(client: type[AcmeClient]) -> type[AcmeClient]:
            members = {"provider": AcmeByHand(client, prompts=prompts), **more}
            self.found.append(Defect(what, red, type("ByHand", (ContractByHand,), members)))
            return client

        return collect
