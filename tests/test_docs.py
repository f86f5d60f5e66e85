"""The docs say what the code does."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from textwrap import indent
from types import ModuleType
from typing import Any

import pytest
from click.testing import CliRunner
from docs_tables import load_tables
from fakes import SECRET, acme, plugins_with
from joserfc.jwk import ECKey

from authkit import AuthKit, Emulator, errors
from authkit.cli.commands import authkit
from authkit.emulator import Request, WsgiTransport
from authkit.plugins import load_plugins

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
PROSE = [*DOCS, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"]


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    """Give the script that writes the generated parts."""
    return load_tables()


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.pyramid) if path.name == "stability.md" else path for path in DOCS],
    ids=lambda path: path.name,
)
def test_generated_parts_are_what_the_code_says(path: Path, tables: ModuleType) -> None:
    text = path.read_text(encoding="utf-8")
    assert text == tables.renewed(text)


def test_every_generated_part_stands_somewhere(tables: ModuleType) -> None:
    everything = "".join(path.read_text(encoding="utf-8") for path in DOCS)
    assert [name for name in tables.BLOCKS if f"<!-- {name} -->\n|" not in everything and name != "hooks"] == []
    assert "### `authkit_providers()`" in everything


def test_every_error_code_has_a_section_and_every_section_a_code() -> None:
    codes = {
        found.code
        for name in errors.__all__
        if inspect.isclass(found := getattr(errors, name)) and name != "AuthkitError"
    }
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert sorted(sections) == sorted(codes)


@pytest.mark.parametrize("path", PROSE, ids=lambda path: path.name)
def test_links_inside_the_repository_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    targets = [target.partition("#")[0] for target in re.findall(r"\]\(([^)]+)\)", text)]
    local = [target for target in targets if target and not target.startswith("https://")]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_the_page_about_plugins_quotes_what_the_code_says_of_one_that_does_not_load() -> None:
    code = "".join((ROOT / "authkit" / name).read_text(encoding="utf-8") for name in ("inspection.py", "plugins.py"))
    code += (ROOT / "authkit" / "names.py").read_text(encoding="utf-8").replace("{what} name", "provider name")
    code += "".join(f"more than one plugin {how} " for how in re.findall(r'_claimed\("([a-z ]+)"', code))
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8").partition("<!-- plugin-problems -->")[2]
    quoted = re.findall(r"^\| `(.+?)` \|", text, re.MULTILINE)
    fragments = [part.strip(" :?;,") for quote in quoted for part in quote.split("…")]

    assert len(quoted) == 24
    assert [part for part in fragments if len(part) > 10 and part not in code] == []


def test_every_promise_of_the_threat_model_names_tests_that_exist() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    promised = text.partition("\n## What is promised\n")[2].partition("\n## What is the app's job\n")[0]
    rows = re.findall(r"^\| (?!promise \||---)(.*?) \| (.*) \|$", promised, re.MULTILINE)
    named = {promise: re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests) for promise, tests in rows}
    there = {
        (path.name, node.name)
        for path in (ROOT / "tests").glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }

    assert [promise for promise, tests in named.items() if not tests] == []
    assert [test for tests in named.values() for test in tests if test not in there] == []
    assert len(named) == len(rows) > 40


def test_security_md_supports_this_version_and_leads_to_the_threat_model() -> None:
    model = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    policy = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    version_here = re.search(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
    versions = re.findall(r"^\| (\d+\.\d+) \| yes \|$", policy, re.MULTILINE)

    assert "(docs/threat-model.md)" in policy
    assert "(../SECURITY.md)" in model
    assert [version for version in versions if version_here.startswith(f"{version}.")] != []


def test_readme_is_at_most_150_lines() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize(
    ("page", "example"),
    [
        ("README.md", "hello.py"),
        ("README.md", "plugins/authkit-acme/authkit_acme.py"),
        ("docs/pyramid.md", "test_hello.py"),
        ("docs/limits.md", "limited.py"),
    ],
)
def test_a_page_shows_an_example_as_it_is(page: str, example: str) -> None:
    source = (ROOT / "examples" / example).read_text(encoding="utf-8")
    docstring = ast.get_source_segment(source, ast.parse(source).body[0]) or ""
    assert source.replace(docstring, "", 1).strip() in (ROOT / page).read_text(encoding="utf-8")


def test_the_page_for_adapters_shows_the_bare_one_as_it_is() -> None:
    page = (ROOT / "docs" / "adapters.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    sources = [
        (ROOT / "tests" / name).read_text(encoding="utf-8") for name in ("bare_adapter.py", "test_contract_bare.py")
    ]

    assert len(shown) == 7
    for example in shown:
        assert example in sources[1] or example in sources[0] or indent(example, "    ") in sources[0]


@pytest.mark.pyramid
def test_readme_maps_files_that_exist() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \|", text.partition("## The code")[2].partition("## Read on")[0], re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "authkit" / name).exists()] == []


def test_the_examples_for_emulators_run(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "emulator.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        exec(example, names)
    emulator: Emulator = names["AcmeEmulator"]()
    kit = AuthKit.from_settings(
        {
            "authkit.secret": SECRET,
            "authkit.base_url": "http://127.0.0.1:6543",
            **{f"authkit.acme.{key}": value for key, value in emulator.settings("http://127.0.0.1:8787").items()},
        },
        transport=WsgiTransport(emulator),
        plugins=plugins_with(acme),
    )
    begun = kit.begin("acme")
    callback = emulator.workbench.answer(Request.by_browser("GET", begun.url)).location

    assert capsys.readouterr().out.startswith("https://127.0.0.1:")
    assert names["authkit_emulators"]() == [names["AcmeEmulator"]]
    assert kit.complete("acme", callback.partition("?")[2], begun.cookies).login.profile.display_name == "Ada"


def test_the_examples_for_openid_connect_are_registrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "openid.md").read_text(encoding="utf-8")
    lines = (
        "".join(re.findall(r"^```ini\n(.*?)^```", text, re.MULTILINE | re.DOTALL)).replace("…", "secret").splitlines()
    )
    (tmp_path / "client.pem").write_bytes(ECKey.generate_key("P-256").as_pem(private=True))
    monkeypatch.chdir(tmp_path)
    site = {"authkit.secret": SECRET, "authkit.base_url": "https://app.example"}

    kit = AuthKit.from_settings({**site, **dict(line.split(" = ") for line in lines)}, environ={})

    assert {name: known.authority for name, known in kit.registrations.items()} == {
        "google": "https://accounts.google.com",
        "keycloak": "https://id.example/realms/staff",
        "bank": "https://id.bank.example",
    }


def test_the_plugin_for_openid_connect_needs_an_id_and_a_secret() -> None:
    text = (ROOT / "docs" / "openid.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    plugin = ModuleType("authkit_google")
    exec(example, vars(plugin))
    site = {"authkit.secret": SECRET, "authkit.base_url": "https://app.example"}
    client = {"authkit.google.client_id": "id", "authkit.google.client_secret": "secret"}

    kit = AuthKit.from_settings({**site, **client}, plugins=load_plugins(found=(), extra=[plugin]), environ={})

    assert kit.registrations["google"].authority == "https://accounts.google.com"


def test_the_container_s_command_is_one_that_the_command_line_knows() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    program, *words = json.loads(re.search(r"^ENTRYPOINT (\[.*\])$", text, re.MULTILINE)[1])
    done = CliRunner().invoke(authkit, [*words, "--list"])

    assert (program, done.exit_code) == ("authkit", 0)


def test_every_fact_about_tiktok_has_a_test(tables: ModuleType) -> None:
    facts = {int(number) for number in re.findall(r"^\| T(\d+) \|", tables.tiktok_facts(), re.MULTILINE)}
    assert facts == set(range(1, 35))
