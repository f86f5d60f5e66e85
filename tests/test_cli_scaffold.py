"""What a new plugin's folder holds: valid files, whatever is in an answer."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import needs
from hypothesis import given
from hypothesis import strategies as st

from authkit import OAuth2Provider
from authkit.cli.blueprint import Blueprint, OAuth2Form, OpenIDForm, check_plugin_name
from authkit.cli.questions import QUESTIONS, TITLE
from authkit.cli.scaffold import core_range, render
from authkit.emulator import StockEmulator
from authkit.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # comes with pytest

RUFF = Path(sys.executable).parent / "ruff"
ENDPOINTS = {
    "authorize_url": "https://acme.example/oauth/authorize?tenant='\"{}",
    "token_url": "https://acme.example/oauth/token",
    "userinfo_url": "https://acme.example/api/me",
}
ACME = Blueprint("acme", "Acme", OAuth2Form(**ENDPOINTS, scope=("profile",)))
TITLES = (
    "Acme",
    "Acme's",
    'The "Acme"',
    'It\'s "Acme"',
    "It's the \"Acme\" of 'them'",
    "back\\slash\\",
    '"""',
    "'''",
    "\\'\"",
    "{{ 7 * 7 }} {% raw %}",
    "#{x} %s {name}",
    "Zoë & <b>Łukasz</b> 🦆",
    "`code` *b* _i_ [l](https://x.example) | cell",
    "'",
    '"',
)
CHECKS = {question.name: question.check for question in QUESTIONS}
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
PART = st.text(alphabet=f"{LETTERS.upper()}_$@:/-", min_size=1, max_size=9)


def is_accepted(check: Any, text: str) -> bool:
    try:
        check(text)
    except (ValueError, ConfigError):
        return False
    return True


NAME = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True).filter(
    lambda name: is_accepted(check_plugin_name, name)
)
TITLE_TEXT = st.text(max_size=70).filter(lambda text: is_accepted(TITLE.check, text)).map(TITLE.check)
SCOPE = st.text(max_size=200).filter(lambda text: is_accepted(CHECKS["scope"], text)).map(CHECKS["scope"])
FIELD = st.lists(PART, min_size=1, max_size=4).map(".".join).filter(lambda text: len(text) <= 40)
LONGEST = f"{'a' * 10}.{'b' * 9}.{'c' * 9}.{'d' * 9}"


def module_in(files: dict[str, str]) -> str:
    (name,) = (name for name in files if name.endswith("__init__.py"))
    return files[name]


def provider_of(blueprint: Blueprint) -> OAuth2Provider:
    """Return the provider that the module of a plugin supplies."""
    names: dict[str, Any] = {}
    exec(module_in(dict(render(blueprint))), names)
    (provider,) = names["authkit_providers"]()
    assert names[blueprint.variable] is provider
    return provider


@pytest.mark.parametrize("has_number", [False, True])
@pytest.mark.parametrize("path", ["id", "data.user.id", "user.sub", LONGEST])
def test_the_profile_is_read_where_the_answers_say(path: str, has_number: bool) -> None:
    form = replace(OAuth2Form(**ENDPOINTS), subject_field=path, has_number=has_number, name_field="who.shown")
    value: Any = 7 if has_number else "7"
    for part in reversed(path.split(".")):
        value = {part: value}

    profile = provider_of(replace(ACME, form=form)).profile({"who": {"shown": "Ada"}, **value})

    assert (profile.subject, profile.display_name) == ("7", "Ada")


@pytest.mark.unmeasured
@given(
    name=NAME,
    title=st.one_of(TITLE_TEXT, st.sampled_from(TITLES)),
    scope=SCOPE,
    auth=st.sampled_from(["basic", "body", "none"]),
    has_number=st.booleans(),
    fields=st.tuples(FIELD, FIELD | st.just("")),
)
def test_every_answer_that_is_accepted_makes_files_that_say_the_same(
    name: str, title: str, scope: str, auth: str, has_number: bool, fields: tuple[str, str]
) -> None:
    subject_field, name_field = fields
    scopes = tuple(scope.split())
    form = OAuth2Form(
        **ENDPOINTS,
        revoke_url="https://acme.example/revoke",
        scope=scopes,
        token_auth=auth,
        issuer="https://acme.example",
        subject_field=subject_field,
        has_number=has_number,
        name_field=name_field,
    )
    blueprint = Blueprint(name, title, form)

    provider = provider_of(blueprint)
    project = tomllib.loads(render(blueprint)["pyproject.toml"])["project"]

    assert (provider.name, provider.title) == (name, title)
    assert (provider.default_scope, provider.token_auth, provider.issuer) == (scopes, auth, "https://acme.example")
    assert {field: getattr(provider, field) for field in ENDPOINTS} == ENDPOINTS
    assert project["description"] == f"Continue with {title}: a provider for authkit"
    assert project["entry-points"] == {"authkit": {name: f"authkit_{name.replace('-', '_')}"}}


@pytest.mark.parametrize("missing", [None, True, "7", 7.5, "", [], {}])
def test_an_id_that_is_no_number_never_becomes_a_text_that_others_have_too(missing: object) -> None:
    profile = provider_of(replace(ACME, form=replace(OAuth2Form(**ENDPOINTS), has_number=True))).profile

    with pytest.raises(TypeError):
        profile({"id": missing})


@pytest.mark.parametrize("has_number", [False, True])
@pytest.mark.parametrize("path", ["id", "data.user.open_id"])
def test_the_stock_emulator_can_emulate_what_is_written(path: str, has_number: bool) -> None:
    form = replace(OAuth2Form(**ENDPOINTS), subject_field=path, has_number=has_number)

    assert StockEmulator(provider_of(replace(ACME, form=form))).users[0].profile.display_name == "Ada Example"


def formatted(text: str) -> str:
    """Return `text` as ruff formats it, by ruff's own defaults."""
    command = [RUFF, "format", "--isolated", "--stdin-filename", "module.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, encoding="utf-8").stdout


@pytest.mark.slow
def test_the_python_files_are_formatted_whatever_is_in_an_answer() -> None:
    needs(RUFF.exists(), "ruff")
    long = tuple(f"https://acme.example/scopes/number-{number}" for number in range(3))
    longest = replace(OAuth2Form(**ENDPOINTS), subject_field=LONGEST, has_number=True, name_field=LONGEST)
    forms = [
        *(replace(OAuth2Form(**ENDPOINTS), scope=scope) for scope in ((), long, long[:1], ("a" * 90,))),
        *(replace(OAuth2Form(**ENDPOINTS), scope=("a" * size,)) for size in range(60, 70)),
        *(replace(longest, name_field=name) for name in (LONGEST, "")),
        OpenIDForm("https://id.acme.example"),
    ]
    names = ("class", "a-fairly-long-name-of-a-provider")
    blueprints = [
        *(replace(ACME, title=title) for title in TITLES),
        *(replace(ACME, form=form) for form in forms),
        *(replace(ACME, name=name) for name in names),
    ]
    texts = [text for each in blueprints for name, text in render(each).items() if name.endswith(".py")]

    assert len(texts) == 2 * len(blueprints)
    assert [text for text in texts if formatted(text) != text] == []


def test_the_workflow_pins_what_it_uses_and_may_only_read() -> None:
    workflow = render(ACME)[".github/workflows/test.yml"]
    used = re.findall(r"uses: (\S+)(.*)", workflow)

    assert "\npermissions:\n  contents: read\n" in workflow
    assert workflow.count("permissions") == 1
    assert len(used) == 2
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", action) for action, _ in used)
    assert all(re.fullmatch(r" # v\d+\.\d+\.\d+", comment) for _, comment in used)
    assert "persist-credentials: false" in workflow
    assert "python-version: ${{ matrix.python }}\n" in workflow


@pytest.mark.parametrize(
    ("form", "settings"),
    [
        (ACME.form, ["client_id", "client_secret", "scope"]),
        (replace(OAuth2Form(**ENDPOINTS), token_auth="none"), ["client_id", "scope"]),
        (OpenIDForm("https://id.acme.example"), ["client_id", "client_secret"]),
    ],
)
def test_the_readme_names_the_settings_that_an_app_needs(form: OAuth2Form | OpenIDForm, settings: list[str]) -> None:
    readme = render(replace(ACME, form=form))["README.md"]

    assert re.findall(r"^\| `authkit\.acme\.(\w+)` \| .+ \|$", readme, re.MULTILINE) == settings
    assert "https://app.example/auth/acme/callback" in readme


def test_a_title_is_text_in_the_readme() -> None:
    readme = render(replace(ACME, title="<b>*A*</b> [x](y) | `c`"))["README.md"]

    assert "Continue with \\<b\\>\\*A\\*\\</b\\> \\[x\\](y) \\| \\`c\\`: a provider" in readme


@pytest.mark.parametrize("blueprint", [ACME, replace(ACME, form=OpenIDForm("https://id.acme.example"))])
def test_the_files_end_in_one_line_break_and_have_no_blanks_at_the_ends_of_lines(blueprint: Blueprint) -> None:
    files = dict(render(blueprint))
    assert files.pop("src/authkit_acme/py.typed") == ""

    assert [name for name, text in files.items() if not re.search(r"[^\n]\n\Z", text)] == []
    assert [name for name, text in files.items() if re.search(r"[ \t]$|\n\n\n\n", text, re.MULTILINE)] == []


@pytest.mark.parametrize(
    ("version", "expected"),
    [("0.1.0", ">=0.1,<0.2"), ("0.9.3", ">=0.9,<0.10"), ("1.2.3", ">=1.2,<2"), ("12.0rc1", ">=12.0,<13")],
)
def test_a_plugin_takes_the_versions_in_which_what_is_public_stays(version: str, expected: str) -> None:
    assert core_range(version) == expected
