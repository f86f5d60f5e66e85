"""Clients: made when they are first needed, and once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from fakes import CLIENT_SECRET, acme, make_kit

from authkit import AuthKit
from authkit.clients import Clients
from authkit.deadline import Deadline
from authkit.models import Secret
from authkit.providerclient import ProviderClient
from authkit.registration import Registration


class Own:
    """A provider that is no data, and brings its own client."""

    name = title = "own"
    default_scope: tuple[str, ...] = ()

    def client(self, *_: object) -> Any:
        raise NotImplementedError


class Falsy:
    """A client that counts as false, as a plugin's may."""

    def __bool__(self) -> bool:
        return False


class Workshop:
    """Makes clients, and remembers for which registrations."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, registration: Registration) -> ProviderClient:
        self.made.append(registration.name)
        client: Any = Falsy()
        return client


def registered(name: str, provider: Any = acme) -> Registration:
    return Registration(name, provider, "id", Secret(CLIENT_SECRET), ("profile",), f"https://app.example/{name}")


def test_a_client_is_made_when_it_is_first_asked_for_and_once() -> None:
    workshop = Workshop()
    clients = Clients({"a": registered("a"), "b": registered("b")}, workshop)

    assert (list(clients), len(clients), "a" in clients, workshop.made) == (["a", "b"], 2, True, [])
    assert clients["b"] is clients["b"]
    assert workshop.made == ["b"]


def test_what_a_plugin_makes_is_made_at_once_for_it_may_be_refused() -> None:
    workshop = Workshop()
    clients = Clients({"a": registered("a"), "own": registered("own", Own())}, workshop)

    assert workshop.made == ["own"]
    assert clients["own"] is clients["own"]
    assert workshop.made == ["own"]


def test_there_is_no_client_of_what_is_not_registered() -> None:
    with pytest.raises(KeyError):
        Clients({"a": registered("a")}, Workshop())["b"]


def test_two_threads_that_need_a_client_at_once_get_the_same() -> None:
    both = threading.Barrier(2, timeout=30)
    got: list[ProviderClient] = []

    def make(registration: Registration) -> ProviderClient:
        both.wait()  # neither has one before the other begins
        return Workshop()(registration)

    clients = Clients({"a": registered("a")}, make)
    threads = [threading.Thread(target=lambda: got.append(clients["a"])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(got) == 2
    assert got[0] is got[1]


def test_the_time_that_a_client_takes_to_be_made_is_none_that_its_provider_takes() -> None:
    kit = make_kit()
    during: list[Deadline | None] = []

    def make(registration: Registration) -> ProviderClient:
        during.append(Deadline.current())
        return kit.clients[registration.name]

    replace(kit, clients=Clients(kit.registrations, make)).begin("acme")

    assert during == [None]


def test_a_kit_that_is_warmed_up_has_its_clients_and_its_keys() -> None:
    kit, workshop = make_kit(), Workshop()
    registrations = {"a": registered("a"), "b": registered("b")}
    cold = replace(kit, clients=Clients(registrations, workshop))
    assert (workshop.made, derived(cold)) == ([], [])

    cold.warm_up()

    assert (workshop.made, derived(cold)) == (["a", "b"], ["transaction", "csrf", "ticket", "vault"])
    assert "_keyring" in vars(cold.transactions._sealer)


def derived(kit: AuthKit) -> list[str]:
    """Return the purposes whose keys are there."""
    return [purpose for purpose, sealer in kit.sealers.items() if "_keyring" in vars(sealer)]
