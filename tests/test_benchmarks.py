"""The benchmarks measure logins that are what they say: a warm one opens no connection, a wrong one is noticed."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.append(str(ROOT / "benchmarks"))  # last: a module there has the name of a library

import anatomy  # noqa: E402
import crowds  # noqa: E402
import driver  # noqa: E402
import growth  # noqa: E402
import measure  # noqa: E402
import processes  # noqa: E402
import report  # noqa: E402
from contestants import AUTHKIT, FLOOR, Peer  # noqa: E402
from provider import CLIENT_ID  # noqa: E402
from results import Result  # noqa: E402
from sqlalchemy import create_engine, func, select  # noqa: E402

from authkit.accounts.schema import accounts, identities, tokens  # noqa: E402

PYTHON = Path(sys.executable)
FLOOR_APP = (ROOT / "benchmarks" / "peers" / "floor" / "app.py").read_text(encoding="utf-8")

pytestmark = [pytest.mark.pyramid, pytest.mark.slow]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for the provider's certificates."""
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def provider(certificates: Path) -> Iterator[processes.Provider]:
    """Give a provider in a process of its own."""
    with processes.provider(PYTHON, certificates) as running:
        yield running


@pytest.fixture(scope="module", params=["http", "https"])
def server(
    request: pytest.FixtureRequest, provider: processes.Provider, certificates: Path
) -> Iterator[processes.Server]:
    """Give authkit's app, served towards the provider."""
    roots = {"AUTHKIT_CA_BUNDLE": str(certificates / "root.pem")}
    with processes.served(AUTHKIT, provider.origin(request.param), 4, PYTHON, **roots) as running:
        yield running


def play(app: driver.App, *, browsers: int, logins: int) -> driver.Played:
    """Play logins."""
    return asyncio.run(driver.play(app, browsers=browsers, logins=logins))


async def got(app: driver.App, path: str) -> driver.Answer:
    """Get a page in a browser of its own."""
    browser = driver.Browser(app)
    try:
        return await browser.get(path)
    finally:
        browser.close()
        await asyncio.sleep(0)  # the loop closes it


def why_not(spoiled: str, instead: str, folder: Path, provider: processes.Provider) -> str:
    """Return why the floor's app, one part of it spoiled, is not timed."""
    assert FLOOR_APP.count(spoiled) == 1
    (folder / "app.py").write_text(FLOOR_APP.replace(spoiled, instead), encoding="utf-8")
    with (
        processes.served(Peer("spoiled", "spoiled", str(folder)), provider.origin("http"), 4, PYTHON) as running,
        pytest.raises(measure.IncorrectError) as caught,
    ):
        asyncio.run(measure.prove(running.app, provider))
    return str(caught.value)


def test_authkit_is_proved_correct(server: processes.Server, provider: processes.Provider) -> None:
    asyncio.run(measure.prove(server.app, provider))


def test_ten_logins_of_a_warm_process_open_no_connection_and_mix_up_nobody(
    server: processes.Server, provider: processes.Provider
) -> None:
    play(server.app, browsers=1, logins=1)
    before = provider.tell()
    played = play(server.app, browsers=1, logins=10)
    after = provider.tell()

    assert (len(played.times), played.failures) == (10, [])
    assert {kind: after[kind] - before[kind] for kind in after} == {
        "connections": 0,
        "handshakes": 0,
        "resumed": 0,
        "tokens": 10,
        "users": 10,
        "refused": 0,
    }


def test_a_login_after_the_provider_has_closed_its_connections_opens_one_and_resumes_its_session(
    server: processes.Server, provider: processes.Provider
) -> None:
    play(server.app, browsers=1, logins=1)
    before = provider.tell("drop")
    played = play(server.app, browsers=1, logins=1)

    new = {kind: count - before[kind] for kind, count in provider.tell().items()}
    assert (played.failures, new["connections"]) == ([], 1)
    assert new["resumed"] == new["handshakes"]  # none of either over HTTP


def test_an_app_that_signs_everybody_in_as_one_user_is_not_timed(
    tmp_path: Path, provider: processes.Provider
) -> None:
    why = why_not('answer["data"]["user"]["open_id"]', '"user-1"', tmp_path, provider)
    assert "logins failed" in why
    assert "was signed in as 200" in why


def test_an_app_that_takes_the_state_of_another_browser_is_not_timed(
    tmp_path: Path, provider: processes.Provider
) -> None:
    why = why_not('query["state"][0] != cookies.get("state")', "not query", tmp_path, provider)
    assert why == "a callback of another browser signed somebody in"


def test_an_app_that_asks_the_provider_too_often_is_not_timed(tmp_path: Path, provider: processes.Provider) -> None:
    why = why_not(
        "        answer = http.request(", "        for _ in 1, 2: answer = http.request(", tmp_path, provider
    )
    assert why == "20 logins asked for tokens, users and in vain [20, 40, 0] times"


def test_an_app_with_a_wrong_secret_is_not_timed(tmp_path: Path, provider: processes.Provider) -> None:
    why = why_not('"client_secret": client_secret', '"client_secret": "wrong"', tmp_path, provider)
    assert why.startswith("20 of 20 logins failed")


def test_logins_of_people_who_come_back_are_among_as_many_accounts_as_are_asked_for(
    tmp_path: Path, provider: processes.Provider
) -> None:
    url = f"sqlite:///{tmp_path}/accounts.sqlite"
    crowds.gather(url, 100, CLIENT_ID)
    with processes.served(growth.PEER, provider.origin("http"), 4, PYTHON, AUTHKIT_ACCOUNTS_DATABASE=url) as running:
        played = asyncio.run(driver.play(running.app, browsers=4, logins=20, users=crowds.known(100)))

    assert (len(played.times), played.failures) == (20, [])
    with create_engine(url).connect() as connection:
        counts = [select(func.count()).select_from(table) for table in (accounts, identities, tokens)]
        assert [connection.scalar(count) for count in counts] == [100, 100, 100]


def test_a_grown_app_has_as_many_registrations_and_plugins_as_are_asked_for(
    tmp_path: Path, provider: processes.Provider
) -> None:
    growth.install_plugins(tmp_path, 3)
    grown = {"BENCH_REGISTRATIONS": "5", "PYTHONPATH": str(tmp_path), "AUTHKIT_BENCH_2_CLIENT_ID": "of-a-plugin"}
    grown["AUTHKIT_BENCH_2_CLIENT_SECRET"] = "SECRET"
    with processes.served(growth.PEER, provider.origin("http"), 4, PYTHON, **grown) as running:
        assert running.app.start == "/auth/app2"
        asyncio.run(measure.prove(running.app, provider))
        page = asyncio.run(got(running.app, "/auth/"))

    names = ("app4", "app5", "bench-2", "bench-3")
    assert [name for name in names if f"/auth/{name}".encode() in page.body] == ["app4", "bench-2"]


def test_what_is_told_of_a_peer_is_what_it_is_of_authkit_in_the_same_round() -> None:
    def one(cpu: float) -> measure.Measured:
        return measure.Measured(10.0, cpu, 0.1, 0.2, 1.0, 1.0, 0.0, 30.0, 0)

    authkit, floor = Result([one(0.004), one(0.002), one(0.008)]), Result([one(0.001), one(0.002), one(0.004)])
    table = report.table(measure.TLS, [AUTHKIT, FLOOR], {AUTHKIT.name: authkit, FLOOR.name: floor})

    *_, ours, theirs = table.splitlines()
    assert ours == f"| {AUTHKIT.title} | 4 | 1.00 | 250 | 10 | 100 | 200 | 1.00 | 1.00 | 30 | 0 |"
    assert theirs == f"| {FLOOR.title} | 2 | 0.50 | 500 | 10 | 100 | 200 | 1.00 | 1.00 | 30 | 0 |"


@pytest.mark.parametrize(
    ("path", "row"),
    [
        ("/lib/python3.11/site-packages/pyramid/router.py", "Pyramid, WebOb"),
        ("/app/authkit/pyramid/views.py", "authkit.pyramid"),
        ("/app/authkit/pool.py", "authkit: connections, deadlines, breakers"),
        ("/app/authkit/flow.py", "authkit: all else, the reading of answers above all"),
        ("/lib/python3.11/urllib/parse.py", None),
    ],
)
def test_code_counts_for_the_row_that_knows_its_path_best(path, row):
    assert anatomy.row_of(path) == row
