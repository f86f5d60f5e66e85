"""Fixtures that every test file may use."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import leftovers
import pytest
from databases import database, empty_database_url, relay, servers  # noqa: F401 - fixtures
from fakes import Clock, Network
from hypothesis import settings
from measuring import unmeasured
from places import distributions, make_place, source  # noqa: F401 - fixtures

settings.register_profile("patient", settings.default, deadline=None)  # a first example may import what it needs
settings.load_profile("patient")

OF_PYRAMID = re.compile(r"^pytestmark = .*\bpytest\.mark\.pyramid\b", re.MULTILINE)
collect_ignore: list[str] = []
if find_spec("authkit.pyramid") is None:  # see tools/without-pyramid: these cannot even be imported
    tests = Path(__file__).parent.glob("test_*.py")
    collect_ignore += [path.name for path in tests if OF_PYRAMID.search(path.read_text(encoding="utf-8"))]


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Let no test leave a thread behind, or a socket that listens."""
    threads, sockets = leftovers.threads(), leftovers.sockets()
    yield
    ends_at = time.monotonic() + 2
    while new := leftovers.threads() - threads | leftovers.listening(leftovers.sockets() - sockets):
        assert time.monotonic() < ends_at, f"left behind: {', '.join(sorted(new))}"
        time.sleep(0.01)  # what was told to end needs a moment for it


@pytest.fixture(scope="session", autouse=True)
def unmeasured_processes() -> None:
    """Keep the processes that tests start out of the coverage: what they run is to be tested in this one, too."""
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let workers take the files with slow tests first: none is to be left alone with one of them at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Leave what a test marked `unmeasured` runs out of the coverage."""
    with unmeasured() if item.get_closest_marker("unmeasured") else nullcontext():
        return (yield)


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still until a test moves it."""
    return Clock()


@pytest.fixture
def network() -> Network:
    """Give the provider's end of the wire, which answers as it should until a test says otherwise."""
    return Network()


@pytest.fixture
def new_world(caplog):
    """Give what makes a Pyramid app to log in to; if it refused something, it can still log in afterwards."""
    from pyramid_apps import make_world

    made = []

    def make(*parts, **options):
        made.append(make_world(caplog, *parts, **options))
        return made[-1]

    yield make
    for world in made:
        if world.has_refused:
            world.assert_still_works()


@pytest.fixture
def world(new_world):
    """Give a world whose app has nothing but authkit and a few views; it can log in whatever a test did to it."""
    world = new_world()
    yield world
    world.assert_still_works()


@pytest.fixture(scope="session")
def openid_server():
    """Give oidc-provider, which runs in a process of its own, has many clients, and knows Ada and Ben."""
    from openid_apps import served

    with served() as server:
        yield server


@pytest.fixture
def new_openid_app(openid_server):
    """Give what makes an app that is registered at oidc-provider."""
    from openid_apps import app_maker

    with app_maker(openid_server) as make:
        yield make


def needs(found: object, what: str) -> None:
    """Skip a test that needs `what`, with the reason; in CI, where everything is installed, fail instead."""
    if not found:
        if os.environ.get("AUTHKIT_TESTS_MUST_RUN"):
            pytest.fail(f"this test needs {what}, and nothing may be skipped here")
        pytest.skip(f"needs {what}")
