"""What is shipped: the two distributions, built, installed outside the checkout, and used there."""

from __future__ import annotations

import json
import os
import re
import sys
import tarfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import needs
from places import Distribution, MakePlace, Place, build, contents, must_run, run

pytestmark = pytest.mark.slow

EGG_INFO = ("PKG-INFO", "SOURCES.txt", "dependency_links.txt", "entry_points.txt", "requires.txt", "top_level.txt")

SETTINGS = """
settings = {
    "authkit.secret": "a-secret-that-is-as-long-as-the-secret-of-an-app-has-to-be",
    "authkit.base_url": "https://app.example",
    "authkit.tiktok.client_key": "key-of-the-app",
    "authkit.tiktok.client_secret": "secret-of-the-app",
}
"""

BEGIN_LOGIN = f"""{SETTINGS}
import authkit
kit = authkit.AuthKit.from_settings(settings)
print(kit.begin("tiktok").url.partition("?")[0])
print(authkit.__file__)
"""

SIGN_IN_PAGE = f"""{SETTINGS}
from webob import Request
from pyramid.config import Configurator
with Configurator(settings=settings) as config:
    config.include("authkit.pyramid")
answer = Request.blank("/auth/", base_url="https://app.example").get_response(config.make_wsgi_app())
print(answer.status)
print(answer.text)
"""

PUBLIC_KEYS = f"""{SETTINGS}
import json
from webob import Request
from pyramid.config import Configurator
settings["authkit.native.keys_file"] = "native-keys.json"
settings["authkit.native.phone.link"] = "https://app.example/signed-in"
with Configurator(settings=settings) as config:
    config.include("authkit.pyramid.native")
answer = Request.blank("/auth/jwks.json", base_url="https://app.example").get_response(config.make_wsgi_app())
print(answer.status, [key["alg"] for key in json.loads(answer.text)["keys"]])
"""

USER_SCRIPT = """\
from authkit import AuthKit, Login, Profile
reveal_type(AuthKit.from_settings({}).begin("tiktok").url)
def name(login: Login) -> int: return login.profile.display_name
"""


@pytest.fixture(scope="session")
def core(distributions: dict[str, Distribution]) -> Distribution:
    return distributions["authkit_core"]


@pytest.fixture(scope="session")
def plugin(distributions: dict[str, Distribution]) -> Distribution:
    return distributions["authkit_tiktok"]


@pytest.fixture(params=["authkit_core", "authkit_tiktok"])
def distribution(request: pytest.FixtureRequest, distributions: dict[str, Distribution]) -> Distribution:
    """Give one distribution after the other."""
    chosen: Distribution = distributions[request.param]
    return chosen


@pytest.fixture(scope="session")
def plain(make_place: MakePlace, core: Distribution, plugin: Distribution) -> Place:
    """Give an environment with the two wheels, no extras, and nothing besides."""
    return make_place(core.wheel, plugin.wheel)


@pytest.fixture(scope="session")
def with_pyramid(make_place: MakePlace, core: Distribution, plugin: Distribution) -> Place:
    """Give the environment of an app that has Pyramid: the two wheels, no extras, and Pyramid."""
    return make_place("pyramid", core.wheel, plugin.wheel)


# What is in the files.


def test_a_wheel_holds_the_package_and_its_metadata_and_nothing_else(distribution: Distribution) -> None:
    info = f"{distribution.stem}.dist-info"
    metadata = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt")

    assert sorted(contents(distribution.wheel)) == sorted(
        [f"{distribution.package}/{path}" for path in distribution.modules] + [f"{info}/{name}" for name in metadata]
    )


def test_an_sdist_holds_what_the_wheel_is_built_from_and_nothing_else(distribution: Distribution) -> None:
    in_root = distribution.name == "authkit_core"
    own = ["LICENSE", "MANIFEST.in", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"]
    own += ["CHANGELOG.md"] if in_root else []
    egg_info = [f"{distribution.name}.egg-info/{name}" for name in EGG_INFO]
    modules = [f"{distribution.package}/{path}" if in_root else path for path in distribution.modules]

    with tarfile.open(distribution.sdist) as archive:
        files = [member.name.partition("/")[2] for member in archive if member.isfile()]

    assert sorted(files) == sorted([*own, *egg_info, *modules])


def test_the_wheel_of_the_sdist_equals_the_wheel_of_the_checkout(distribution: Distribution) -> None:
    assert contents(distribution.wheel) == contents(distribution.wheel_of_tree)


def test_a_wheel_says_that_it_is_typed(distribution: Distribution) -> None:
    assert f"{distribution.package}/py.typed" in contents(distribution.wheel)
    assert "Typing :: Typed" in distribution.metadata.get_all("Classifier", [])


# What the metadata says.


def test_the_plugin_takes_the_core_of_this_checkout(core: Distribution, plugin: Distribution) -> None:
    needed = {needed.name: needed.specifier for needed in plugin.requirements if not needed.marker}

    assert list(needed) == ["authkit-core"]
    assert needed["authkit-core"].contains(core.metadata["Version"])


def test_the_plugin_wants_no_other_python_than_the_core(core: Distribution, plugin: Distribution) -> None:
    assert plugin.metadata["Requires-Python"] == core.metadata["Requires-Python"]


def test_the_plugin_passes_every_extra_of_the_core_on(core: Distribution, plugin: Distribution) -> None:
    extras = core.metadata.get_all("Provides-Extra", [])
    passed_on = [str(requirement) for requirement in plugin.requirements if requirement.marker]

    assert plugin.metadata.get_all("Provides-Extra", []) == extras
    assert passed_on == [f'authkit-core[{extra}]; extra == "{extra}"' for extra in extras]


def test_the_metadata_ties_nobody_to_a_package_index(distribution: Distribution) -> None:
    text = str(distribution.metadata)
    hosts = re.findall(r"://([^/\s\"'<>)]+)", text)

    assert [str(requirement) for requirement in distribution.requirements if requirement.url] == []
    assert [host for host in hosts if re.search("pypi|pythonhosted|artifact|nexus|index|localhost", host)] == []


# What works once it is installed.


@pytest.mark.parametrize(
    "options",
    [(".", "./authkit_tiktok"), ("-e", ".", "-e", "./authkit_tiktok")],
    ids=["copied", "editable"],
)
def test_a_checkout_can_be_installed(make_place: MakePlace, source: Path, options: Sequence[str]) -> None:
    place = make_place(*options, cwd=source)

    address, file = place.run("-c", BEGIN_LOGIN).splitlines()

    assert address == "https://www.tiktok.com/v2/auth/authorize/"
    assert Path(file).is_relative_to(source) is ("-e" in options)


@pytest.mark.parametrize("option", [(), ("-e",)], ids=["copied", "editable"])
def test_a_checkout_can_be_installed_from_elsewhere(
    make_place: MakePlace, source: Path, option: Sequence[str]
) -> None:
    place = make_place(*option, source, *option, source / "authkit_tiktok")

    assert place.run("-c", BEGIN_LOGIN).splitlines()[0] == "https://www.tiktok.com/v2/auth/authorize/"


def test_the_wheels_find_tiktok_and_begin_a_login(plain: Place) -> None:
    address, file = plain.run("-c", BEGIN_LOGIN).splitlines()

    assert address == "https://www.tiktok.com/v2/auth/authorize/"
    assert Path(file).is_relative_to(plain.folder)


def test_importing_the_core_needs_pluggy_alone(make_place: MakePlace, core: Distribution) -> None:
    place = make_place("pluggy")
    place.install("--no-deps", core.wheel)

    assert place.run("-c", "import authkit; print(authkit.Profile(subject='1').subject)") == "1\n"


def test_the_plugin_and_its_emulator_can_be_had_without_any_extra(plain: Place) -> None:
    script = (
        "from authkit_tiktok.emulator import TikTokEmulator; print(sorted(TikTokEmulator().settings('http://x'))[0])"
    )

    assert plain.run("-c", script) == "authorize_url\n"


def test_an_app_with_pyramid_needs_no_extra_for_the_sign_in_page(with_pyramid: Place) -> None:
    script = with_pyramid.folder / "app.py"
    script.write_text(SIGN_IN_PAGE)

    # Warnings of Pyramid and WebOb themselves are not ours to judge here.
    status, page = must_run(with_pyramid.python, script, cwd=with_pyramid.folder).split("\n", 1)

    assert status == "200 OK"
    assert "Continue with TikTok" in page


def test_a_type_checker_sees_the_types_of_the_wheels(plain: Place) -> None:
    needs(find_spec("mypy"), "mypy")
    script = plain.folder / "user_script.py"
    script.write_text(USER_SCRIPT)

    checked = run(
        *(sys.executable, "-m", "mypy", "--strict", "--python-executable", plain.python),
        *("--cache-dir", plain.folder / "cache", "--config-file", os.devnull, script.name),
        cwd=plain.folder,
    )

    assert re.findall(r"user_script.py:(\d+): (\w+): (.*?)(?:  \[|$)", checked.stdout, re.MULTILINE) == [
        ("2", "note", 'Revealed type is "str"'),
        ("3", "error", 'Incompatible return value type (got "str | None", expected "int")'),
    ]


def test_the_command_without_its_extra_says_how_to_get_it(plain: Place) -> None:
    done = run(plain.python.parent / "authkit", "plugins", cwd=plain.folder)

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "The command line needs two more packages: pip install 'authkit-core[cli]'\n",
    )


def test_the_accounts_without_their_extra_say_how_to_get_it(plain: Place) -> None:
    done = run(plain.python, "-c", "import authkit.accounts", cwd=plain.folder)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "authkit.errors.ConfigError: config_error: "
        "accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'",
    )


def test_the_extras_bring_the_tables_and_what_makes_them(make_place: MakePlace, core: Distribution) -> None:
    place = make_place(f"authkit-core[accounts,cli] @ file://{core.wheel}")
    command, url = place.python.parent / "authkit", f"sqlite:///{place.folder / 'authkit.sqlite'}"

    upgraded = must_run(command, "db", "upgrade", "--database", url, cwd=place.folder)
    checked = must_run(command, "db", "check", "--database", url, cwd=place.folder)

    assert re.fullmatch(r"The tables are at revision \w+\.\n", upgraded)
    assert checked.startswith("The tables are as they should be")


def test_the_native_extra_of_the_plugin_brings_what_signs_phones_in(
    make_place: MakePlace, core: Distribution, plugin: Distribution
) -> None:
    place = make_place(core.wheel, f"authkit-tiktok[pyramid,native,cli] @ file://{plugin.wheel}")
    command, keys = place.python.parent / "authkit", place.folder / "native-keys.json"
    url = f"sqlite:///{place.folder / 'authkit.sqlite'}"
    script = place.folder / "app.py"
    script.write_text(PUBLIC_KEYS)

    made = must_run(command, "keys", "new", "--file", keys, cwd=place.folder)
    upgraded = must_run(command, "db", "upgrade", "--database", url, cwd=place.folder)
    answer = must_run(place.python, script, cwd=place.folder)

    assert made.endswith(f"authkit.native.keys_file = {keys}\n")
    assert upgraded == "The tables are at revision 0002.\n"
    assert answer == "200 OK ['ES256']\n"


def test_the_loopback_login_needs_no_extra(plain: Place) -> None:
    script = (
        "from authkit.native.desktop import desktop_kit; from authkit.native.loopback import login; "
        "settings = {'authkit.tiktok.client_key': 'k', 'authkit.tiktok.client_secret': 's'}; "
        "kit = desktop_kit('tiktok', settings); "
        "print(list(kit.registrations), login.__name__)"
    )

    assert plain.run("-c", script) == "['tiktok'] login\n"


def test_native_apps_without_their_extra_say_how_to_get_it(plain: Place) -> None:
    done = run(plain.python, "-c", "from authkit.native import Native", cwd=plain.folder)

    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "authkit.errors.ConfigError: config_error: "
        "native apps need joserfc, sqlalchemy, alembic: pip install 'authkit-core[native]'",
    )


def test_a_command_without_the_extra_of_its_part_says_how_to_get_it(
    make_place: MakePlace, core: Distribution
) -> None:
    place = make_place(f"authkit-core[cli] @ file://{core.wheel}")
    command = place.python.parent / "authkit"

    done = run(command, "db", "check", "--database", "sqlite:///authkit.sqlite", cwd=place.folder)

    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "Error: accounts need SQLAlchemy and Alembic: pip install 'authkit-core[accounts]'\n",
    )
    must_run(command, "--help", cwd=place.folder)


def test_the_example_plugins_are_found_once_their_wheels_are_installed(
    make_place: MakePlace, source: Path, core: Distribution, tmp_path: Path
) -> None:
    names = ("authkit-acme", "authkit-github", "authkit-google")
    for name in names:
        build(source / "examples" / "plugins" / name, tmp_path, "--wheel")
    place = make_place(f"authkit-core[cli,oidc] @ file://{core.wheel}", *sorted(tmp_path.glob("*.whl")))

    listed = json.loads(must_run(place.python.parent / "authkit", "plugins", "--json", cwd=place.folder))

    found = {plugin["name"]: plugin for plugin in listed["plugins"]}
    assert {name: found[name.removeprefix("authkit-")]["distribution"] for name in names} == {
        name: name for name in names
    }
    assert [(plugin["name"], plugin["problem"]) for plugin in listed["plugins"] if plugin["problem"]] == []
    assert found["google"]["providers"] == ["google"]
    assert [Path(name).name for wheel in tmp_path.glob("*.whl") for name in contents(wheel) if "test" in name] == []
