"""The clients of the registrations, each made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from authkit.provider import OAuth2Provider
from authkit.providerclient import ProviderClient
from authkit.registration import Registration

__all__ = ["Clients"]


class Clients(Mapping[str, ProviderClient]):
    """What speaks to the provider of each registration, by the registration's name.

    What a plugin makes itself may be refused, so it is made at once. All else is what only a login needs: the client
    of a provider that is data comes with the first login, and with it the libraries that speak to providers.

    There is no lock that a fork could leave closed: two threads may make a client at once, and both get the same.

    Args:
        registrations: the registrations, by name.
        make: makes the client of one.

    Raises:
        ConfigError: a provider cannot speak for a client like this one.
    """

    def __init__(
        self, registrations: Mapping[str, Registration], make: Callable[[Registration], ProviderClient]
    ) -> None:
        self._registrations = registrations
        self._make = make
        self._made = {
            name: make(registration)
            for name, registration in registrations.items()
            if not isinstance(registration.provider, OAuth2Provider)
        }

    def __getitem__(self, name: str) -> ProviderClient:
        if name not in self._made:
            self._made.setdefault(name, self._make(self._registrations[name]))
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._registrations

    def __iter__(self) -> Iterator[str]:
        return iter(self._registrations)

    def __len__(self) -> int:
        return len(self._registrations)
