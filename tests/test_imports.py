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

OF_A_LOGIN = {
    *("requests", "requests_oauthlib", "oauthlib", "urllib3", "certifi", "charset_normalizer", "idna"),
    *("cryptography", "jinja2", "markupsafe", "joserfc", "difflib", "concurrent"),
}
"""What nobody needs before there is a login, or a page."""

SETTINGS = """
settings = {
    "authkit.secret": "a-secret-that-is-as-long-as-the-secret-of-an-app-has-to-be",
    "authkit.base_url": "https://app.example",
    "authkit.tiktok.client_key": "key-of-the-app",
    "authkit.tiktok.client_secret": "secret-of-the-app",
}
"""

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


def loaded_by(code: str, before: str = "") -> set[str]:
    """Return the modules that `code` loads in a process which has run `before`."""
    counted = f"import sys\n{before}\nearlier = set(sys.modules)\n{code}\nprint(*set(sys.modules) - earlier)"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", counted], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_authkit_loads_nothing_but_the_package_itself() -> None:
    loaded = {name for name in loaded_by("import authkit") if name.partition(".")[0] not in sys.stdlib_module_names}

    assert loaded == {"authkit"}


def test_no_module_of_a_login_is_there_before_a_login() -> None:
    loaded = loaded_by(f"{SETTINGS}\nimport authkit\nauthkit.AuthKit.from_settings(settings, environ={{}})")

    assert "authkit_tiktok.provider" in loaded
    assert (OF_A_LOGIN | {"ssl", "http", "authkit.transport"}) & loaded == set()


@pytest.mark.pyramid
def test_a_pyramid_app_that_was_made_has_no_module_of_a_login() -> None:
    code = (
        f"{SETTINGS}\nfrom pyramid.config import Configurator\nconfig = Configurator(settings=settings)\n"
        "config.include('authkit.pyramid')\napp = config.make_wsgi_app()"
    )

    assert {name.partition(".")[0] for name in loaded_by(code)} & OF_A_LOGIN == set()


def test_a_kit_that_was_warmed_up_loads_nothing_more_when_a_login_begins() -> None:
    start = f"{SETTINGS}\nimport authkit\nkit = authkit.AuthKit.from_settings(settings, environ={{}})"
    begin = "kit.begin('tiktok')"

    assert {"cryptography", "requests", "authkit.transport"} <= loaded_by(begin, start)
    assert loaded_by(begin, f"{start}\nkit.warm_up()") == set()


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
    assert authkit.__all__ == sorted(authkit.__all__) == sorted(["errors", *authkit.MODULES])
    assert [name for name in authkit.__all__ if not hasattr(authkit, name)] == []
    assert authkit.__getattr__("errors").ConfigError is ConfigError
    assert run("import authkit; print(authkit.errors.ConfigError.code)") == "config_error"


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
    assert [name for name in native.__all__ if getattr(native, name).__name__ != name] == []
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


def test_a_name_of_native_sign_in_needs_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    from authkit import native

    monkeypatch.setitem(sys.modules, "joserfc", None)  # as if it were not installed

    with pytest.raises(ConfigError, match="native apps need joserfc: "):
        native.Native  # noqa: B018


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
