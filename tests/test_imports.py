"""What `import authkit` costs, and what it offers."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # comes with pytest

import authkit
from authkit.errors import ConfigError
from authkit.native.extra import require_extra

HEAVY = {
    *("requests", "requests_oauthlib", "oauthlib", "urllib3", "cryptography", "jinja2", "sqlalchemy", "alembic"),
    *("pyramid", "webob", "click", "rich", "waitress", "cheroot", "trustme"),
}


def run(code: str) -> str:
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert result.stderr == ""
    return result.stdout.strip()


@pytest.mark.parametrize("package", ["authkit", "authkit_tiktok", "authkit_tiktok.provider", "authkit.errors"])
def test_an_import_loads_nothing_heavy(package: str) -> None:
    loaded = run(f"import {package}, sys; print(*sys.modules)").split()

    assert package in loaded
    assert HEAVY & set(loaded) == set()


@pytest.mark.pyramid
def test_the_adapter_loads_no_database() -> None:
    code = "import authkit.pyramid, authkit.pyramid.config, authkit.pyramid.views, sys; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()

    assert "pyramid" in loaded
    assert {"sqlalchemy", "alembic"} & set(loaded) == set()


@pytest.mark.parametrize("missing", ["sqlalchemy", "alembic"])
def test_the_accounts_without_their_extra_say_how_to_get_it(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed

    with pytest.raises(ConfigError) as raised:
        runpy.run_path(str(Path(authkit.__file__).parent / "accounts" / "__init__.py"))

    assert raised.value.reason == "accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'"


def test_the_kit_is_there_when_it_is_asked_for() -> None:
    assert run("from authkit import AuthKit; print(AuthKit.__module__)") == "authkit.flow"


def test_every_name_that_is_offered_is_there() -> None:
    assert authkit.__all__ == sorted(authkit.__all__)
    assert [name for name in authkit.__all__ if not hasattr(authkit, name)] == []


def test_a_name_that_is_not_offered_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'authkit' has no attribute 'Nope'"):
        authkit.Nope  # noqa: B018


def test_the_import_contracts_name_every_module() -> None:
    root = Path(__file__).parent.parent
    contracts = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    by_name = {contract["name"]: contract for contract in contracts}
    modules = {f"authkit.{path.stem}" for path in (root / "authkit").iterdir() if path.name != "__pycache__"}
    modules -= {"authkit.__init__", "authkit.__main__", "authkit.py", "authkit.templates"}

    public = {"authkit.errors", "authkit.pkce", "authkit.emulator", "authkit.oidc", "authkit.testing"}
    hidden = set(by_name["A plugin imports public names only"]["forbidden_modules"])
    assert hidden - {"authkit.pyramid"} == modules - public - {"authkit.pyramid"}

    unaware = set(by_name["Only the adapter knows Pyramid"]["source_modules"])
    assert unaware == (modules - {"authkit.cli", "authkit.pyramid", "authkit.testing"}) | {"authkit_tiktok"}


def test_native_sign_in_loads_nothing_until_it_is_used() -> None:
    loaded = run("import authkit.native, sys; print(*sys.modules)").split()

    assert (HEAVY | {"joserfc", "alembic"}) & set(loaded) == set()


def test_every_name_of_native_sign_in_is_there() -> None:
    from authkit import native

    assert native.__all__ == sorted(native.__all__) == sorted(native.HEAVY)
    assert [name for name in native.__all__ if not hasattr(native, name)] == []
    with pytest.raises(AttributeError, match=r"module 'authkit\.native' has no attribute 'Nope'"):
        native.Nope  # noqa: B018


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        require_extra(lambda name: None if name == "alembic" else name)

    assert caught.value.reason == "native apps need alembic: pip install 'authkit-core[native]'"


WITHOUT = """
import sys
from importlib.machinery import PathFinder
class Without:
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {missing!r} else PathFinder.find_spec(name, path, target)
sys.meta_path[sys.meta_path.index(PathFinder)] = Without()
"""


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("joserfc",), "joserfc"),
        (("sqlalchemy",), "sqlalchemy"),
        (("joserfc", "sqlalchemy", "alembic"), "joserfc, sqlalchemy, alembic"),
    ],
)
def test_without_its_extra_native_sign_in_says_what_to_install(missing: tuple[str, ...], said: str) -> None:
    code = WITHOUT.format(missing=missing) + (
        "from authkit.errors import ConfigError\n"
        "import authkit.native.loopback\n"  # needs none of it
        "try: from authkit.native import Native\n"
        "except ConfigError as error: print(error.reason)"
    )

    assert run(code) == f"native apps need {said}: pip install 'authkit-core[native]'"
